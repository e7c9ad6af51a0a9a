import type { Entry } from './entry.ts';

/**
 * The entries that expire, the earliest first; of two at the same time the one with the lesser
 * key, so that the order does not depend on how the heap came about.
 */
export class ExpiryHeap {
  readonly #entries: Entry[] = [];

  get size(): number {
    return this.#entries.length;
  }

  get first(): Entry | undefined {
    return this.#entries[0];
  }

  /** Puts an entry where its time belongs, whether or not it was in. 0 takes it out. */
  place(entry: Entry, expireAtMs: number): void {
    entry.expireAtMs = expireAtMs;
    if (expireAtMs === 0) return this.remove(entry);
    if (entry.heapAt < 0) {
      entry.heapAt = this.#entries.length;
      this.#entries.push(entry);
    }
    this.#settle(entry);
  }

  /** Its time stays as it is: a view may have the entry. */
  remove(entry: Entry): void {
    const at = entry.heapAt;
    if (at < 0) return;
    entry.heapAt = -1;
    const last = this.#entries.pop() as Entry;
    if (last === entry) return;
    this.#put(last, at);
    this.#settle(last);
  }

  /** Another one of the same key and time stands for it from now on. */
  replace(entry: Entry, by: Entry): void {
    if (entry.heapAt >= 0) this.#put(by, entry.heapAt);
  }

  clear(): void {
    this.#entries.length = 0;
  }

  #settle(entry: Entry): void {
    let at = entry.heapAt;
    while (at > 0) {
      const above = this.#entries[(at - 1) >> 1] as Entry;
      if (!isBefore(entry, above)) break;
      this.#put(above, at);
      at = (at - 1) >> 1;
    }
    while (true) {
      const below = this.#lesserBelow(at);
      if (below === undefined || !isBefore(below, entry)) break;
      const next = below.heapAt;
      this.#put(below, at);
      at = next;
    }
    this.#put(entry, at);
  }

  #lesserBelow(at: number): Entry | undefined {
    const left = this.#entries[2 * at + 1];
    const right = this.#entries[2 * at + 2];
    return left !== undefined && right !== undefined && isBefore(right, left) ? right : left;
  }

  #put(entry: Entry, at: number): void {
    this.#entries[at] = entry;
    entry.heapAt = at;
  }
}

const isBefore = (a: Entry, b: Entry): boolean =>
  a.expireAtMs < b.expireAtMs || (a.expireAtMs === b.expireAtMs && a.key < b.key);
