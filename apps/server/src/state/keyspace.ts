import { Entry, type Value } from './entry.ts';
import { ExpiryHeap } from './expiry-heap.ts';
import { stateLimits } from './state-limits.ts';

/** Expired keys that one batch removes at most; what is left is hidden, and goes with the next. */
const removedPerBatchMax = 10_000;

/** All keys, at one moment of group time. */
export class Keyspace {
  readonly entries = new Map<string, Entry>();
  readonly expiries = new ExpiryHeap();
  /** Group time of the last batch. */
  timeMs = 0;
  /** Counts changes of keys; each takes the next number as the key's version. */
  changes = 0;

  get size(): number {
    return this.entries.size;
  }

  get isFull(): boolean {
    return this.entries.size >= stateLimits.keysMax;
  }

  /** What lives under the key now. */
  find(key: string): Entry | undefined {
    const entry = this.entries.get(key);
    return entry === undefined || this.#isExpired(entry) ? undefined : entry;
  }

  /** The number of the key's last change; 0 if there is no such key. */
  versionOf(key: string): number {
    return this.find(key)?.version ?? 0;
  }

  /** Puts a value in place of whatever the key holds; an expiry stays. */
  put(key: string, value: Value): Entry {
    const found = this.entries.get(key);
    if (found !== undefined && !this.#isExpired(found)) {
      found.value = value;
      found.pieces = 0;
      this.changed(found);
      return found;
    }
    if (found !== undefined) this.remove(found);
    const entry = new Entry(key, value);
    this.entries.set(key, entry);
    this.changed(entry);
    return entry;
  }

  changed(entry: Entry): void {
    entry.version = ++this.changes;
  }

  remove(entry: Entry): void {
    this.entries.delete(entry.key);
    this.expiries.remove(entry);
    this.changes++;
  }

  clear(): void {
    this.entries.clear();
    this.expiries.clear();
    this.changes++;
  }

  /** Group time has come to this; it never goes back. Removes what has expired by then. */
  advance(timeMs: number): void {
    this.timeMs = Math.max(this.timeMs, timeMs);
    for (let removed = 0; removed < removedPerBatchMax; removed++) {
      const first = this.expiries.first;
      if (first === undefined || !this.#isExpired(first)) return;
      this.remove(first);
    }
  }

  #isExpired(entry: Entry): boolean {
    return entry.expireAtMs !== 0 && entry.expireAtMs <= this.timeMs;
  }
}
