import { ensures, invariant } from '@rsl/contracts';

/** One map of V8's holds at most 2^24 entries, and stands still for long before when it grows. */
const entriesPerShard = 8_192;

type Key = string | number;

/** Of a frozen view: how a key stood when it was frozen, if it has changed since. */
const wasAbsent = Symbol('was absent');
type Past<V> = V | typeof wasAbsent;

/**
 * A map that can be frozen: what it holds at that moment can be walked later, bit by bit, while the
 * map goes on changing. To freeze costs a pointer for each 8,192 entries; while a view is open, the
 * first change of a key that it has not come to yet keeps the value as it was, so that a view costs
 * as much memory as is changed beside it.
 *
 * Entries are spread over shards by a hash of their keys, and shards are split one at a time
 * (linear hashing: W. Litwin, VLDB 1980), so that no call stands still for all of them, and there
 * is no bound but memory. They are walked in an order that depends on the keys alone: by the
 * hashes, read from their last bit on (split-ordered: O. Shalev and N. Shavit, JACM 2006), so that
 * equal maps have equal orders, whatever became of them before and however often they were split.
 * Values are replaced, never changed in place, or a view would change.
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
      if (this.#size > this.#shards.length * entriesPerShard) this.#splitOne();
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
    this.#shards = [new Map()];
    this.#split = 0;
    this.#level = 1;
    this.#size = 0;
  }

  /** As it is when the walk begins, in the order of the keys' hashes. */
  *[Symbol.iterator](): IterableIterator<[K, V]> {
    yield* this.freeze();
  }

  /**
   * What it holds now, to be walked once, in the order of the keys' hashes; close it if it is not
   * walked to its end.
   */
  freeze(): FrozenMap<K, V> {
    const walk = walkOf(this.#level, this.#split);
    const view: View<K, V> = new View(this.#size, [...this.#shards], walk, () =>
      this.#views.delete(view),
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

  /** One shard becomes two. A view that has it goes on with the old one, which nobody changes. */
  #splitOne(): void {
    const from = this.#shards[this.#split] as Map<K, V>;
    const stay = this.#views.size > 0 ? new Map(from) : from;
    const leave = new Map<K, V>();
    const { size } = from;
    const bit = this.#level;
    for (const [key, value] of stay) {
      if ((hashOf(key) & bit) === 0) continue;
      leave.set(key, value);
      stay.delete(key);
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
    ensures(() => stay.size + leave.size === size, 'snapshot-map-2 a split loses nothing');
  }
}

/** What a map held at one moment. */
export interface FrozenMap<K, V> extends Iterable<[K, V]> {
  /** How many entries it held then. */
  readonly size: number;
  /** Nobody walks it any more. A second call does nothing. */
  close(): void;
}

class View<K extends Key, V> implements FrozenMap<K, V> {
  readonly size: number;
  readonly #ended: () => void;
  /** As they were; undefined once it has come past. */
  #shards: (Map<K, V> | undefined)[];
  readonly #walk: Iterable<number>;
  /** By shard: keys that have changed, as they were. */
  readonly #past = new Map<number, Map<K, Past<V>>>();
  #isWalked = false;

  constructor(size: number, shards: Map<K, V>[], walk: Iterable<number>, ended: () => void) {
    this.size = size;
    this.#shards = shards;
    this.#walk = walk;
    this.#ended = ended;
  }

  /** The key is about to change. A shard that was split since is nobody's but this view's. */
  keep(at: number, shard: ReadonlyMap<K, V>, key: K): void {
    if (this.#shards[at] !== shard) return;
    let past = this.#past.get(at);
    if (past === undefined) this.#past.set(at, (past = new Map()));
    if (past.has(key)) return;
    past.set(key, shard.has(key) ? (shard.get(key) as V) : wasAbsent);
  }

  *[Symbol.iterator](): IterableIterator<[K, V]> {
    if (this.#isWalked) throw new Error('a frozen map is walked once');
    this.#isWalked = true;
    let left = this.size;
    try {
      for (const at of this.#walk) {
        const entries = this.#take(at);
        left -= entries.length;
        yield* inOrder(entries);
      }
      ensures(
        () => left === 0 || this.#shards.length === 0,
        'snapshot-map-3 a view has as many entries as the map had',
      );
    } finally {
      this.close();
    }
  }

  close(): void {
    this.#isWalked = true;
    this.#shards = [];
    this.#past.clear();
    this.#ended();
  }

  /** The entries of a shard, as they were. */
  #take(at: number): [K, V][] {
    const shard = this.#shards[at] ?? new Map<K, V>();
    const past = this.#past.get(at);
    this.#shards[at] = undefined;
    if (past === undefined) return [...shard];
    const entries: [K, V][] = [];
    for (const entry of shard) if (!past.has(entry[0])) entries.push(entry);
    for (const [key, value] of past) if (value !== wasAbsent) entries.push([key, value]);
    this.#past.delete(at);
    return entries;
  }
}

/** The shards in the order of what their keys' hashes end with, read from the last bit on. */
function* walkOf(level: number, split: number): Generator<number, void, undefined> {
  const shift = Math.clz32(level) + 1;
  for (let i = 0; i < level; i += 1) {
    const at = level === 1 ? 0 : reversed(i) >>> shift;
    yield at;
    if (at < split) yield at + level;
  }
}

/** Of one map of V8's and one of its past. */
const placesMax = 2 ** 25;
/** What is left of a rank beside a place in the 53 bits of a double. */
const ranksPerStep = 2 ** 3;

/** By rank, equal ones by key: numbers are sorted ten times as fast as entries. */
function inOrder<K extends Key, V>(entries: [K, V][]): [K, V][] {
  if (entries.length < 2) return entries;
  const steps = Float64Array.from(entries, ([key], place) => {
    return Math.floor(rankOf(key) / ranksPerStep) * placesMax + place;
  });
  steps.sort();
  const ordered = Array.from(steps, (step) => entries[step % placesMax] as [K, V]);
  const stepAt = (i: number): number => Math.floor((steps[i] as number) / placesMax);
  for (let from = 0, to = 1; to <= ordered.length; to += 1) {
    if (to < ordered.length && stepAt(to) === stepAt(from)) continue;
    if (to - from > 1) {
      const equal = ordered
        .slice(from, to)
        .sort(([a], [b]) => rankOf(a) - rankOf(b) || order(a, b));
      for (const [i, entry] of equal.entries()) ordered[from + i] = entry;
    }
    from = to;
  }
  return ordered;
}

/** Numbers before texts. */
const order = (a: Key, b: Key): number =>
  typeof a === typeof b ? (a < b ? -1 : 1) : typeof a === 'number' ? -1 : 1;

/** 31 bits: those of the hash, the last one first. */
const rankOf = (key: Key): number => reversed(hashOf(key)) >>> 1;

/** 32 bits, the last one first. */
function reversed(bits: number): number {
  let out = ((bits >>> 1) & 0x5555_5555) | ((bits & 0x5555_5555) << 1);
  out = ((out >>> 2) & 0x3333_3333) | ((out & 0x3333_3333) << 2);
  out = ((out >>> 4) & 0x0f0f_0f0f) | ((out & 0x0f0f_0f0f) << 4);
  out = ((out >>> 8) & 0x00ff_00ff) | ((out & 0x00ff_00ff) << 8);
  return (out >>> 16) | (out << 16);
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
