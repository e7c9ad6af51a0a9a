/**
 * What a log that many replica groups share stores besides their records: who they are, where the
 * log of each begins, and which of their values were lost in segments that have left.
 */
import type { Ballot, ReplicaId, Slot, StoreId } from '@rsl/core/protocol';

/** In the identity of the directory, where another one names its group. No replica has this id. */
export const sharedIdentity = { group: 'many groups', self: 0 };

/** One replica of one group: whose records are under one number in this log. */
export interface OwnerEntry {
  readonly group: string;
  readonly replica: ReplicaId;
  /** Another one than before: what was stored until here is of a former life (S2). */
  readonly store: StoreId;
  readonly firstSlot: Slot;
  /** Number of the last append group with records of its own (S2a). */
  readonly position: number;
  /** The files were copied since the store was made or renewed (S2a). */
  readonly copied: boolean;
}

export type SharedRecord =
  | { readonly kind: 'owner'; readonly owner: OwnerEntry }
  | { readonly kind: 'first-slot'; readonly slot: Slot }
  /** A vote was stored in a segment that has left, and could not be read (S3). */
  | { readonly kind: 'lost-vote'; readonly slot: Slot; readonly ballot: Ballot }
  | { readonly kind: 'lost-decided'; readonly slot: Slot };

export const ownerKind = 10;
export const firstSlotKind = 11;
export const lostVoteKind = 12;
export const lostDecidedKind = 13;

export const encodeOwner = (entry: OwnerEntry): Uint8Array =>
  Buffer.from(JSON.stringify(entry), 'utf8');

/** Undefined for what is none. */
export function decodeOwner(bytes: Uint8Array): OwnerEntry | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    return undefined;
  }
  if (typeof parsed !== 'object' || parsed === null) return undefined;
  const { group, replica, store, firstSlot, position, copied } = parsed as Record<string, unknown>;
  if (typeof group !== 'string' || !isNatural(replica)) return undefined;
  if (typeof copied !== 'boolean') return undefined;
  if (typeof store !== 'string' || !/^[0-9a-f]{16}$/.test(store)) return undefined;
  if (!isNatural(firstSlot) || firstSlot < 1 || !isNatural(position)) return undefined;
  return { group, replica, store, firstSlot, position, copied };
}

const isNatural = (value: unknown): value is number =>
  Number.isSafeInteger(value) && (value as number) >= 0;
