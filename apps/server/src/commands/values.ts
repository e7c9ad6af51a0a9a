import { Deque } from '../state/deque.ts';
import type { Entry } from '../state/entry.ts';
import type { Keyspace } from '../state/keyspace.ts';
import { itemsFull, keysFull, notAnInteger, wrongType } from '../state/replies.ts';
import { type Integer, parseInteger } from '../state/integers.ts';
import { stateLimits } from '../state/state-limits.ts';
import { Refusal } from './command.ts';

/** The string of an entry; undefined if there is none. Refuses another type; so do the others. */
export function stringOf(entry: Entry | undefined): string | undefined {
  if (entry === undefined) return undefined;
  if (typeof entry.value !== 'string') throw new Refusal(wrongType);
  return entry.value;
}

export function listOf(entry: Entry | undefined): Deque | undefined {
  if (entry === undefined) return undefined;
  if (!(entry.value instanceof Deque)) throw new Refusal(wrongType);
  return entry.value;
}

export function hashOf(entry: Entry | undefined): Map<string, string> | undefined {
  if (entry === undefined) return undefined;
  if (!(entry.value instanceof Map)) throw new Refusal(wrongType);
  return entry.value;
}

export function setOf(entry: Entry | undefined): Set<string> | undefined {
  if (entry === undefined) return undefined;
  if (!(entry.value instanceof Set)) throw new Refusal(wrongType);
  return entry.value;
}

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
