import { ensures } from '@rsl/contracts';
import type { CallOptions, ManyResults, Relay, Session } from '../api.ts';
import { OverloadedError, RslError } from '../errors.ts';
import { SessionExpiredError } from '../session-errors.ts';
import type { Clock } from '../ports/clock.ts';
import { sessionLimits } from '../sessions/session-limits.ts';
import { type SessionId, type SessionName, sessionNameOf } from '../sessions/session-name.ts';
import type { Calls, From } from './calls.ts';
import type { Under } from './proposal-ring.ts';

const { sessionWindowMax } = sessionLimits;

/** A session of this replica's callers: it numbers their commands, and goes on while it is idle. */
export class OwnSession<C, R> implements Session<C, R> {
  readonly id: SessionId;
  readonly #under: Under;
  readonly #calls: Calls<C, R>;
  readonly #relay: Relay;
  readonly #clock: Clock;
  readonly #end = new AbortController();
  readonly #stopTicks: () => void;
  readonly #ttlMs: number;
  /** Done, above what is acknowledged. */
  readonly #done = new Set<number>();
  #next = 1;
  #usedMs: number;
  #closing: Promise<void> | undefined;

  constructor(id: SessionId, ttlMs: number, calls: Calls<C, R>, relay: Relay, clock: Clock) {
    this.id = id;
    this.#under = { ...(sessionNameOf(id) as SessionName), acknowledged: 0 };
    this.#calls = calls;
    this.#relay = relay;
    this.#clock = clock;
    this.#ttlMs = ttlMs;
    this.#usedMs = clock.nowMs();
    this.#stopTicks = clock.everyMs(Math.floor(ttlMs / 6), () => this.#onTick());
  }

  get ended(): AbortSignal {
    return this.#end.signal;
  }

  async propose(command: C, options: CallOptions = {}): Promise<R> {
    let number = 0;
    const from = (): From => {
      number = this.#take(1);
      return { under: this.#under, firstNumber: number };
    };
    try {
      return await this.#calls.propose(command, options, from);
    } catch (error) {
      this.#onError(error);
      throw error;
    } finally {
      if (number > 0) this.#finish(number);
    }
  }

  proposeMany(
    commands: readonly Uint8Array[],
    results: ManyResults,
    options: { readonly timeoutMs?: number } = {},
  ): void {
    const firstNumber = this.#take(commands.length);
    const sink: ManyResults = {
      result: (i, bytes) => {
        this.#finish(firstNumber + i);
        results.result(i, bytes);
      },
      error: (i, error) => {
        this.#finish(firstNumber + i);
        this.#onError(error);
        results.error(i, error);
      },
    };
    try {
      this.#calls.proposeMany(commands, sink, options, { under: this.#under, firstNumber });
    } catch (error) {
      for (let i = 0; i < commands.length; i += 1) this.#finish(firstNumber + i);
      throw error;
    }
  }

  close(options: CallOptions = {}): Promise<void> {
    this.#closing ??= this.#close(options);
    return this.#closing;
  }

  /** It is known to have ended, or nobody uses it any more. */
  end(reason: RslError): void {
    this.#stopTicks();
    this.#end.abort(reason);
  }

  async #close(options: CallOptions): Promise<void> {
    if (this.ended.aborted) return;
    try {
      await this.#relay.close(this.id, options);
    } catch (error) {
      // Ended already: as it should be.
      if (!isExpired(error)) {
        this.#closing = undefined;
        throw error;
      }
    }
    this.end(new SessionExpiredError('the session was closed'));
  }

  /** The next numbers; none is given twice. */
  #take(count: number): number {
    if (this.ended.aborted) throw new SessionExpiredError('the session has ended; open another');
    const first = this.#next;
    if (first + count - 1 - this.#under.acknowledged > sessionWindowMax) {
      const why = `${sessionWindowMax} commands of this session wait for their results`;
      throw new OverloadedError('sessionWindowMax', `${why}; slow down and try again`);
    }
    this.#next += count;
    this.#usedMs = this.#clock.nowMs();
    return first;
  }

  /** Its caller knows what became of it, and does not ask again. */
  #finish(number: number): void {
    this.#done.add(number);
    while (this.#done.delete(this.#under.acknowledged + 1)) this.#under.acknowledged += 1;
    ensures(
      () => this.#under.acknowledged < this.#next,
      'own-session-1 nothing is acknowledged that was not proposed (P9)',
    );
  }

  #onError(error: unknown): void {
    if (isExpired(error)) this.end(error as RslError);
  }

  #onTick(): void {
    if (this.#clock.nowMs() - this.#usedMs < this.#ttlMs / 3) return;
    this.#usedMs = this.#clock.nowMs();
    const { acknowledged } = this.#under;
    const timeoutMs = this.#ttlMs;
    this.#relay.use(this.id, acknowledged, { timeoutMs }).catch((e: unknown) => this.#onError(e));
  }
}

const isExpired = (error: unknown): boolean =>
  error instanceof RslError && error.code === 'RSL_SESSION_EXPIRED';
