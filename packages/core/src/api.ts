import type { RslError } from './errors.ts';
import type { Limits, Slow, Timings } from './limits.ts';
import type { Ballot } from './paxos/ballot.ts';
import type { Membership, ReplicaId, StoreId } from './paxos/membership.ts';
import type { Slot } from './paxos/slot.ts';
import type { Clock } from './ports/clock.ts';
import type { Logger } from './ports/logger.ts';
import type { Layer } from './ports/layer.ts';
import type { LogStore } from './ports/log-store.ts';
import type { Port } from './ports/port.ts';
import type { Random } from './ports/random.ts';
import type { CommandCodec, StateMachine } from './ports/state-machine.ts';
import type { PeerAddress, Transport } from './ports/transport.ts';
import type { SessionId } from './sessions/session-name.ts';

/** What `startReplica` is given. Only the first five are needed. */
export interface ReplicaOptions<C, R> {
  /** The group's name, 1 … 128 bytes; the same on every member. */
  readonly group: string;
  /** This replica's id, 1 … 65,535; no other member has it. */
  readonly self: ReplicaId;
  /** `typed({…})`, or an implementation of the port (then C and R are Uint8Array). */
  readonly stateMachine: StateMachine & { readonly codec?: CommandCodec<C, R> };
  readonly log: Port<LogStore>;
  readonly transport: Port<Transport>;
  /** With a runtime, see HostedReplicaOptions. */
  readonly runtime?: undefined;
  /** Whom to ask for the group while this store knows no configuration (S10). */
  readonly peers?: readonly PeerAddress[];
  readonly limits?: Partial<Limits>;
  readonly timings?: Partial<Timings>;
  /** What takes so long is told to `logger`: one warning for each kind and second. */
  readonly slow?: Partial<Slow>;
  /**
   * The way out when a command makes every replica stop that gets to it: slots whose batch is not
   * executed, at most 1,024. Only slots that no replica has executed, and the same ones on every
   * replica, at each start: or their states differ. See docs/operations.md. Callers hear
   * RSL_SLOT_SKIPPED.
   */
  readonly skip?: readonly Slot[];
  /**
   * What decides around the protocol, the outermost first: `snapshots({…})` of @rsl/snapshot. Each
   * on a channel of its own. The same on every member.
   */
  readonly layers?: readonly Layer[];
  /** Lets this replica, when it leads, read without asking the others (Q2). Off unless given. */
  readonly lease?: LeaseOptions;
  /**
   * `thread`: protocol, log and transport run on a thread of their own, so that a state machine
   * that blocks, or a caller, costs this replica no vote and no leadership. Log and transport must
   * be such that can be opened there, as `fileLog` and `tcp` are. `inline`, unless given: all on
   * the thread of the caller. See docs/decisions/0018-an-engine-on-its-own-thread.md.
   */
  readonly isolation?: 'inline' | 'thread';
  readonly logger?: Logger;
  /** For tests: simulated time and chance; not with `isolation: 'thread'`. */
  readonly clock?: Clock;
  readonly random?: Random;
}

/**
 * A lease is as safe as this bound on clocks is true, and as their machines do not stand still with
 * every clock that they have; see docs/decisions/0013-leases.md before you give one.
 */
export interface LeaseOptions {
  /**
   * How long a member that grants it helps nobody else to lead, in milliseconds: at most 4,000,
   * below `electionTimeoutMsMin` of every member, and long enough to outlive a heartbeat.
   */
  readonly forMs: number;
  /** No monotonic clock of the group runs faster or slower than time by more: 0.00001 … 0.25. */
  readonly drift: number;
}

/** Of every call that takes time. */
export interface CallOptions {
  /** How long to try, leader changes included; 10,000 unless given. 1 … 2^31 − 1. */
  readonly timeoutMs?: number;
  /** Stops waiting. RSL_ABORTED if the command had not left, else RSL_OUTCOME_UNKNOWN. */
  readonly signal?: AbortSignal;
}

/** Takes the results of one `proposeMany`, each once, in any order across leader changes. */
export interface ManyResults {
  /** Command `i` of the call was executed, and gave this. */
  result(i: number, result: Uint8Array): void;
  /** Command `i` has no result; `outcome` says whether it may still be executed. */
  error(i: number, error: RslError): void;
}

/**
 * `linearizable`: reflects everything that was acknowledged to anybody before the call (Q1, Q2).
 * `atLeast`: reflects that slot, on any replica, newcomers too; waits for it (Q3). Whoever gives
 * the highest slot that it has seen reads its own writes, and never goes back.
 * `local`: what this replica has, possibly old (Q4).
 */
export type ReadLevel = 'linearizable' | 'local' | { readonly atLeast: Slot };

/** A member of the configuration, as one replica sees it. */
export interface MemberStatus {
  readonly id: ReplicaId;
  readonly store: StoreId;
  readonly role: 'voter' | 'observer';
  readonly addresses: Readonly<Record<string, string>>;
  /** A connection to it stands now. True for this replica itself. */
  readonly connected: boolean;
}

/** One moment of a replica; a plain object that survives JSON. */
export interface ReplicaStatus {
  readonly group: string;
  readonly self: ReplicaId;
  readonly store: StoreId;
  /**
   * `waiting`: knows no configuration yet (bootstrap it), or asks the others what they remember of
   * its store (S2a), which takes a majority of them. `newcomer`: its store is not a member, so
   * it replicates without a vote; or its state is lost, and comes from others (S6).
   * `stopped`: see `reason`.
   */
  readonly state: 'waiting' | 'newcomer' | 'follower' | 'candidate' | 'leader' | 'stopped';
  readonly reason: { readonly code: string; readonly message: string } | undefined;
  /** Nothing is to be done, and it goes without heartbeats until there is (`sleepAfterMs`). */
  readonly asleep: boolean;
  readonly leader: ReplicaId | undefined;
  readonly ballot: Ballot;
  readonly configuration: number;
  readonly members: readonly MemberStatus[];
  readonly firstSlot: Slot;
  readonly releasedThrough: Slot;
  readonly executedThrough: Slot;
  /** Group time of the last executed batch; 0 before the first (P10). */
  readonly timeMs: number;
  /** Commands of this replica's callers that wait, and their bytes. */
  readonly pendingCommands: number;
  readonly pendingBytes: number;
  readonly log: {
    readonly mode: string;
    readonly bytesUsed: number;
    readonly bytesFree: number;
  };
  /** Since the start: counts of what happened, by name. */
  readonly counters: Readonly<Record<string, number>>;
}

/** Of integers with three exact figures; all 0 if there was nothing. */
export interface Distribution {
  readonly count: number;
  readonly min: number;
  readonly mean: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

/**
 * What a replica has measured since its start or the last reset; a plain object that survives
 * JSON. `Us` is microseconds, 1 … 3,600,000,000: less counts as 1.
 */
export interface ReplicaMetrics {
  /** How long it measured. */
  readonly overMs: number;
  /** As in the status: since the start, also after a reset. */
  readonly counters: Readonly<Record<string, number>>;
  /** From `propose` to the result, on the replica that was called. One command in 64. */
  readonly commandUs: Distribution;
  /** A leader's slots, from the proposal to the decision of this and all earlier slots. */
  readonly decideUs: Distribution;
  /** From the append to the log until it is durable: all records of a turn together. */
  readonly appendUs: Distribution;
  /** One slot in the state machine; none while the log is replayed at a start. */
  readonly executeUs: Distribution;
  /**
   * Turns of the engine at its ticks, and how late they began: the delay of the event loop, with a
   * millisecond or so that is the timer's own.
   */
  readonly turnUs: Distribution;
  readonly turnDelayUs: Distribution;
  /** Of executed batches, but for those without commands. */
  readonly batchCommands: Distribution;
  readonly batchBytes: Distribution;
}

/**
 * One time as a leader. Another replica may lead already before this one has heard of it: what must
 * not be done by two at a time needs the fence.
 */
export interface Leadership {
  readonly ballot: Ballot;
  /**
   * A fencing token: 20 hexadecimal digits. Of any two leaderships of the group the later one has
   * the greater fence, compared as strings. Send it with whatever this leader asks of a system
   * outside of the group, which keeps the greatest that it has seen and refuses what has a smaller.
   */
  readonly fence: string;
  /**
   * Fires once, when this replica follows, is about to stand anew, or ends; at once, before
   * `following` or `stopped` is told. It may have fired when `leading` is told. What its listeners
   * throw is uncaught, as with any AbortSignal. With `isolation: 'thread'` it fires once this
   * thread hears of it, which while it is busy may be late.
   */
  readonly signal: AbortSignal;
}

/**
 * Each event's argument. Listeners run after the step that caused them, in its order: what they
 * throw is logged and changes nothing. Each `leading` is followed by at most one `recovered` of
 * the same ballot and then, unless the replica ends, by `following`.
 */
export interface ReplicaEvents {
  /** This replica leads, and may not have executed everything yet. */
  leading: Leadership;
  /** It has executed everything earlier leaders may have decided. */
  recovered: Leadership;
  /** It does not lead; undefined: it knows of nobody who does. */
  following: { readonly leader: ReplicaId | undefined };
  /** The group was formed, or this replica learned of its configuration. */
  configuration: { readonly membership: Membership };
  peer: { readonly id: ReplicaId; readonly up: boolean };
  /** It does nothing any more: told once, and nothing after it. No error: it was closed. */
  stopped: { readonly error: RslError | undefined };
}

/** A client's commands, each executed at most once however often it is sent (P9). */
export interface Session<C = Uint8Array, R = Uint8Array> {
  /** Names it for ever, in the whole group. */
  readonly id: SessionId;
  /**
   * Fires when it has ended: closed, not used for its time-out, or its replica has stopped. What
   * the state machine did for `sessionEnded` may have happened some time before.
   */
  readonly ended: AbortSignal;
  /**
   * As `Replica.propose`, and the state machine knows the session. RSL_SESSION_EXPIRED once it has
   * ended; RSL_OVERLOADED with more than 4,096 commands that wait.
   */
  propose(command: C, options?: CallOptions): Promise<R>;
  /** The same for many encoded commands, without a promise for each. Throws for all or none. */
  proposeMany(
    commands: readonly Uint8Array[],
    results: ManyResults,
    options?: { readonly timeoutMs?: number },
  ): void;
  /** Ends it on every replica; resolves once it has ended here. A second call waits too. */
  close(options?: CallOptions): Promise<void>;
}

/** Of one session; `timeoutMs` and `signal` are about opening it. */
export interface SessionOptions extends CallOptions {
  /**
   * It ends when it has not been used for so long: 30,000 unless given, 1,000 … 86,400,000 ms in
   * which a leader could propose. An idle session is used by its replica.
   */
  readonly ttlMs?: number;
}

/** Commands of a session that its client numbers itself: 1, 2, 3 … */
export interface RelayedPart {
  readonly session: SessionId;
  readonly firstSequence: number;
  /** The client has the results of all sequences up to here, and sends none of them again. */
  readonly acknowledged: number;
}

/**
 * For programs that stand between replicas and clients with sessions of their own: such a client
 * may send a command again, by whichever replica, and it is executed once. RSL_SESSION_EXPIRED if
 * the session has ended; RSL_RESULT_GONE if the command was executed and acknowledged before.
 */
export interface Relay {
  /** Opens a session that ends when it was not used for `ttlMs`: 1,000 … 86,400,000 ms. */
  open(ttlMs: number, options?: CallOptions): Promise<SessionId>;
  /** Throws for all or none, as `proposeMany`. */
  propose(
    part: RelayedPart,
    commands: readonly Uint8Array[],
    results: ManyResults,
    options?: { readonly timeoutMs?: number },
  ): void;
  /** Nothing is to be executed, and the session goes on. */
  use(session: SessionId, acknowledged: number, options?: CallOptions): Promise<void>;
  /** Ends it on every replica. RSL_SESSION_EXPIRED if it has ended. */
  close(session: SessionId, options?: CallOptions): Promise<void>;
}

/** What one slot came to: the same on every replica. */
export interface ExecutedSlot<C = Uint8Array> {
  readonly slot: Slot;
  /** Group time, milliseconds since 1970-01-01 UTC; never goes back (P10). */
  readonly timeMs: number;
  /**
   * In the order of their execution, each command of the group once: a repeated command of a
   * session is where it was executed. None in a slot that brought only time or news of sessions,
   * is void, or was skipped. Bytes are valid for ever, never to be written.
   */
  readonly commands: readonly C[];
}

/** From where a stream begins, and what ends it. */
export interface ExecutedOptions {
  /** The first slot wanted, 1 … 2^53 − 1; the next one that this replica executes unless given. */
  readonly from?: Slot;
  /** Ends the stream with RSL_ABORTED. */
  readonly signal?: AbortSignal;
}

/** A running replica. All calls from the thread that started it. */
export interface Replica<C = Uint8Array, R = Uint8Array> {
  readonly id: ReplicaId;
  /** As they are, defaults and all. */
  readonly limits: Limits;
  /**
   * Executes a command once on every replica and gives its result, from any replica: it is
   * forwarded to the leader, and again to the next one if the first is known not to have taken it.
   * Rejects with an RslError whose `outcome` says whether the command may still execute. Commands
   * proposed one after the other execute in that order unless the leader changes in between.
   */
  propose(command: C, options?: CallOptions): Promise<R>;
  /** The same for many encoded commands, without a promise for each. Throws for all or none. */
  proposeMany(
    commands: readonly Uint8Array[],
    results: ManyResults,
    options?: { readonly timeoutMs?: number },
  ): void;
  /** Opens a session, which ends with this replica, or when it is closed. */
  openSession(options?: SessionOptions): Promise<Session<C, R>>;
  /** Sessions of clients elsewhere. */
  readonly relay: Relay;
  /**
   * Resolves once this replica's state may be read at that level; gives the slot it reflects.
   * RSL_NOT_LEADER or RSL_SLOT_NOT_REACHED at the deadline, RSL_OVERLOADED beyond pendingReadsMax.
   */
  barrier(level: ReadLevel, options?: CallOptions): Promise<Slot>;
  /**
   * The state machine has executed every slot up to here. Read it together with the state, without
   * an `await` in between: then it is the slot that the state reflects.
   */
  readonly executedThrough: Slot;
  /**
   * What this replica executes, each slot once and in order, also slots without commands. Whoever
   * has dealt with a slot goes on at the one after it, here or at any other replica. Nobody waits
   * for a slow reader: the newest slots, `streamBytesMax` bytes, are kept, those from before a
   * restart too. RSL_STREAM_BEHIND for what came before; RSL_CLOSED when this replica ends,
   * RSL_OVERLOADED with more than `streamsMax` streams that wait. RSL_INVALID_OPTION if the state
   * machine's codec has no `decodeCommand`; what that throws ends the stream.
   */
  executed(options?: ExecutedOptions): AsyncIterable<ExecutedSlot<C>>;
  /**
   * Forms the group, once in its life (S10): waits until all members named are up, learns their
   * stores, and has all of them agree. Says `already` if exactly this set is formed. One call on
   * one member is enough; RSL_ALREADY_FORMED, RSL_BOOTSTRAP_INCOMPLETE otherwise.
   */
  bootstrap(members: readonly PeerAddress[], options?: CallOptions): Promise<'formed' | 'already'>;
  /** This moment of it, as plain data. It goes on giving one when the replica has ended. */
  status(): ReplicaStatus;
  /** What was measured since the start, or since the last call with `reset`. */
  metrics(options?: { readonly reset?: boolean }): ReplicaMetrics;
  /** Calls `listener` at each of these events from now on; once, however often it is given. */
  on<E extends keyof ReplicaEvents>(event: E, listener: (event: ReplicaEvents[E]) => void): void;
  /** The listener hears of none that comes later. */
  off<E extends keyof ReplicaEvents>(event: E, listener: (event: ReplicaEvents[E]) => void): void;
  /** Ends what waits, makes the log durable, closes log and transport. A second call waits too. */
  close(): Promise<void>;
}
