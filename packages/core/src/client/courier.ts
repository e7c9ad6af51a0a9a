import { requires } from '@rsl/contracts';
import type { ManyResults } from '../api.ts';
import { checkSegment, commandsIn } from '../codec/segment.ts';
import { ClosedError, FrameError, OutcomeUnknownError, RslError } from '../errors.ts';
import type { Intaker } from '../host/calls.ts';
import type { Under } from '../host/proposal-ring.ts';
import { Proposals } from '../host/proposals.ts';
import type { Clock } from '../ports/clock.ts';
import type { Logger } from '../ports/logger.ts';
import type { Random } from '../ports/random.ts';
import { decodeName } from '../sessions/control.ts';
import { type SessionId, sessionIdOf } from '../sessions/session-name.ts';
import type {
  Answer,
  ClientCommands,
  ClientFailed,
  ClientMessage,
  Question,
  Welcome,
} from './client-messages.ts';
import {
  type ClientLimits,
  type ClientOptions,
  type ClientTimings,
  relayTimeoutMs,
} from './client-options.ts';
import { Link } from './link.ts';
import { Patience } from './patience.ts';
import { errorOf } from './problem.ts';
import { Questions } from './questions.ts';

export interface CourierOptions extends Pick<ClientOptions, 'addresses' | 'connector' | 'group'> {
  readonly limits: ClientLimits;
  readonly timings: ClientTimings;
  readonly ttlMs: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** The JSON of a ReplicaStatus. */
  readonly onStatus: (bytes: Uint8Array) => void;
}

const pauseMsMin = 10;
const pauseMsMax = 1_000;
const nothing = new Uint8Array(0);

/** A command that ended so is sent again: to this replica after a while, or to another. */
const passing: ReadonlySet<string> = new Set([
  'RSL_NOT_LEADER',
  'RSL_OVERLOADED',
  'RSL_OUTCOME_UNKNOWN',
  'RSL_ABORTED',
  'RSL_CLOSED',
  'RSL_STORAGE_FULL',
]);

/**
 * Brings a client's commands to a replica, each under the client's session, and again whatever was
 * not answered when a connection ends (P9). The sequences of its ring are those of the session; the
 * number of a connection is to the ring what a ballot is to a replica's.
 */
export class Courier implements Intaker {
  readonly #options: CourierOptions;
  readonly #link: Link;
  readonly #proposals: Proposals;
  readonly #questions: Questions;
  readonly #patience: Patience;
  /** Of one command: what this client allows, or the replica, if that is less. */
  readonly #bounds: { commandBytesMax: number };
  /** Slot 0 while there is no session. */
  readonly #under: Under = { slot: 0, offset: 0, acknowledged: 0 };
  #connections = 0;
  #isOpening = false;
  #isWatching = false;
  #unsent: ClientCommands | undefined;
  #usedMs = 0;
  #pausedUntilMs = 0;
  #pauseMs = pauseMsMin;
  #turnDue = false;
  #isClosed = false;

  constructor(options: CourierOptions) {
    this.#options = options;
    const { clock, limits, logger } = options;
    const bounds = { ...limits };
    this.#bounds = bounds;
    this.#patience = new Patience(options.timings);
    this.#proposals = new Proposals({ self: 0, epoch: 0, limits: bounds });
    this.#questions = new Questions(limits.pendingQuestionsMax);
    const on = {
      up: (welcome: Welcome) => this.#onUp(welcome),
      down: (why: string) => logger.debug({ why }, 'the connection to a replica has ended'),
      message: (message: ClientMessage) => this.#onMessage(message),
      drain: () => this.#schedule(),
    };
    this.#link = new Link({ ...options, on });
    clock.soon(() => this.#link.onTick());
  }

  get connectedTo(): string | undefined {
    return this.#link.address;
  }

  get session(): SessionId | undefined {
    return this.#under.slot === 0 ? undefined : sessionIdOf(this.#under);
  }

  // ---- callers

  propose(commands: readonly Uint8Array[], sink: ManyResults, deadlineMs: number): number {
    if (this.#isClosed) throw new ClosedError('the client was closed');
    const { next } = this.#proposals;
    const first = this.#proposals.add(commands, sink, deadlineMs, this.#under, next);
    this.#schedule();
    return first;
  }

  cancel(sequence: number, reason: unknown): void {
    this.#proposals.cancel(sequence, reason);
  }

  async ask(
    question: Question,
    bytes: Uint8Array,
    deadlineMs: number,
    signal?: AbortSignal,
  ): Promise<Answer> {
    if (this.#isClosed) throw new ClosedError('the client was closed');
    const answer = this.#questions.ask(question, bytes, deadlineMs, signal);
    this.#schedule();
    return answer;
  }

  watch(on: boolean): void {
    this.#isWatching = on;
    this.#sayWatch();
  }

  close(): void {
    this.#isClosed = true;
    this.#link.close();
    this.#questions.closeAll(new ClosedError('the client was closed'));
    this.#proposals.closeAll(undefined);
  }

  onTick(): void {
    const nowMs = this.#options.clock.nowMs();
    if (this.#patience.isOver(this.#isOwed, nowMs)) this.#link.leave('it owes an answer');
    this.#link.onTick();
    const { whyDown } = this.#link;
    this.#proposals.expire(nowMs, whyDown);
    this.#questions.expire(nowMs, whyDown);
    if (this.session !== undefined && nowMs - this.#usedMs >= this.#options.ttlMs / 3) this.#use();
    this.#pump();
  }

  // ---- the connection

  /** The replica has been given something, and has not answered. */
  get #isOwed(): boolean {
    const { pendingCount, queuedCount } = this.#proposals;
    return this.#link.isUp && (pendingCount > queuedCount || this.#questions.areAsked);
  }

  #onUp({ commandBytesMax }: Welcome): void {
    this.#connections += 1;
    this.#bounds.commandBytesMax = Math.min(this.#options.limits.commandBytesMax, commandBytesMax);
    this.#unsent = undefined;
    this.#proposals.resendBelow(this.#connection);
    this.#questions.again();
    if (this.#isWatching) this.#sayWatch();
    this.#schedule();
  }

  get #connection(): { configuration: number; round: number; proposer: number } {
    return { configuration: 1, round: this.#connections, proposer: 0 };
  }

  #onMessage(message: ClientMessage): void {
    switch (message.kind) {
      case 'results':
        return this.#onResults(message.segment);
      case 'failed':
        return this.#onFailed(message);
      case 'answer':
        this.#patience.onAnswer();
        return this.#questions.onAnswer(message);
      case 'denied':
        if (this.#questions.onDenied(message)) this.#pause();
        else this.#patience.onAnswer();
        return;
      case 'leader':
        return this.#link.onHint(message.address);
      case 'status':
        return this.#options.onStatus(message.bytes);
      default:
        throw new FrameError(`a replica says ${message.kind}`);
    }
  }

  #onResults(segment: Uint8Array): void {
    const header = checkSegment(segment);
    const { session } = header;
    if (session === undefined) throw new FrameError('results of no session');
    // An answer to what was sent under an earlier session: it was given up.
    if (!this.#isOurs(session)) return;
    this.#pauseMs = pauseMsMin;
    this.#patience.onAnswer();
    let sequence = session.firstSequence;
    for (const result of commandsIn(segment, header)) {
      this.#mustBeSent(sequence);
      this.#proposals.resolve(sequence, result);
      sequence += 1;
    }
    this.#schedule();
  }

  #onFailed(message: ClientFailed): void {
    if (!this.#isOurs(message)) return;
    this.#mustBeSent(message.sequence);
    const error = errorOf(message.problem);
    if (error.code === 'RSL_SESSION_EXPIRED') return this.#onEnded(error);
    if (!passing.has(error.code)) {
      this.#patience.onAnswer();
      return this.#proposals.refuse(message.sequence, error);
    }
    this.#proposals.resend(message.sequence);
    this.#pause();
  }

  #mustBeSent(sequence: number): void {
    if (this.#proposals.isUnsent(sequence)) throw new FrameError('an answer to what was not sent');
  }

  #isOurs({ slot, offset }: { readonly slot: number; readonly offset: number }): boolean {
    return slot === this.#under.slot && offset === this.#under.offset;
  }

  // ---- the session

  #open(): void {
    if (this.#isOpening) return;
    this.#isOpening = true;
    const { clock, ttlMs } = this.#options;
    const deadlineMs = clock.nowMs() + relayTimeoutMs;
    this.#questions.ask({ what: 'open', ttlMs }, nothing, deadlineMs).then(
      ({ bytes }) => {
        this.#isOpening = false;
        const { slot, offset } = decodeName(bytes);
        this.#under.slot = slot;
        this.#under.offset = offset;
        this.#usedMs = clock.nowMs();
        this.#schedule();
      },
      () => {
        this.#isOpening = false;
        if (!this.#isClosed) this.#schedule();
      },
    );
  }

  #use(): void {
    const { session } = this;
    if (session === undefined) return;
    const { clock, ttlMs } = this.#options;
    this.#usedMs = clock.nowMs();
    const acknowledged = this.#proposals.doneThrough;
    const question = { what: 'use', session, acknowledged } as const;
    this.#questions.ask(question, nothing, this.#usedMs + ttlMs).catch((error: unknown) => {
      const isExpired = error instanceof RslError && error.code === 'RSL_SESSION_EXPIRED';
      if (isExpired && this.session === session) this.#onEnded(error);
    });
  }

  /** What was sent under it may have been executed, and nobody will ever know. */
  #onEnded(error: RslError): void {
    this.#under.slot = 0;
    this.#unsent = undefined;
    this.#proposals.giveUpSent(error);
    this.#schedule();
  }

  // ---- sending

  #schedule(): void {
    if (this.#turnDue || this.#isClosed) return;
    this.#turnDue = true;
    this.#options.clock.soon(() => {
      this.#turnDue = false;
      this.#pump();
    });
  }

  #pump(): void {
    const nowMs = this.#options.clock.nowMs();
    if (!this.#link.isUp || this.#isClosed || nowMs < this.#pausedUntilMs) return;
    if (this.session === undefined && this.#proposals.pendingCount > 0) this.#open();
    this.#questions.pump(nowMs, (ask) => this.#link.send(ask));
    if (this.session !== undefined) this.#sendCommands(nowMs);
  }

  #sendCommands(nowMs: number): void {
    const { frameCommandBytesMax, frameCommandsMax } = this.#options.limits;
    for (;;) {
      if (this.#unsent !== undefined) {
        if (!this.#sendOrRefuse(this.#unsent)) return;
        this.#unsent = undefined;
      }
      this.#under.acknowledged = this.#proposals.doneThrough;
      const segment = this.#proposals.takeSegment(
        this.#connection,
        frameCommandsMax,
        frameCommandBytesMax,
      );
      if (segment === undefined) return;
      this.#usedMs = nowMs;
      this.#unsent = { kind: 'commands', timeoutMs: relayTimeoutMs, segment };
    }
  }

  /** False: not now. What the connection has no frame for its caller hears of. */
  #sendOrRefuse(message: ClientCommands): boolean {
    try {
      return this.#link.send(message);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      const { count, firstSequence } = checkSegment(message.segment);
      const tooLarge = this.#tooLarge(error.message);
      for (let i = 0; i < count; i += 1) this.#proposals.refuse(firstSequence + i, tooLarge);
      return true;
    }
  }

  /** An earlier connection may have had a frame for it. */
  #tooLarge(what: string): RslError {
    const why = `no frame of this connection holds the command: ${what}`;
    if (this.#connections > 1) return new OutcomeUnknownError(why);
    return new RslError('RSL_COMMAND_TOO_LARGE', 'not-executed', why);
  }

  #sayWatch(): void {
    if (!this.#link.isUp) return;
    const on = this.#isWatching;
    const deadlineMs = this.#options.clock.nowMs() + relayTimeoutMs;
    this.#questions.ask({ what: 'watch', on }, nothing, deadlineMs).catch(() => undefined);
    this.#schedule();
  }

  /** Whoever is refused for now comes back after a while, and each time a longer one (L6). */
  #pause(): void {
    const nowMs = this.#options.clock.nowMs();
    if (nowMs < this.#pausedUntilMs) return;
    const half = Math.ceil(this.#pauseMs / 2);
    this.#pausedUntilMs = nowMs + half + this.#options.random.below(half);
    this.#pauseMs = Math.min(pauseMsMax, 2 * this.#pauseMs);
    requires(() => this.#pausedUntilMs > nowMs, 'courier-1 a pause passes (L6)');
  }
}
