import { SnapshotMap } from '@rsl/snapshot';
import type { Entry } from './entry.ts';

/** The quickest map there is stands still for too long when a larger one grows. */
const firstMax = 2 ** 21;

/** Entries by key, any number of them. */
export class KeyIndex {
  readonly #first = new Map<string, Entry>();
  /** Those for which there was no room; most servers have none. */
  readonly #rest = new SnapshotMap<string, Entry>();
  readonly #firstMax: number;

  constructor(max = firstMax) {
    this.#firstMax = max;
  }

  get(key: string): Entry | undefined {
    const entry = this.#first.get(key);
    return entry === undefined && this.#rest.size > 0 ? this.#rest.get(key) : entry;
  }

  /** A key that is not there yet. */
  add(entry: Entry): void {
    if (this.#first.size < this.#firstMax) this.#first.set(entry.key, entry);
    else this.#rest.set(entry.key, entry);
  }

  /** Another entry of a key that is there. */
  replace(by: Entry): void {
    if (this.#rest.size > 0 && !this.#first.has(by.key)) this.#rest.set(by.key, by);
    else this.#first.set(by.key, by);
  }

  delete(key: string): void {
    if (!this.#first.delete(key)) this.#rest.delete(key);
  }

  clear(): void {
    this.#first.clear();
    this.#rest.clear();
  }
}
