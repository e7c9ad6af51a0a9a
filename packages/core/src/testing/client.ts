import type { CallOptions, ReadLevel } from '../api.ts';
import { RslError } from '../errors.ts';
import type { Slot } from '../paxos/slot.ts';
import type { StateMachine } from '../ports/state-machine.ts';
import type { SessionId } from '../sessions/session-name.ts';
import type { OpenCall } from './checkers/calls.ts';
import { check } from './checkers/check-failed.ts';
import type { SeededRandom } from './seeded-random.ts';
import type { SimProcess } from './sim-process.ts';
import type { SimSession, Waiting } from './sim-session.ts';
import type { SimWorld } from './sim-world.ts';
import type { Watch } from './watch.ts';
import { numbered } from './witness.ts';

/** The process that was asked is gone: its callers hear nothing, and go on elsewhere. */
export class ClientGone extends Error {
  override readonly name = 'ClientGone';
}

/**
 * What a client does in one turn: a few calls, in any order. What they reject with may be thrown
 * on. It must draw chance from its turn only, and wait for nothing but its calls.
 */
export type Client = (turn: ClientTurn) => Promise<void>;

/** What a turn is made of, by the simulator. */
export interface TurnOptions {
  readonly client: number;
  readonly random: SeededRandom;
  readonly world: SimWorld;
  readonly process: SimProcess;
  readonly watch: Watch;
  /** The number of the next command. */
  readonly next: () => number;
  readonly session: SimSession;
}

const defaultTimeoutMs = 4_000;
/** Clocks may be so slow, and ticks come now and then. */
const lateMs = (timeoutMs: number): number => 1.5 * timeoutMs + 500;

/** One turn of one client, at one replica; everything that it is told is checked. */
export class ClientTurn {
  /** Which client it is, from 0. */
  readonly client: number;
  readonly random: SeededRandom;
  readonly #options: TurnOptions;
  readonly #start: number;

  constructor(options: TurnOptions) {
    this.#options = options;
    this.client = options.client;
    this.random = options.random;
    this.#start = options.process.starts;
  }

  /** The replica that is asked. */
  get replica(): number {
    return this.#options.process.id;
  }

  get nowMs(): number {
    return this.#options.world.nowMs;
  }

  /** A moment in the order of everything that happens, for histories. */
  get moment(): number {
    return this.#options.world.steps;
  }

  /** The newest slot that anybody was told of, by an acknowledgement or a read. */
  get newest(): Slot {
    return this.#options.watch.reads.floor;
  }

  /** Of the replica that is asked: to be read after a barrier, and never to be changed. */
  get stateMachine(): StateMachine {
    const { stateMachine } = this.#options.process;
    if (stateMachine === undefined) throw new ClientGone('the replica does not run');
    return stateMachine;
  }

  /** Proposes one command and gives its result. */
  propose(command: Uint8Array, options: CallOptions = {}): Promise<Uint8Array> {
    const { process, next } = this.#options;
    const { outcomes, reads } = this.#options.watch;
    const number = next();
    const { timeoutMs = defaultTimeoutMs } = options;
    return this.#call(`command ${number}`, timeoutMs, async () => {
      const { replica } = process;
      if (replica === undefined) throw new ClientGone('the replica does not run');
      const bytes = numbered(number, command);
      return replica.propose(bytes, { ...options, timeoutMs }).then(
        (result) => {
          if (this.#runs) reads.onAcknowledged(outcomes.onResult(number).slot);
          return result;
        },
        (error: unknown) => {
          if (this.#runs && error instanceof RslError) outcomes.onError(number, error.outcome);
          throw error;
        },
      );
    });
  }

  /** Proposes many at once; ends when each has its result or its error, whatever they are. */
  proposeMany(commands: readonly Uint8Array[], timeoutMs = defaultTimeoutMs): Promise<void> {
    const { process, next } = this.#options;
    const { outcomes, reads } = this.#options.watch;
    const numbers = commands.map(() => next());
    return this.#call(`${commands.length} commands`, timeoutMs, async () => {
      const bytes = commands.map((command, i) => numbered(numbers[i] as number, command));
      let left = numbers.length;
      await new Promise<void>((resolve) => {
        const take = (run: () => void): void => {
          if (this.#runs) this.#options.watch.guarded(run);
          left -= 1;
          if (left === 0) resolve();
        };
        const result = (i: number): void =>
          take(() => reads.onAcknowledged(outcomes.onResult(numbers[i] as number).slot));
        const error = (i: number, { outcome }: RslError): void =>
          take(() => outcomes.onError(numbers[i] as number, outcome));
        process.replica?.proposeMany(bytes, { result, error }, { timeoutMs });
      });
    });
  }

  /**
   * Proposes one command under this client's session, which is opened if there is none, and sends
   * again whatever was not answered before, to this replica now: each is executed at most once.
   */
  async proposeOnce(command: Uint8Array, ttlMs: number): Promise<void> {
    const { next, session } = this.#options;
    if (session.id === undefined) await this.#openSession(ttlMs);
    const { id } = session;
    if (id === undefined) return;
    const number = next();
    session.take(number, numbered(number, command));
    await Promise.all(session.waiting.map((one) => this.#send(id, one)));
  }

  async #openSession(ttlMs: number): Promise<void> {
    const { process, session } = this.#options;
    await this.#call('a session', defaultTimeoutMs, async () => {
      const id = await process.replica?.relay.open(ttlMs, { timeoutMs: defaultTimeoutMs });
      if (id !== undefined && session.id === undefined) session.begin(id);
    });
  }

  async #send(id: SessionId, one: Waiting): Promise<void> {
    const { process, session } = this.#options;
    const timeoutMs = defaultTimeoutMs;
    const { acknowledged } = session;
    one.sent += 1;
    await this.#call(`command ${one.number} of session ${id}`, timeoutMs, async () => {
      const { replica } = process;
      if (replica === undefined) throw new ClientGone('the replica does not run');
      const part = { session: id, firstSequence: one.sequence, acknowledged };
      await new Promise<void>((resolve) => {
        const result = (_: number, bytes: Uint8Array): void => {
          this.#options.watch.guarded(() => this.#onAnswer(id, one, bytes));
          resolve();
        };
        const error = (_: number, { code }: RslError): void => {
          if (this.#runs) this.#options.watch.guarded(() => this.#onRefusal(id, one, code));
          resolve();
        };
        replica.relay.propose(part, [one.bytes], { result, error }, { timeoutMs });
      });
    });
  }

  #onAnswer(id: SessionId, one: Waiting, result: Uint8Array): void {
    const { session, watch } = this.#options;
    if (!this.#runs || session.id !== id || !session.answer(one, result)) return;
    watch.reads.onAcknowledged(watch.outcomes.onResult(one.number).slot);
  }

  /** What it was not told it asks again; with a session that has ended it gives up. */
  #onRefusal(id: SessionId, { number, sequence }: Waiting, code: string): void {
    const { session, watch } = this.#options;
    if (session.id !== id) return;
    const isOpen = session.waiting.some((other) => other.sequence === sequence);
    check(code !== 'RSL_RESULT_GONE' || !isOpen, () => `the result of command ${number} is gone`);
    if (code !== 'RSL_SESSION_EXPIRED') return;
    for (const left of session.waiting) watch.outcomes.onError(left.number, 'unknown');
    session.id = undefined;
  }

  /** Waits until this replica's state may be read at that level; gives the slot it reflects. */
  read(level: ReadLevel = 'linearizable', timeoutMs = defaultTimeoutMs): Promise<Slot> {
    const { process } = this.#options;
    const { reads } = this.#options.watch;
    const { floor } = reads;
    const what = typeof level === 'string' ? `a ${level} read` : `a read at ${level.atLeast}`;
    return this.#call(what, timeoutMs, async () => {
      const { replica } = process;
      if (replica === undefined) throw new ClientGone('the replica does not run');
      const slot = await replica.barrier(level, { timeoutMs });
      if (!this.#runs) return slot;
      const { executedThrough } = replica.status();
      reads.onRead(process.id, leastOf(level, floor), slot, executedThrough);
      return slot;
    });
  }

  get #runs(): boolean {
    const { process } = this.#options;
    return process.isUp && process.starts === this.#start;
  }

  /** Ends with the call, or with the process. */
  async #call<T>(what: string, timeoutMs: number, run: () => Promise<T>): Promise<T> {
    const { process, watch, world } = this.#options;
    const { calls } = watch;
    const dueMs = world.nowMs + lateMs(timeoutMs);
    const call: OpenCall = { what, dueMs };
    calls.begin(call);
    let gone = (): void => {};
    try {
      const dies = new Promise<never>((_, reject) => {
        gone = () => reject(new ClientGone(`${what}: the replica is gone`));
        process.onGone.add(gone);
      });
      return await Promise.race([run(), dies]);
    } finally {
      calls.end(call);
      process.onGone.delete(gone);
    }
  }
}

/** The slot that a read has to reflect, if it was asked for when `floor` was known. */
function leastOf(level: ReadLevel, floor: Slot): Slot {
  if (level === 'local') return 0;
  return level === 'linearizable' ? floor : level.atLeast;
}
