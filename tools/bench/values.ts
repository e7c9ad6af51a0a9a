/** A state machine of so many values by number: the state that is saved, copied and loaded. */
import type { Batch, Results, StateMachine } from '@rsl/core';
import { SnapshotMap } from '@rsl/snapshot';

const kinds = { fill: 1, patch: 2 } as const;
const numberBytes = 4;
const pieceBytes = 64 * 1024;
const nothing = new Uint8Array(0);

/** Values `from` to `from + count - 1`, each as long as all. Not a byte of them is in the log. */
export function fillOf(from: number, count: number): Uint8Array {
  const command = Buffer.alloc(9);
  command.writeUInt8(kinds.fill, 0);
  command.writeUInt32LE(from, 1);
  command.writeUInt32LE(count, 5);
  return new Uint8Array(command);
}

/** Puts new bytes in front of one value; `bytes` with what says which, 5 at least. */
export function patchOf(key: number, bytes: number): Uint8Array {
  const command = Buffer.alloc(bytes, key & 0xff);
  command.writeUInt8(kinds.patch, 0);
  command.writeUInt32LE(key, 1);
  return new Uint8Array(command);
}

/**
 * Values are strings of one byte a character: what lies in a million buffers outside of V8's heap
 * makes it collect all of the heap again and again.
 */
export class Values implements StateMachine {
  readonly #valueBytes: number;
  readonly #map = new SnapshotMap<number, string>();
  readonly #patched: Buffer;

  constructor({ valueBytes }: { readonly valueBytes: number }) {
    this.#valueBytes = valueBytes;
    this.#patched = Buffer.alloc(valueBytes);
  }

  get count(): number {
    return this.#map.size;
  }

  execute(batch: Batch, results: Results): void {
    const bytes = bufferOf(batch.bytes);
    for (let i = 0; i < batch.count; i += 1) {
      const at = batch.start(i);
      const key = bytes.readUInt32LE(at + 1);
      if (bytes[at] === kinds.patch) this.#patch(key, bytes.subarray(at + 5, batch.end(i)));
      else this.#fill(key, bytes.readUInt32LE(at + 5));
      results.push(nothing);
    }
  }

  save(): Iterable<Uint8Array> {
    return this.#pieces(this.#map.freeze());
  }

  async load(chunks: AsyncIterable<Uint8Array>): Promise<void> {
    this.#map.clear();
    const entryBytes = numberBytes + this.#valueBytes;
    let rest: Uint8Array = nothing;
    for await (const chunk of chunks) {
      const bytes = rest.length === 0 ? bufferOf(chunk) : Buffer.concat([rest, chunk]);
      let at = 0;
      for (; at + entryBytes <= bytes.length; at += entryBytes) {
        const value = bytes.toString('latin1', at + numberBytes, at + entryBytes);
        this.#map.set(bytes.readUInt32LE(at), value);
      }
      rest = bytes.subarray(at);
    }
  }

  *#pieces(frozen: Iterable<[number, string]>): Generator<Uint8Array> {
    const entryBytes = numberBytes + this.#valueBytes;
    let [piece, at] = [Buffer.allocUnsafeSlow(pieceBytes), 0];
    for (const [key, value] of frozen) {
      if (at + entryBytes > pieceBytes) {
        yield piece.subarray(0, at);
        [piece, at] = [Buffer.allocUnsafeSlow(pieceBytes), 0];
      }
      piece.writeUInt32LE(key, at);
      piece.write(value, at + numberBytes, 'latin1');
      at += entryBytes;
    }
    yield piece.subarray(0, at);
  }

  #fill(from: number, count: number): void {
    const value = Buffer.alloc(this.#valueBytes, 1);
    for (let key = from; key < from + count; key += 1) {
      value.writeUInt32LE(key, 0);
      this.#map.set(key, value.toString('latin1'));
    }
  }

  #patch(key: number, bytes: Uint8Array): void {
    const value = this.#patched;
    const before = this.#map.get(key);
    if (before === undefined) value.fill(0);
    else value.write(before, 'latin1');
    value.set(bytes, 0);
    this.#map.set(key, value.toString('latin1'));
  }
}

const bufferOf = (bytes: Uint8Array): Buffer =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
