import type { FrozenMap } from '@rsl/snapshot';
import type { Entry } from './entry.ts';
import { LargeHash, LargeSet } from './large.ts';

type Large = LargeHash | LargeSet;

/** A keyspace as it was at one moment. */
export class KeyspaceView {
  readonly timeMs: number;
  readonly changes: number;
  readonly size: number;
  /** Of the views of a keyspace, the how manieth. */
  readonly number: number;
  readonly #shards: Generator<readonly Entry[], void, undefined>;
  /** Large hashes and sets that were changed since, or are done with. */
  readonly #frozen = new Map<Entry, FrozenMap<string, string | true>>();
  readonly #closed: () => void;

  constructor(
    of: Pick<KeyspaceView, 'timeMs' | 'changes' | 'size'>,
    shards: Generator<readonly Entry[], void, undefined>,
    number: number,
    closed: () => void,
  ) {
    this.timeMs = of.timeMs;
    this.changes = of.changes;
    this.size = of.size;
    this.number = number;
    this.#shards = shards;
    this.#closed = closed;
  }

  *entries(): Generator<Entry, void, undefined> {
    for (const shard of this.#shards) yield* shard;
  }

  /** The fields of a large hash, or the members of a large set, which may be changing meanwhile. */
  itemsOf(entry: Entry, value: Large): FrozenMap<string, string | true> {
    return this.#frozenOf(entry, value);
  }

  /** The entry is about to be changed in place, as somebody else's copy. */
  keep(entry: Entry): void {
    const { value } = entry;
    if (entry.born >= this.number) return;
    if (value instanceof LargeHash || value instanceof LargeSet) this.#frozenOf(entry, value);
  }

  /** Nobody walks it any more. A second call does nothing. */
  close(): void {
    this.#shards.return();
    for (const frozen of this.#frozen.values()) frozen.close();
    this.#frozen.clear();
    this.#closed();
  }

  #frozenOf(entry: Entry, value: Large): FrozenMap<string, string | true> {
    let frozen = this.#frozen.get(entry);
    if (frozen === undefined) this.#frozen.set(entry, (frozen = value.freeze()));
    return frozen;
  }
}
