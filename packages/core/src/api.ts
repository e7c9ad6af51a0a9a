import type { RslError } from './errors.ts';
import type { Limits, Timings } from './limits.ts';
import type { Ballot } from './paxos/ballot.ts';
import type { Membership, ReplicaId, StoreId } from './paxos/membership.ts';
import type { Slot } from './paxos/slot.ts';
import type { Clock } from './ports/clock.ts';
import type { Logger } from './ports/logger.ts';
import type { LogStore } from './ports/log-store.ts';
import type { Port } from './ports/port.ts';
import type { Random } from './ports/random.ts';
import type { CommandCodec, StateMachine } from './ports/state-machine.ts';
import type { PeerAddress, Transport } from './ports/transport.ts';

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
  /** Whom to ask for the group while this store knows no configuration (S10). */
  readonly peers?: readonly PeerAddress[];
  readonly limits?: Partial<Limits>;
  readonly timings?: Partial<Timings>;
  /** Lets this replica, when it leads, read without asking the others (Q2). Off unless given. */
  readonly lease?: LeaseOptions;
  readonly logger?: Logger;
  /** For tests: simulated time and chance. */
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

export interface CallOptions {
  /** How long to try, leader changes included; 10,000 unless given. 1 … 2^31 − 1. */
  readonly timeoutMs?: number;
  /** Stops waiting. RSL_ABORTED if the command had not left, else RSL_OUTCOME_UNKNOWN. */
  readonly signal?: AbortSignal;
}

/** Takes the results of one `proposeMany`, each once, in any order across leader changes. */
export interface ManyResults {
  result(i: number, result: Uint8Array): void;
  error(i: number, error: RslError): void;
}

/**
 * `linearizable`: reflects everything that was acknowledged to anybody before the call (Q1, Q2).
 * `atLeast`: reflects that slot, on any replica, newcomers too; waits for it (Q3). Whoever gives
 * the highest slot that it has seen reads its own writes, and never goes back.
 * `local`: what this replica has, possibly old (Q4).
 */
export type ReadLevel = 'linearizable' | 'local' | { readonly atLeast: Slot };

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
   * it replicates without a vote. `stopped`: see `reason`.
   */
  readonly state: 'waiting' | 'newcomer' | 'follower' | 'candidate' | 'leader' | 'stopped';
  readonly reason: { readonly code: string; readonly message: string } | undefined;
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

/** Each event's argument. Listeners run after the step that caused them; they may throw. */
export interface ReplicaEvents {
  /** This replica leads, and may not have executed everything yet. */
  leading: { readonly ballot: Ballot };
  /** It has executed everything earlier leaders may have decided. */
  recovered: { readonly ballot: Ballot };
  following: { readonly leader: ReplicaId | undefined };
  /** The group was formed, or this replica learned of its configuration. */
  configuration: { readonly membership: Membership };
  peer: { readonly id: ReplicaId; readonly up: boolean };
  /** It does nothing any more. No error: it was closed. */
  stopped: { readonly error: RslError | undefined };
}

/** A running replica. All calls from the thread that started it. */
export interface Replica<C = Uint8Array, R = Uint8Array> {
  readonly id: ReplicaId;
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
  /**
   * Resolves once this replica's state may be read at that level; gives the slot it reflects.
   * RSL_NOT_LEADER or RSL_SLOT_NOT_REACHED at the deadline, RSL_OVERLOADED beyond pendingReadsMax.
   */
  barrier(level: ReadLevel, options?: CallOptions): Promise<Slot>;
  /**
   * Forms the group, once in its life (S10): waits until all members named are up, learns their
   * stores, and has all of them agree. Says `already` if exactly this set is formed. One call on
   * one member is enough; RSL_ALREADY_FORMED, RSL_BOOTSTRAP_INCOMPLETE otherwise.
   */
  bootstrap(members: readonly PeerAddress[], options?: CallOptions): Promise<'formed' | 'already'>;
  status(): ReplicaStatus;
  on<E extends keyof ReplicaEvents>(event: E, listener: (event: ReplicaEvents[E]) => void): void;
  off<E extends keyof ReplicaEvents>(event: E, listener: (event: ReplicaEvents[E]) => void): void;
  /** Ends what waits, makes the log durable, closes log and transport. A second call waits too. */
  close(): Promise<void>;
}
