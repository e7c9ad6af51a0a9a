import type { Found, Hash, Members, SeenHash, SeenList, SeenMembers } from '../state/entry.ts';
import type { Keyspace } from '../state/keyspace.ts';
import { LargeHash, LargeSet, smallItemsMax } from '../state/large.ts';
import { List } from '../state/list.ts';
import { itemsFull, keysFull, notAnInteger, wrongType } from '../state/replies.ts';
import { type Integer, parseInteger } from '../state/integers.ts';
import { stateLimits } from '../state/state-limits.ts';
import { Refusal } from './command.ts';

/** The string of a key; undefined if there is none. Refuses another type; so do the others. */
export function stringOf(found: Found | undefined): string | undefined {
  if (found === undefined) return undefined;
  if (typeof found.value !== 'string') throw new Refusal(wrongType);
  return found.value;
}

export function listOf(found: Found | undefined): SeenList | undefined {
  if (found === undefined) return undefined;
  if (!(found.value instanceof List)) throw new Refusal(wrongType);
  return found.value;
}

export function hashOf(found: Found | undefined): SeenHash | undefined {
  const value = found?.value;
  if (value === undefined || value instanceof Map || value instanceof LargeHash) return value;
  throw new Refusal(wrongType);
}

export function membersOf(found: Found | undefined): SeenMembers | undefined {
  const value = found?.value;
  if (value === undefined || value instanceof Set || value instanceof LargeSet) return value;
  throw new Refusal(wrongType);
}

/** To be called whenever a hash has more fields than before. */
export const grownHash = (hash: Hash): Hash =>
  hash instanceof Map && hash.size > smallItemsMax ? new LargeHash(hash) : hash;

/** To be called whenever a set has more members than before. */
export const grownSet = (members: Members): Members =>
  members instanceof Set && members.size > smallItemsMax ? new LargeSet(members) : members;

export function integerOf(text: string): Integer {
  const value = parseInteger(text);
  if (value === undefined) throw new Refusal(notAnInteger);
  return value;
}

/** Refuses new keys when the keyspace is full. */
export function roomForKeys(keyspace: Keyspace, keys: number): void {
  if (keyspace.size + keys > stateLimits.keysMax) throw new Refusal(keysFull);
}

export function roomForItems(items: number): void {
  if (items > stateLimits.itemsMax) throw new Refusal(itemsFull);
}
