import { requires } from '@rsl/contracts';
import { MalformedError } from '../bundle/cursor.ts';
import { Entry, type Found, type Value } from './entry.ts';
import { EntryTable } from './entry-table.ts';
import { ExpiryHeap } from './expiry-heap.ts';
import { KeyIndex } from './key-index.ts';
import { KeyspaceView } from './keyspace-view.ts';
import { stateLimits } from './state-limits.ts';

/** Expired keys that one batch removes at most; what is left is hidden, and goes with the next. */
const removedPerBatchMax = 10_000;

/**
 * All keys, at one moment of group time. Entries are changed in place; while a view is open that
 * has one, it is copied before its first change.
 */
export class Keyspace {
  readonly expiries = new ExpiryHeap();
  /** Group time of the last batch. */
  timeMs = 0;
  /** Counts changes of keys; each takes the next number as the key's version. */
  changes = 0;
  readonly #index = new KeyIndex();
  readonly #table = new EntryTable();
  readonly #views = new Set<KeyspaceView>();
  #viewsOpened = 0;
  /** Number of the newest view that is open; 0 if none is. Entries born before are not ours. */
  #frozen = 0;

  get size(): number {
    return this.#table.size;
  }

  get isFull(): boolean {
    return this.#table.size >= stateLimits.keysMax;
  }

  /** What lives under the key now. */
  find(key: string): Found | undefined {
    return this.#find(key);
  }

  /** The number of the key's last change; 0 if there is no such key. */
  versionOf(key: string): number {
    return this.#find(key)?.version ?? 0;
  }

  /** The same key, for changes in place: to be called before each command's first one. */
  own(found: Found): Entry {
    const entry = found as Entry;
    if (entry.born >= this.#frozen) return entry;
    for (const view of this.#views) view.keep(entry);
    return this.#replace(entry, entry.copy(this.#viewsOpened));
  }

  /** Puts a value in place of whatever the key holds; an expiry stays. */
  put(key: string, value: Value): Entry {
    const found = this.#index.get(key);
    if (found !== undefined && !this.#isExpired(found)) {
      const entry =
        found.born >= this.#frozen
          ? found
          : this.#replace(found, found.with(value, this.#viewsOpened));
      entry.value = value;
      entry.pieces = 0;
      this.changed(entry);
      return entry;
    }
    if (found !== undefined) this.remove(found);
    const entry = new Entry(key, value, this.#viewsOpened);
    this.#add(entry);
    this.changed(entry);
    return entry;
  }

  changed(entry: Entry): void {
    entry.version = ++this.changes;
  }

  remove(found: Found): void {
    requires(
      () => this.#index.get(found.key) === found,
      'keyspace-1 what is removed is what is there, not what a view has',
    );
    this.#index.delete(found.key);
    this.#table.remove(found as Entry);
    this.expiries.remove(found as Entry);
    this.changes++;
  }

  clear(): void {
    this.#index.clear();
    this.#table.clear();
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

  /** As saved, in the order in which it was. */
  restore(entry: Entry, expireAtMs: number): void {
    if (this.#index.get(entry.key) !== undefined)
      throw new MalformedError('a saved key is there twice');
    this.#add(entry);
    this.expiries.place(entry, expireAtMs);
  }

  /** What there is now, to be walked once and in its own time; to be closed in the end. */
  freeze(): KeyspaceView {
    this.#frozen = ++this.#viewsOpened;
    const view = new KeyspaceView(this, this.#table.freeze(), this.#frozen, () => {
      this.#views.delete(view);
      this.#frozen = Math.max(0, ...[...this.#views].map(({ number }) => number));
    });
    this.#views.add(view);
    return view;
  }

  #add(entry: Entry): void {
    this.#index.add(entry);
    this.#table.add(entry);
  }

  #find(key: string): Entry | undefined {
    const entry = this.#index.get(key);
    return entry === undefined || this.#isExpired(entry) ? undefined : entry;
  }

  /** The views keep the one that was there. */
  #replace(entry: Entry, by: Entry): Entry {
    this.#index.replace(by);
    this.#table.replace(entry, by);
    this.expiries.replace(entry, by);
    return by;
  }

  #isExpired(entry: Entry): boolean {
    return entry.expireAtMs !== 0 && entry.expireAtMs <= this.timeMs;
  }
}
