import type { Deque } from './deque.ts';

/** Texts are latin1 strings, one character for each byte. */
export type Value = string | Deque | Map<string, string> | Set<string>;

/** One key and what it holds. */
export class Entry {
  readonly key: string;
  value: Value;
  /** Drawn anew from the keyspace's counter by each change: what WATCH compares. */
  version = 0;
  /** Group time at which the key is gone; 0 means never. */
  expireAtMs = 0;
  /** Where it stands in the heap of expiries; −1 if it does not expire. */
  heapAt = -1;
  /** Pieces that an appended text still consists of in memory; see APPEND. */
  pieces = 0;

  constructor(key: string, value: Value) {
    this.key = key;
    this.value = value;
  }
}
