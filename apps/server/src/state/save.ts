import { varintLengthMax, writeVarint } from '../bundle/varint.ts';
import { Deque } from './deque.ts';
import type { Entry, Value } from './entry.ts';
import type { Keyspace } from './keyspace.ts';

export const savedFormat = 1;
export const savedKinds = { end: 0, string: 1, list: 2, hash: 3, set: 4 } as const;

const blockBytes = 64 * 1024;

/**
 * The keyspace as bytes, as it is at the call: all of it is encoded at once, which holds up
 * execution for as long and takes as much memory again. The bytes are blocks of a 32-bit length
 * (little-endian) and so many bytes, cut between two items at about 64 KiB:
 *
 *     header  format, group time, changes, keys
 *     key     kind, key, version, expiry (0: never), then
 *             string  its bytes
 *             list, set  number of items, then items; hash  number of fields, then field, value …
 *     end     kind 0, number of keys again
 *
 * Numbers are varints, texts a length and so many bytes.
 */
export function saveKeyspace(keyspace: Keyspace): readonly Uint8Array[] {
  const saved = new SavedBlocks();
  saved.number(savedFormat);
  saved.number(keyspace.timeMs);
  saved.number(keyspace.changes);
  saved.number(keyspace.size);
  for (const entry of keyspace.entries.values()) saveEntry(entry, saved);
  saved.number(savedKinds.end);
  saved.number(keyspace.size);
  saved.cut();
  return saved.blocks;
}

function saveEntry(entry: Entry, saved: SavedBlocks): void {
  const { key, value, version, expireAtMs } = entry;
  saved.number(kindOf(value));
  saved.text(key);
  saved.number(version);
  saved.number(expireAtMs);
  if (typeof value === 'string') saved.text(value);
  else saveItems(value, saved);
  saved.itemEnds();
}

function saveItems(value: Exclude<Value, string>, saved: SavedBlocks): void {
  saved.number(value instanceof Deque ? value.length : value.size);
  saved.itemEnds();
  if (value instanceof Deque) {
    for (let i = 0; i < value.length; i++) saved.item(value.at(i));
  } else if (value instanceof Map) {
    for (const [field, text] of value) {
      saved.text(field);
      saved.item(text);
    }
  } else for (const member of value) saved.item(member);
}

function kindOf(value: Value): number {
  if (typeof value === 'string') return savedKinds.string;
  if (value instanceof Deque) return savedKinds.list;
  return value instanceof Map ? savedKinds.hash : savedKinds.set;
}

/** Fields one after the other, in blocks that begin and end between two items. */
class SavedBlocks {
  readonly blocks: Uint8Array[] = [];
  #bytes = Buffer.allocUnsafe(2 * blockBytes);
  /** The first four bytes are for the block's length. */
  #at = 4;

  number(value: number): void {
    this.#reserve(varintLengthMax);
    this.#at = writeVarint(this.#bytes, this.#at, value);
  }

  text(text: string): void {
    this.number(text.length);
    this.#reserve(text.length);
    this.#at += this.#bytes.write(text, this.#at, 'latin1');
  }

  item(text: string): void {
    this.text(text);
    this.itemEnds();
  }

  itemEnds(): void {
    if (this.#at >= blockBytes) this.cut();
  }

  cut(): void {
    this.#bytes.writeUInt32LE(this.#at - 4, 0);
    this.blocks.push(Buffer.from(this.#bytes.subarray(0, this.#at)));
    this.#at = 4;
  }

  #reserve(more: number): void {
    if (this.#at + more <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe(2 * (this.#at + more));
    this.#bytes.copy(larger, 0, 0, this.#at);
    this.#bytes = larger;
  }
}
