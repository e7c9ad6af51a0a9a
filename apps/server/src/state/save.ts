import { varintLengthMax, writeVarint } from '../bundle/varint.ts';
import type { Entry, Value } from './entry.ts';
import type { Keyspace } from './keyspace.ts';
import type { KeyspaceView } from './keyspace-view.ts';
import { LargeHash, LargeSet } from './large.ts';
import { List } from './list.ts';

export const savedFormat = 1;
export const savedKinds = {
  end: 0,
  string: 1,
  list: 2,
  hash: 3,
  set: 4,
  largeHash: 5,
  largeSet: 6,
} as const;

const blockBytes = 64 * 1024;
/** For the item that makes a block full; a larger one takes a larger block. */
const spareBytes = 4 * 1024;

/**
 * The keyspace as bytes, as it is at the call, encoded a block at a time as it is walked. Equal
 * keyspaces give equal bytes. Blocks are a 32-bit length (little-endian) and so many bytes, cut
 * between two items at about 64 KiB:
 *
 *     header  format, group time, changes, keys
 *     key     kind, key, version, expiry (0: never), then
 *             string  its bytes
 *             list, set  number of items, then items; hash  number of fields, then field, value …
 *     end     kind 0, number of keys again
 *
 * Numbers are varints, texts a length and so many bytes.
 */
export const saveKeyspace = (keyspace: Keyspace): Iterable<Uint8Array> =>
  blocksOf(keyspace.freeze());

function* blocksOf(view: KeyspaceView): Generator<Uint8Array, void, undefined> {
  try {
    const saved = new SavedBlock();
    saved.number(savedFormat);
    saved.number(view.timeMs);
    saved.number(view.changes);
    saved.number(view.size);
    for (const entry of view.entries()) {
      saveHead(entry, saved);
      if (typeof entry.value === 'string') saved.text(entry.value);
      else yield* saveItems(view, entry, entry.value, saved);
      if (saved.isFull) yield saved.take();
    }
    saved.number(savedKinds.end);
    saved.number(view.size);
    yield saved.take();
  } finally {
    view.close();
  }
}

function saveHead({ key, value, version, expireAtMs }: Entry, saved: SavedBlock): void {
  saved.number(kindOf(value));
  saved.text(key);
  saved.number(version);
  saved.number(expireAtMs);
}

function* saveItems(
  view: KeyspaceView,
  entry: Entry,
  value: Exclude<Value, string>,
  saved: SavedBlock,
): Generator<Uint8Array, void, undefined> {
  const isLarge = value instanceof LargeHash || value instanceof LargeSet;
  const items = isLarge ? view.itemsOf(entry, value) : value;
  saved.number(items instanceof List ? items.length : items.size);
  for (const item of items) {
    if (saved.isFull) yield saved.take();
    if (typeof item === 'string') saved.text(item);
    else {
      saved.text(item[0]);
      if (item[1] !== true) saved.text(item[1]);
    }
  }
}

function kindOf(value: Value): number {
  if (typeof value === 'string') return savedKinds.string;
  if (value instanceof List) return savedKinds.list;
  if (value instanceof Map) return savedKinds.hash;
  if (value instanceof Set) return savedKinds.set;
  return value instanceof LargeHash ? savedKinds.largeHash : savedKinds.largeSet;
}

/** Fields one after the other, as a block that begins and ends between two items. */
class SavedBlock {
  #bytes = Buffer.allocUnsafe(blockBytes + spareBytes);
  /** The first four bytes are for the block's length. */
  #at = 4;

  get isFull(): boolean {
    return this.#at >= blockBytes;
  }

  number(value: number): void {
    this.#reserve(varintLengthMax);
    this.#at = writeVarint(this.#bytes, this.#at, value);
  }

  text(text: string): void {
    this.number(text.length);
    this.#reserve(text.length);
    this.#at += this.#bytes.write(text, this.#at, 'latin1');
  }

  /** The block; the next one begins. */
  take(): Uint8Array {
    this.#bytes.writeUInt32LE(this.#at - 4, 0);
    const block = this.#bytes.subarray(0, this.#at);
    this.#bytes = Buffer.allocUnsafe(blockBytes + spareBytes);
    this.#at = 4;
    return block;
  }

  #reserve(more: number): void {
    if (this.#at + more <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe(this.#at + more + spareBytes);
    this.#bytes.copy(larger, 0, 0, this.#at);
    this.#bytes = larger;
  }
}
