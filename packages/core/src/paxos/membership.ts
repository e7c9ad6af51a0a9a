import type { Slot } from './slot.ts';

/** One process's part in a group: 1 … 65,535. 0 is nobody. */
export type ReplicaId = number;

/** The random name of a store, drawn when it is created: 16 lower-case hexadecimal digits. */
export type StoreId = string;

/** Names a formed group: 16 lower-case hexadecimal digits, from its name and members (S10). */
export type GroupId = string;

/** By transport: `{ tcp: 'db1.example:7001' }`. */
export type Addresses = Readonly<Record<string, string>>;

/**
 * A member is a *store*, not a replica id: a wiped, replaced or copied store is not the member it
 * was, and may neither promise nor vote (S2).
 */
export interface Member {
  readonly id: ReplicaId;
  readonly store: StoreId;
  readonly role: 'voter' | 'observer';
  readonly addresses: Addresses;
}

/** One configuration of a group: who votes for the slots from `firstSlot` on. */
export interface Membership {
  readonly group: GroupId;
  /** 1 for the first configuration; 0 means that none is known. */
  readonly number: number;
  readonly firstSlot: Slot;
  readonly members: readonly Member[];
  /** Members of the configuration before this one: they have what came before (R5). */
  readonly previous: readonly Member[];
  /** The state that the group began with, in all its configurations; absent: an empty one. */
  readonly founding?: Founding;
}

/** A state that a group is formed on: each of its first members has this very one (S10). */
export interface Founding {
  /** The group's first slot is the one behind it. */
  readonly slot: Slot;
  /** SHA-256 of the image: 64 lower-case hexadecimal digits. */
  readonly digest: string;
}

/** The same state, or none on both sides. */
export const sameFounding = (a: Founding | undefined, b: Founding | undefined): boolean =>
  a?.slot === b?.slot && a?.digest === b?.digest;

/** Who has not been formed into a group yet. */
export const noGroup: GroupId = '0000000000000000';

/** Whoever knows no configuration may learn nothing and vote for nothing: it asks first (S10). */
export const nowhere: Membership = {
  group: noGroup,
  number: 0,
  firstSlot: 1,
  members: [],
  previous: [],
};

/** The members whose votes count. */
export const votersOf = (membership: Membership): readonly Member[] =>
  membership.members.filter((m) => m.role === 'voter');

/** The member whose id and store both match, or undefined: an id alone proves nothing (S2). */
export function memberOf(
  membership: Membership,
  id: ReplicaId,
  store: StoreId,
): Member | undefined {
  return membership.members.find((m) => m.id === id && m.store === store);
}
