import { Cursor, MalformedError } from '../bundle/cursor.ts';
import { Entry, type Value } from './entry.ts';
import { Keyspace } from './keyspace.ts';
import { LargeHash, LargeSet } from './large.ts';
import { List } from './list.ts';
import { savedFormat, savedKinds } from './save.ts';

/** More than any block has: one item of the largest size, and what goes before it. */
const blockBytesMax = 128 * 1024 * 1024;

/** The keyspace that `saveKeyspace` wrote, however its bytes are cut; throws if any is missing. */
export async function loadKeyspace(chunks: AsyncIterable<Uint8Array>): Promise<Keyspace> {
  const loader = new Loader();
  let held = Buffer.alloc(0);
  let wanted = 4;
  const parts: Uint8Array[] = [];
  let partsBytes = 0;
  for await (const chunk of chunks) {
    parts.push(chunk);
    partsBytes += chunk.length;
    if (held.length + partsBytes < wanted) continue;
    held = Buffer.concat([held, ...parts.splice(0)]);
    partsBytes = 0;
    while (held.length >= (wanted = blockEnd(held))) {
      loader.takeBlock(held, 4, wanted);
      held = held.subarray(wanted);
    }
  }
  if (held.length + partsBytes > 0) throw new MalformedError('a saved block is cut short');
  return loader.finished();
}

/** Where the block that `held` begins with ends; 4 while not even its length is there. */
function blockEnd(held: Buffer): number {
  if (held.length < 4) return 4;
  const length = held.readUInt32LE(0);
  if (length === 0 || length > blockBytesMax)
    throw new MalformedError('no length of a saved block');
  return 4 + length;
}

class Loader {
  readonly #keyspace = new Keyspace();
  readonly #cursor = new Cursor();
  #keys = -1;
  /** The list, hash or set that is being filled, and how many items it still misses. */
  #value: Value = '';
  #missing = 0;
  #ended = false;

  takeBlock(bytes: Buffer, start: number, end: number): void {
    const cursor = this.#cursor.open(bytes, start, end);
    if (this.#keys < 0) this.#takeHeader();
    while (cursor.at < cursor.end) {
      if (this.#ended) throw new MalformedError('a saved state goes on behind its end');
      if (this.#missing > 0) this.#takeItem();
      else this.#takeKey();
    }
  }

  finished(): Keyspace {
    if (!this.#ended) throw new MalformedError('a saved state has no end');
    return this.#keyspace;
  }

  #takeHeader(): void {
    const format = this.#cursor.varint();
    if (format !== savedFormat) throw new MalformedError(`saved in format ${format}`);
    this.#keyspace.timeMs = this.#cursor.varint();
    this.#keyspace.changes = this.#cursor.varint();
    this.#keys = this.#cursor.varint();
  }

  #takeKey(): void {
    const kind = this.#cursor.varint();
    if (kind === savedKinds.end) return this.#takeEnd();
    const key = this.#cursor.text();
    const version = this.#cursor.varint();
    const expireAtMs = this.#cursor.varint();
    this.#value = kind === savedKinds.string ? this.#cursor.text() : emptyOf(kind);
    this.#missing = kind === savedKinds.string ? 0 : this.#cursor.varint();
    const entry = new Entry(key, this.#value, 0);
    entry.version = version;
    this.#keyspace.restore(entry, expireAtMs);
  }

  #takeItem(): void {
    const value = this.#value;
    const text = this.#cursor.text();
    if (value instanceof List) value.push(text);
    else if (value instanceof Map || value instanceof LargeHash) {
      value.set(text, this.#cursor.text());
    } else if (typeof value !== 'string') value.add(text);
    this.#missing--;
  }

  #takeEnd(): void {
    const keys = this.#cursor.varint();
    if (keys !== this.#keys || keys !== this.#keyspace.size) {
      throw new MalformedError(`a saved state of ${this.#keys} keys has ${this.#keyspace.size}`);
    }
    this.#ended = true;
  }
}

function emptyOf(kind: number): Value {
  switch (kind) {
    case savedKinds.list:
      return new List();
    case savedKinds.hash:
      return new Map();
    case savedKinds.set:
      return new Set();
    case savedKinds.largeHash:
      return new LargeHash();
    case savedKinds.largeSet:
      return new LargeSet();
    default:
      throw new MalformedError(`a saved key of unknown kind ${kind}`);
  }
}
