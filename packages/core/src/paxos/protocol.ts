import type { Ballot } from './ballot.ts';
import type { Effect } from './effect.ts';
import type { Input } from './input.ts';
import type { Membership, ReplicaId, StoreId } from './membership.ts';
import type { Slot } from './slot.ts';
import type { Value } from './value.ts';
import type { Vote } from './vote.ts';

/**
 * The one shape of everything that decides. Pure: the same inputs at the same times give the same
 * effects. `nowMs` is monotonic and read after the input was taken from the queue (L5).
 */
export interface Protocol {
  /** Takes one input in; the effects are to be performed in their order. */
  step(input: Input, nowMs: number): readonly Effect[];
  readonly view: ReplicaView;
  /**
   * It leads or follows, and nothing is on its way through it: whoever stops its ticks now keeps
   * nobody waiting.
   */
  readonly isIdle: boolean;
}

/** What it does in its ballot; `asking` is before it stands (L1), `phase2` is leading. */
export type Role = 'follower' | 'asking' | 'phase1' | 'phase2';

/** The leader that this replica follows, or is. */
export interface LeaderView {
  readonly id: ReplicaId;
  readonly ballot: Ballot;
}

/** What a host may know of a replica. Read only; true until the next `step`. */
export interface ReplicaView {
  readonly role: Role;
  /** The ballot this replica stands or leads in, the last one if it does neither. */
  readonly ballot: Ballot;
  readonly promised: Ballot;
  /** False: its store is not named by the configuration, so it learns and executes only (S2). */
  readonly voter: boolean;
  readonly leader: LeaderView | undefined;
  readonly membership: Membership;
  readonly firstSlot: Slot;
  /** Handed to the state machine. */
  readonly releasedThrough: Slot;
  /** Reported back by the state machine. */
  readonly executedThrough: Slot;
  /** The last slot proposed by this leader; 0 if it does not lead. */
  readonly proposedThrough: Slot;
  /** How many slots a leader may propose now; 0 if it does not lead. */
  readonly room: number;
}

/** What a log gives back at start (P11). */
export interface Restored {
  readonly promised: Ballot;
  /** Newest votes above `decidedThrough`. */
  readonly votes: ReadonlyMap<Slot, Vote>;
  /** Learned above `decidedThrough`. */
  readonly decided: ReadonlyMap<Slot, Value>;
  /** Voted, but unreadable (S3). */
  readonly lost: ReadonlyMap<Slot, Ballot>;
  readonly firstSlot: Slot;
  /** Every slot up to here is decided, and executed by the state machine. */
  readonly decidedThrough: Slot;
  /** The longest lease that was ever granted, in milliseconds; 0: none (Q2). */
  readonly leaseMs: number;
  /**
   * The state that the log goes on behind is lost: nothing was executed, whatever `decidedThrough`
   * says. A layer gets a state before any protocol of its own begins (S6).
   */
  readonly isStateless?: true;
}

/** What a new store gives back. */
export const restoredEmpty: Restored = {
  promised: { configuration: 0, round: 0, proposer: 0 },
  votes: new Map(),
  decided: new Map(),
  lost: new Map(),
  firstSlot: 1,
  decidedThrough: 0,
  leaseMs: 0,
};

/** Who a replica is. A renewed store has another `store`. */
export interface Identity {
  readonly id: ReplicaId;
  readonly store: StoreId;
}

/** Makes what decides for one configuration, from what the log remembers. */
export type MakeProtocol = (membership: Membership, restored: Restored) => Protocol;
