import type { Membership, ReplicaId } from './membership.ts';
import type { Message } from './messages.ts';
import type { Slot } from './slot.ts';
import type { Value } from './value.ts';

/** Names a read until it is answered; unique while it waits. */
export type ReadId = number;

/** Everything that can happen to a replica. Time comes with it: `step(input, nowMs)`. */
export type Input =
  /** At least every `tickMs`. */
  | { readonly kind: 'tick' }
  /** From a store that the configuration names; the host has checked that. */
  | { readonly kind: 'message'; readonly from: ReplicaId; readonly message: Message }
  /** Only a leader with `view.room > 0` takes it; otherwise it is rejected. */
  | { readonly kind: 'propose'; readonly value: Value }
  | { readonly kind: 'read'; readonly read: ReadId }
  /** Nobody waits for this read any more. */
  | { readonly kind: 'forget-read'; readonly read: ReadId }
  /** The state machine has executed every slot up to here. */
  | { readonly kind: 'executed'; readonly through: Slot }
  /** Whether the log has room for more values (S5). Said again only when it changes. */
  | { readonly kind: 'storage'; readonly full: boolean }
  /** It got no ticks for a while, because nothing happened; from now on it gets them again. */
  | { readonly kind: 'woken' }
  /** Its monotonic clock has stood still since the last step, with the whole machine (Q2). */
  | { readonly kind: 'suspended' }
  /** The inputs of one turn of the host are over: say what was held back. */
  | { readonly kind: 'turn-end' }
  /** The election timer fires now: safety must not depend on timers. */
  | { readonly kind: 'stand' }
  /** The state machine was restored to exactly `slot`. */
  | { readonly kind: 'snapshot-installed'; readonly slot: Slot; readonly membership: Membership }
  | { readonly kind: 'truncate'; readonly before: Slot }
  /** From any store of the group, in a layer's own words: for the layer of that channel. */
  | {
      readonly kind: 'layer-message';
      readonly channel: number;
      readonly from: ReplicaId;
      readonly message: object;
    }
  /** What the layer of that channel hears from its half beside the state machine. */
  | { readonly kind: 'layer-answer'; readonly channel: number; readonly answer: object }
  /** A connection with a store of the group stands, or has ended. */
  | { readonly kind: 'connection'; readonly with: ReplicaId; readonly up: boolean };
