import type { Membership, ReplicaId, Slot, SnapshotMeta, SnapshotName } from '@rsl/core/protocol';

/**
 * What the snapshot layer says: to its own kind on other replicas (`Word`), and to its half beside
 * the state machine, which has the store (`Order`, `Answer`). Plain objects, so that both cross
 * threads.
 */

/** Its frames: see `codec/frame.ts` of @rsl/core. */
export const snapshotChannel = 16;

/** What a replica has made of all slots up to this one, as a snapshot. */
export interface StateDigest {
  readonly slot: Slot;
  /** Others than this one cannot be compared with it. */
  readonly layout: number;
  /** SHA-256 of the content, hexadecimal. */
  readonly digest: string;
}

// ---- between replicas

export type Word =
  /**
   * Who has a snapshot with `need` in it, or behind it? Sent to everybody, again and again. For
   * whoever needs a state one is saved, if nobody has any.
   */
  | { readonly kind: 'ask'; readonly need: Slot; readonly for: 'state' | 'store' }
  /** Those that can be read there, the newest first; `leads`: it has other things to do. */
  | { readonly kind: 'have'; readonly snapshots: readonly SnapshotMeta[]; readonly leads: boolean }
  /** Bytes of the one with this digest; at most `bytesMax`. Many may be on their way. */
  | {
      readonly kind: 'get';
      readonly digest: string;
      readonly offset: number;
      readonly bytesMax: number;
    }
  /** As asked; fewer bytes only at the end. */
  | {
      readonly kind: 'chunk';
      readonly digest: string;
      readonly offset: number;
      readonly bytes: Uint8Array;
    }
  /** It cannot be read there, or not any more. */
  | { readonly kind: 'gone'; readonly digest: string }
  /** Whoever asked needs no more of it. */
  | { readonly kind: 'done'; readonly digest: string }
  /** Of a slot after which all members save, and what this one has executed itself (P7). */
  | ({ readonly kind: 'digest' } & StateDigest);

// ---- between the halves

export type Order =
  /**
   * Governs the slots from `from` on, as their `execute` effects say (R8): said before the first
   * one that is executed, and before the first of every other configuration. Not answered.
   */
  | { readonly kind: 'governs'; readonly from: Slot; readonly membership: Membership }
  /** Whether this replica leads: whenever that changes; at the start it does not. Not answered. */
  | { readonly kind: 'leads'; readonly leads: boolean }
  /** Opens it for a peer, unless it is open; then reads. Answered by `read` or `unreadable`. */
  | {
      readonly kind: 'read';
      readonly digest: string;
      readonly offset: number;
      readonly bytesMax: number;
      /** Given back with the answer. */
      readonly ticket: number;
    }
  /** No peer reads it any more. */
  | { readonly kind: 'release'; readonly digest: string }
  /**
   * Begins a copy, or goes on with one of the same; any other is left. Answered by `copying`. The
   * ticket is given back with every answer until the next `copy`: what comes late for an earlier
   * one is told by it.
   */
  | { readonly kind: 'copy'; readonly meta: SnapshotMeta; readonly ticket: number }
  /**
   * The next bytes of the copy. Answered by `written`; not at all, like `commit`, if what came
   * before it for the same copy has failed.
   */
  | { readonly kind: 'write'; readonly bytes: Uint8Array }
  /** The copy is complete. Answered by `copied`. */
  | { readonly kind: 'commit' }
  /** The copy rests where it is: a later one of the same goes on there. Not answered. */
  | { readonly kind: 'leave' }
  /** A peer needs one with this slot in it, and there is none here: the state has it. */
  | { readonly kind: 'wanted'; readonly need: Slot }
  /**
   * Members have made different states of the same slots (P7): `others` have another one than
   * this replica. `here`: a quorum has one and the same other. `elsewhere`: a quorum has this one.
   */
  | {
      readonly kind: 'diverged';
      readonly slot: Slot;
      readonly verdict: 'here' | 'elsewhere' | 'unknown';
      readonly others: readonly ReplicaId[];
    }
  /** Nobody has given a snapshot with this slot in it for a while: people should know. */
  | { readonly kind: 'unserved'; readonly need: Slot }
  /** Replaces the state by this snapshot. Answered by `installed`. */
  | { readonly kind: 'install'; readonly meta: SnapshotMeta };

/** What can go wrong carries the code of an RslError. */
export type Answer =
  /** Those that are committed, the newest first: at the start, and whenever that changes. */
  | {
      readonly kind: 'snapshots';
      readonly snapshots: readonly SnapshotMeta[];
      /** At the start: of which one a copy has left bytes behind, if of any. */
      readonly left?: SnapshotName | undefined;
    }
  /**
   * At a start: so many bytes of values of the log were executed again, of the slots up to this one
   * and behind the last such word. Less than 1 MiB behind the last of them is not told.
   */
  | { readonly kind: 'replayed'; readonly slot: Slot; readonly bytes: number }
  /** What was executed here was saved after a slot after which all members save. */
  | ({ readonly kind: 'common' } & StateDigest)
  | { readonly kind: 'read'; readonly ticket: number; readonly bytes: Uint8Array }
  | { readonly kind: 'unreadable'; readonly ticket: number; readonly code: string }
  /** So many bytes are there already, verified. */
  | { readonly kind: 'copying'; readonly bytes: number; readonly ticket: number }
  /** So many bytes are there now. */
  | { readonly kind: 'written'; readonly bytes: number; readonly ticket: number }
  /** Durable, verified, and among the committed ones. */
  | { readonly kind: 'copied'; readonly meta: SnapshotMeta; readonly ticket: number }
  /** Of `copy`, `write` or `commit`. What was there may still be gone on with. */
  | { readonly kind: 'copy-failed'; readonly code: string; readonly ticket: number }
  /** The state is the one after `slot`. */
  | { readonly kind: 'installed'; readonly slot: Slot; readonly membership: Membership }
  /** The state is as it was before: what could not be read is condemned. */
  | { readonly kind: 'install-failed'; readonly code: string };
