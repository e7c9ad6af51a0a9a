import type { Entry } from './entry.ts';

const shardBits = 10;
const shardEntries = 1 << shardBits;

/**
 * All entries, one after the other: a new one comes last, and the last one takes the place of one
 * that goes. So the order is a matter of what was executed alone, and a load that adds them in it
 * goes on as if nothing had been. Shards of 1,024 are copied before their first change while a view
 * has them.
 */
export class EntryTable {
  #shards: Entry[][] = [];
  /** By shard: views that were opened before it was made do not have it. */
  #born: number[] = [];
  #size = 0;
  #viewsOpened = 0;

  get size(): number {
    return this.#size;
  }

  add(entry: Entry): void {
    this.#put(entry, this.#size++);
  }

  /** Another one takes its place. */
  replace(entry: Entry, by: Entry): void {
    this.#put(by, entry.tableAt);
  }

  remove(entry: Entry): void {
    const at = --this.#size;
    const last = this.#ownShard(at >> shardBits).pop() as Entry;
    if (last !== entry) this.#put(last, entry.tableAt);
    if (at % shardEntries > 0) return;
    this.#shards.pop();
    this.#born.pop();
  }

  clear(): void {
    this.#shards = [];
    this.#born = [];
    this.#size = 0;
  }

  /** The entries as they are, in shards; each shard is let go of when it is taken. */
  freeze(): Generator<readonly Entry[], void, undefined> {
    this.#viewsOpened++;
    return taken([...this.#shards]);
  }

  #put(entry: Entry, at: number): void {
    entry.tableAt = at;
    this.#ownShard(at >> shardBits)[at % shardEntries] = entry;
  }

  #ownShard(at: number): Entry[] {
    const shard = this.#shards[at];
    // Views that are closed count as well: a copy too many, of some microseconds.
    if (shard !== undefined && this.#born[at] === this.#viewsOpened) return shard;
    const own = shard?.slice() ?? [];
    this.#shards[at] = own;
    this.#born[at] = this.#viewsOpened;
    return own;
  }
}

function* taken(shards: (readonly Entry[])[]): Generator<readonly Entry[], void, undefined> {
  for (let i = 0; i < shards.length; i++) {
    const shard = shards[i] as readonly Entry[];
    shards[i] = [];
    yield shard;
  }
}
