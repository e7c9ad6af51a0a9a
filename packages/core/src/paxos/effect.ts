import type { Ballot } from './ballot.ts';
import type { ReadId } from './input.ts';
import type { LogRecord } from './log-record.ts';
import type { Membership, ReplicaId } from './membership.ts';
import type { DurableMessage, VolatileMessage } from './messages.ts';
import type { Slot } from './slot.ts';
import type { Value } from './value.ts';

/** A message on its way to one replica, itself among them. */
export interface Send<M> {
  readonly to: ReplicaId;
  readonly message: M;
}

/**
 * What a protocol asks its host to do. A promise, a vote and a proposer's own ballot are revealed
 * by `persist.then` only: a 1a, 1b or 2b outside of it does not compile (P2).
 */
export type Effect =
  /** With no records it is still a barrier: `then` leaves after everything persisted earlier. */
  | {
      readonly kind: 'persist';
      readonly records: readonly LogRecord[];
      readonly then: readonly Send<DurableMessage>[];
    }
  | { readonly kind: 'send'; readonly to: ReplicaId; readonly message: VolatileMessage }
  /** The slot is released to the state machine, in slot order, each once (P7). */
  | {
      readonly kind: 'execute';
      readonly slot: Slot;
      readonly value: Value;
      readonly membership: Membership;
    }
  /** The proposed value was not taken and never will be. */
  | { readonly kind: 'reject'; readonly value: Value; readonly leader: ReplicaId | undefined }
  | { readonly kind: 'read-ready'; readonly read: ReadId }
  /** Send `to` what the log has from `fromSlot` up to `through`, as a learn-reply. */
  | {
      readonly kind: 'serve';
      readonly to: ReplicaId;
      readonly fromSlot: Slot;
      readonly through: Slot;
      readonly bytesMax: number;
      readonly firstSlot: Slot;
      readonly decidedThrough: Slot;
    }
  /** Nobody asked so far keeps slot `need` any more. */
  | { readonly kind: 'behind'; readonly need: Slot; readonly peer: ReplicaId }
  | { readonly kind: 'stopped'; readonly slot: Slot }
  | { readonly kind: 'truncate-log'; readonly before: Slot }
  /** The state machine is at exactly `slot`; what is executed next comes after it. */
  | { readonly kind: 'installed'; readonly slot: Slot }
  /** In the own words of the layer of that channel. */
  | {
      readonly kind: 'layer-send';
      readonly channel: number;
      readonly to: ReplicaId;
      readonly message: object;
    }
  /** For its half beside the state machine; performed in the order of effects. */
  | { readonly kind: 'layer-order'; readonly channel: number; readonly order: object }
  /** Leads from now on, may propose at once; `recovered` follows, or `following` (L2). */
  | { readonly kind: 'leading'; readonly ballot: Ballot }
  /** Has executed everything that earlier leaders may have decided. */
  | { readonly kind: 'recovered'; readonly ballot: Ballot }
  | { readonly kind: 'following'; readonly leader: ReplicaId | undefined }
  /** Something that must never happen was seen and refused; counted and logged by the host. */
  | { readonly kind: 'alarm'; readonly what: string };
