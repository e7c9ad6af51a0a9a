import type { CallOptions, ManyResults, ReplicaStatus } from '../api.ts';
import { Calls } from '../host/calls.ts';
import { systemClock } from '../host/system-clock.ts';
import { systemRandom } from '../host/system-random.ts';
import { checkInteger } from '../options.ts';
import type { Slot } from '../paxos/slot.ts';
import { type Logger, silentLogger } from '../ports/logger.ts';
import type { CommandCodec } from '../ports/state-machine.ts';
import { rawCodec } from '../raw-codec.ts';
import type { SessionId } from '../sessions/session-name.ts';
import type { Answer, Question } from './client-messages.ts';
import { checkedClientOptions, type ClientOptions, type QueryOptions } from './client-options.ts';
import { Courier } from './courier.ts';

/** A process that is no replica, and uses a group. All calls from the thread that made it. */
export interface Client<C = Uint8Array, R = Uint8Array> {
  /**
   * Executes a command once and gives its result, through changes of leaders, of replicas and of
   * connections: it is sent again under this client's session until its deadline.
   * RSL_OUTCOME_UNKNOWN if that passes after it was sent; RSL_SESSION_EXPIRED if the session ended
   * meanwhile; RSL_OVERLOADED with more than `pendingCommandsMax` that wait.
   */
  propose(command: C, options?: CallOptions): Promise<R>;
  /** The same for many encoded commands, without a promise for each. Throws for all or none. */
  proposeMany(
    commands: readonly Uint8Array[],
    results: ManyResults,
    options?: { readonly timeoutMs?: number },
  ): void;
  /** Asks the state machine of a replica; see `StateMachine.query`. */
  query<Q = Uint8Array, A = Uint8Array>(question: Q, options?: QueryOptions): Promise<A>;
  /**
   * The highest slot that an answer to a query has reflected; 0 before the first. With it as
   * `level: { atLeast }` this client never reads what is older than what it has read, whichever
   * replica it is connected to. To read what it wrote, let the result of a command say its slot.
   */
  readonly seenThrough: Slot;
  /** Of the replica that it is connected to. */
  status(options?: CallOptions): Promise<ReplicaStatus>;
  /** Calls `listener` now and then with that status; the function given back ends it. */
  watch(listener: (status: ReplicaStatus) => void): () => void;
  /** Where it is connected, if it is. */
  readonly connectedTo: string | undefined;
  /** Its session, once it has one; another one if it was not connected for too long. */
  readonly session: SessionId | undefined;
  /** Ends the session if it can at once, and what waits. A second call waits too. */
  close(): Promise<void>;
}

const closeTimeoutMs = 1_000;
const nothing = new Uint8Array(0);

/** A client of a group. It connects by itself, and again, for as long as it is not closed. */
export function connectClient<C = Uint8Array, R = Uint8Array>(
  options: ClientOptions<C, R>,
): Client<C, R> {
  return new RunningClient(options);
}

class RunningClient<C, R> implements Client<C, R> {
  readonly #calls: Calls<C, R>;
  readonly #codec: CommandCodec<C, R>;
  readonly #courier: Courier;
  readonly #logger: Logger;
  readonly #stopTicks: () => void;
  readonly #watchers = new Set<(status: ReplicaStatus) => void>();
  #closing: Promise<void> | undefined;
  #seenThrough: Slot = 0;

  constructor(options: ClientOptions<C, R>) {
    const checked = checkedClientOptions(options);
    const { clock = systemClock, logger = silentLogger, random = systemRandom } = options;
    const { addresses, connector, group } = options;
    this.#codec = options.codec ?? rawCodec<C, R>();
    this.#logger = logger;
    const given = { ...checked, addresses, connector, group, clock, logger, random };
    this.#courier = new Courier({ ...given, onStatus: (bytes) => this.#onStatus(bytes) });
    this.#calls = new Calls({ host: this.#courier, codec: this.#codec, clock, logger });
    this.#stopTicks = clock.everyMs(checked.timings.tickMs, () => this.#courier.onTick());
  }

  get connectedTo(): string | undefined {
    return this.#courier.connectedTo;
  }

  get session(): SessionId | undefined {
    return this.#courier.session;
  }

  get seenThrough(): Slot {
    return this.#seenThrough;
  }

  propose(command: C, options: CallOptions = {}): Promise<R> {
    return this.#calls.propose(command, options);
  }

  proposeMany(
    commands: readonly Uint8Array[],
    results: ManyResults,
    options: { readonly timeoutMs?: number } = {},
  ): void {
    this.#calls.proposeMany(commands, results, options);
  }

  async query<Q, A>(question: Q, options: QueryOptions = {}): Promise<A> {
    const bytes = this.#codec.encodeQuestion?.(question) ?? (question as Uint8Array);
    const { level = 'linearizable' } = options;
    // JSON has no NaN: a replica would take it for a bad frame.
    if (typeof level === 'object')
      checkInteger('atLeast', level.atLeast, 0, Number.MAX_SAFE_INTEGER);
    const answer = await this.#ask({ what: 'query', level }, options, bytes);
    this.#seenThrough = Math.max(this.#seenThrough, answer.slot);
    return (this.#codec.decodeAnswer?.(answer.bytes) ?? answer.bytes) as A;
  }

  async status(options: CallOptions = {}): Promise<ReplicaStatus> {
    return statusIn((await this.#ask({ what: 'status' }, options)).bytes);
  }

  watch(listener: (status: ReplicaStatus) => void): () => void {
    this.#watchers.add(listener);
    if (this.#watchers.size === 1) this.#courier.watch(true);
    return () => {
      if (this.#watchers.delete(listener) && this.#watchers.size === 0) this.#courier.watch(false);
    };
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const { session } = this;
    if (session !== undefined && this.connectedTo !== undefined) {
      const options = { timeoutMs: closeTimeoutMs };
      await this.#ask({ what: 'close', session }, options).catch(() => undefined);
    }
    this.#stopTicks();
    this.#courier.close();
  }

  async #ask(
    question: Question,
    options: CallOptions,
    bytes: Uint8Array = nothing,
  ): Promise<Answer> {
    const deadlineMs = this.#calls.deadline(options.timeoutMs);
    return this.#courier.ask(question, bytes, deadlineMs, options.signal);
  }

  #onStatus(bytes: Uint8Array): void {
    const status = statusIn(bytes);
    for (const listener of this.#watchers) {
      try {
        listener(status);
      } catch (error) {
        this.#logger.error({ err: error }, 'a listener threw');
      }
    }
  }
}

const statusIn = (bytes: Uint8Array): ReplicaStatus =>
  JSON.parse(Buffer.from(bytes).toString()) as ReplicaStatus;
