import type { LargeHash, LargeSet } from './large.ts';
import { List } from './list.ts';

export type Hash = Map<string, string> | LargeHash;
export type Members = Set<string> | LargeSet;

/** Texts are latin1 strings, one character for each byte. */
export type Value = string | List | Hash | Members;

/** A value that is only looked at. */
export type SeenList = Pick<List, 'at' | 'length'>;
export type SeenHash = Pick<Hash, 'get' | 'size'> & Iterable<[string, string]>;
export type SeenMembers = Pick<Members, 'has' | 'size'> & Iterable<string>;

/**
 * What is under a key, to be looked at only: a view of the keyspace may have it, too.
 * `Keyspace.own` gives it to be changed.
 */
export interface Found {
  readonly key: string;
  readonly value: string | SeenList | SeenHash | SeenMembers;
  readonly version: number;
  readonly expireAtMs: number;
}

/** One key and what it holds. */
export class Entry implements Found {
  readonly key: string;
  value: Value;
  /** Drawn anew from the keyspace's counter by each change: what WATCH compares. */
  version = 0;
  /** Group time at which the key is gone; 0 means never. */
  expireAtMs = 0;
  /** Where it stands in the heap of expiries; −1 if it does not expire. */
  heapAt = -1;
  /** Where it stands in the table of all entries. */
  tableAt = -1;
  /** Pieces that an appended text still consists of in memory; see APPEND. */
  pieces = 0;
  /** Views of the keyspace that were opened before it was made: they do not have it. */
  readonly born: number;

  constructor(key: string, value: Value, born: number) {
    this.key = key;
    this.value = value;
    this.born = born;
  }

  /** The same once more, to be changed. A large hash or set is shared: it is frozen by itself. */
  copy(born: number): Entry {
    return this.with(copyOf(this.value), born);
  }

  with(value: Value, born: number): Entry {
    const copy = new Entry(this.key, value, born);
    copy.version = this.version;
    copy.expireAtMs = this.expireAtMs;
    copy.heapAt = this.heapAt;
    copy.tableAt = this.tableAt;
    copy.pieces = this.pieces;
    return copy;
  }
}

function copyOf(value: Value): Value {
  if (value instanceof List) return value.copy();
  if (value instanceof Map) return new Map(value);
  return value instanceof Set ? new Set(value) : value;
}
