import { type FrozenMap, SnapshotMap } from '@rsl/snapshot';

/** Beyond so many items a hash or a set is not copied as a whole any more. */
export const smallItemsMax = 128;

/**
 * A hash of many fields, which stays one until it is gone: replicas agree on what is large, and so
 * on the order of replies. Small ones are in the order of insertion, large ones in that of
 * `SnapshotMap`; both are the same on every replica.
 */
export class LargeHash extends SnapshotMap<string, string> {
  constructor(fields: Iterable<readonly [string, string]> = []) {
    super();
    for (const [field, text] of fields) this.set(field, text);
  }
}

/** A set of many members; see `LargeHash`. */
export class LargeSet {
  readonly #members = new SnapshotMap<string, true>();

  constructor(members: Iterable<string> = []) {
    for (const member of members) this.add(member);
  }

  get size(): number {
    return this.#members.size;
  }

  has(member: string): boolean {
    return this.#members.has(member);
  }

  add(member: string): this {
    if (!this.#members.has(member)) this.#members.set(member, true);
    return this;
  }

  delete(member: string): boolean {
    return this.#members.delete(member);
  }

  *[Symbol.iterator](): IterableIterator<string> {
    for (const [member] of this.#members) yield member;
  }

  freeze(): FrozenMap<string, true> {
    return this.#members.freeze();
  }
}
