import type { Ballot } from './ballot.ts';
import type { Membership, StoreId } from './membership.ts';
import type { Slot } from './slot.ts';
import type { Value } from './value.ts';
import type { Vote } from './vote.ts';

/** What a replica must not forget. Slots are those of votes and decided values only. */
export type LogRecord =
  | { readonly kind: 'promise'; readonly ballot: Ballot }
  | { readonly kind: 'vote'; readonly slot: Slot; readonly vote: Vote }
  /** Learned, not voted. Wins over any vote of the slot (P11). */
  | { readonly kind: 'decided'; readonly slot: Slot; readonly value: Value }
  /** The newest stored value of every slot up to here is the decided one (P11). */
  | { readonly kind: 'decided-through'; readonly slot: Slot }
  | { readonly kind: 'configuration'; readonly membership: Membership }
  /** The one set of members that this store agreed to form a group with (S10). */
  | { readonly kind: 'bootstrap'; readonly membership: Membership }
  /** One for each start that took part (S2a): a count, and a random number of 48 bits. */
  | { readonly kind: 'start'; readonly count: number; readonly nonce: number }
  /** What others have said of their stores (S2a). The newest record says all of it. */
  | { readonly kind: 'standings'; readonly standings: readonly Standing[] }
  /** Leases of up to so many milliseconds were granted: whoever starts again waits as long (Q2). */
  | { readonly kind: 'lease'; readonly leaseMs: number };

/** Where a store stood: its start, and a position that only grows with what it stores (S2a). */
export interface Standing {
  readonly store: StoreId;
  readonly count: number;
  readonly nonce: number;
  readonly position: number;
}

/** The name of each kind of record. */
export type LogRecordKind = LogRecord['kind'];
