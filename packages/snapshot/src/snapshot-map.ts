import { ensures, invariant } from '@rsl/contracts';

/** One map of V8's holds at most 2^24 entries, and stands still for long before when it grows. */
const entriesPerShard = 8_192;

type Key = string | number;

/** Of a frozen view: how a key stood when it was frozen, if it has changed since. */
const wasAbsent = Symbol('was absent');
type Past<V> = V | typeof wasAbsent;

/**
 * A map that can be frozen: what it holds at that moment can be walked later, bit by bit, while the
 * map goes on changing. To freeze costs nothing; while a view is open, the first change of a key
 * that it has not come to yet keeps the value as it was, so that a view costs as much memory as is
 * changed beside it.
 *
 * Entries are spread over shards by a hash of their keys, and shards are split one at a time
 * (linear hashing: W. Litwin, VLDB 1980), so that no call stands still for all of them, and there
 * is no bound but memory. Values are replaced, never changed in place, or a view would change.
 */
export class SnapshotMap<K extends Key, V> {
  #shards: Map<K, V>[] = [new Map()];
  /** Shards below this one are split already, at this level. */
  #split = 0;
  /** Shards at the beginning of this level: a power of two. */
  #level = 1;
  #size = 0;
  readonly #views = new Set<View<K, V>>();

  get size(): number {
    return this.#size;
  }

  /** What is under the key now, whatever is frozen. */
  get(key: K): V | undefined {
    return this.#shardOf(key).get(key);
  }

  /** Is there anything under the key now? */
  has(key: K): boolean {
    return this.#shardOf(key).has(key);
  }

  /** Puts a value under the key; may split one shard, of about 8,192 entries. */
  set(key: K, value: V): this {
    const at = this.#indexOf(key);
    const shard = this.#shards[at] as Map<K, V>;
    if (this.#views.size > 0) this.#keep(at, shard, key);
    const before = shard.size;
    shard.set(key, value);
    if (shard.size !== before) {
      this.#size += 1;
      this.#grow();
    }
    return this;
  }

  /** True if there was something under the key. */
  delete(key: K): boolean {
    const at = this.#indexOf(key);
    const shard = this.#shards[at] as Map<K, V>;
    if (!shard.has(key)) return false;
    if (this.#views.size > 0) this.#keep(at, shard, key);
    shard.delete(key);
    this.#size -= 1;
    return true;
  }

  /** Open views go on as if nothing had happened. */
  clear(): void {
    for (const view of this.#views) view.leave(this.#shards);
    this.#views.clear();
    this.#shards = [new Map()];
    this.#split = 0;
    this.#level = 1;
    this.#size = 0;
  }

  /** In no order that means anything. What is changed meanwhile may be in it or not. */
  *[Symbol.iterator](): IterableIterator<[K, V]> {
    for (const shard of this.#shards) yield* shard;
  }

  /** What it holds now, to be walked once; close it if it is not walked to its end. */
  freeze(): FrozenMap<K, V> {
    const view: View<K, V> = new View(
      this.#size,
      () => this.#shards,
      () => this.#views.delete(view),
    );
    this.#views.add(view);
    return view;
  }

  #keep(at: number, shard: Map<K, V>, key: K): void {
    for (const view of this.#views) view.keep(at, shard, key);
  }

  #shardOf(key: K): Map<K, V> {
    return this.#shards[this.#indexOf(key)] as Map<K, V>;
  }

  #indexOf(key: K): number {
    const hash = hashOf(key);
    const at = hash & (this.#level - 1);
    return at < this.#split ? hash & (2 * this.#level - 1) : at;
  }

  /** One shard becomes two; not while a view counts on where things are. */
  #grow(): void {
    if (this.#views.size > 0) return;
    // Twice, for what was not split while there were views.
    for (let i = 0; i < 2 && this.#size > this.#shards.length * entriesPerShard; i += 1) {
      this.#splitOne();
    }
  }

  #splitOne(): void {
    const from = this.#shards[this.#split] as Map<K, V>;
    const stay = new Map<K, V>();
    const leave = new Map<K, V>();
    const mask = 2 * this.#level - 1;
    for (const [key, value] of from) {
      ((hashOf(key) & mask) === this.#split ? stay : leave).set(key, value);
    }
    this.#shards[this.#split] = stay;
    this.#shards.push(leave);
    this.#split += 1;
    if (this.#split === this.#level) {
      this.#level *= 2;
      this.#split = 0;
    }
    invariant(
      () => this.#shards.length === this.#level + this.#split,
      'snapshot-map-1 every shard below the next one to split has its other half at the end',
    );
    ensures(() => stay.size + leave.size === from.size, 'snapshot-map-2 a split loses nothing');
  }
}

/** What a map held at one moment. */
export interface FrozenMap<K, V> extends Iterable<[K, V]> {
  readonly size: number;
  /** Nobody walks it any more. A second call does nothing. */
  close(): void;
}

class View<K extends Key, V> implements FrozenMap<K, V> {
  readonly size: number;
  readonly #ended: () => void;
  #shards: () => readonly Map<K, V>[];
  /** By shard: keys that have changed, as they were. */
  readonly #past = new Map<number, Map<K, Past<V>>>();
  /** The shard to come to next. */
  #next = 0;
  #isWalked = false;

  constructor(size: number, shards: () => readonly Map<K, V>[], ended: () => void) {
    this.size = size;
    this.#shards = shards;
    this.#ended = ended;
  }

  /** The key is about to change. */
  keep(at: number, shard: ReadonlyMap<K, V>, key: K): void {
    if (at < this.#next) return;
    let past = this.#past.get(at);
    if (past === undefined) this.#past.set(at, (past = new Map()));
    if (past.has(key)) return;
    past.set(key, shard.has(key) ? (shard.get(key) as V) : wasAbsent);
  }

  /** The map has let go of these shards: nobody changes them any more. */
  leave(shards: readonly Map<K, V>[]): void {
    this.#shards = () => shards;
  }

  *[Symbol.iterator](): IterableIterator<[K, V]> {
    if (this.#isWalked) throw new Error('a frozen map is walked once');
    this.#isWalked = true;
    let left = this.size;
    try {
      while (this.#next < this.#shards().length) {
        const [keys, values] = this.#take();
        left -= keys.length;
        for (let i = 0; i < keys.length; i += 1) yield [keys[i] as K, values[i] as V];
      }
      ensures(() => left === 0, 'snapshot-map-3 a view has as many entries as the map had');
    } finally {
      this.close();
    }
  }

  close(): void {
    this.#isWalked = true;
    this.#next = Infinity;
    this.#past.clear();
    this.#ended();
  }

  /** The next shard, as it was: two lists, for pairs that wait would be thousands of objects. */
  #take(): [K[], V[]] {
    const at = this.#next;
    const shard = this.#shards()[at] as Map<K, V>;
    const past = this.#past.get(at);
    this.#next = at + 1;
    if (past === undefined) return [[...shard.keys()], [...shard.values()]];
    const [keys, values]: [K[], V[]] = [[], []];
    const add = (key: K, value: V): void => {
      keys.push(key);
      values.push(value);
    };
    for (const [key, value] of shard) if (!past.has(key)) add(key, value);
    for (const [key, value] of past) if (value !== wasAbsent) add(key, value);
    this.#past.delete(at);
    return [keys, values];
  }
}

const charactersMax = 24;

/** 31 bits, evenly spread in the low ones. FNV-1a, of long keys the two ends; then a finaliser. */
function hashOf(key: Key): number {
  let hash = 0x811c9dc5;
  if (typeof key === 'number') {
    hash ^= key | 0;
    hash = Math.imul(hash ^ Math.trunc(key / 0x1_0000_0000), 0x01000193);
  } else {
    const { length } = key;
    const first = Math.min(length, charactersMax);
    for (let i = 0; i < first; i += 1) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193);
    for (let i = Math.max(first, length - charactersMax); i < length; i += 1) {
      hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193);
    }
    hash ^= length;
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) & 0x7fff_ffff;
}
