import { FrameError } from '../errors.ts';
import type { Ballot } from '../paxos/ballot.ts';
import { isSlot, type Slot } from '../paxos/slot.ts';

const two32 = 2 ** 32;

/** A copy, also of a Buffer, whose own `slice` makes none (P12). */
export const copied = (bytes: Uint8Array, start = 0, end = bytes.length): Uint8Array =>
  Uint8Array.prototype.slice.call(bytes, start, end);

/** Writes little-endian fields one after the other into bytes that grow. */
export class Writer {
  #bytes = new Uint8Array(512);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** Forgets everything written so far; the memory is used again. */
  reset(): void {
    this.#length = 0;
  }

  u8(value: number): void {
    const at = this.#room(1);
    this.#view.setUint8(at, value);
  }

  u16(value: number): void {
    const at = this.#room(2);
    this.#view.setUint16(at, value, true);
  }

  u32(value: number): void {
    const at = this.#room(4);
    this.#view.setUint32(at, value, true);
  }

  /** A safe integer as 64 bits. */
  u64(value: number): void {
    const at = this.#room(8);
    this.#view.setUint32(at, value % two32, true);
    this.#view.setUint32(at + 4, Math.floor(value / two32), true);
  }

  big64(value: bigint): void {
    const at = this.#room(8);
    this.#view.setBigUint64(at, value, true);
  }

  ballot({ configuration, round, proposer }: Ballot): void {
    this.u32(configuration);
    this.u32(round);
    this.u16(proposer);
  }

  raw(bytes: Uint8Array): void {
    const at = this.#room(bytes.length);
    this.#bytes.set(bytes, at);
  }

  /** Overwrites four bytes that were written before. */
  patch32(at: number, value: number): void {
    this.#view.setUint32(at, value, true);
  }

  /** What was written, valid until the next write. */
  peek(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  /** A copy of what was written. */
  copy(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }

  #room(count: number): number {
    const at = this.#length;
    this.#length = at + count;
    if (this.#length > this.#bytes.length) {
      const bytes = new Uint8Array(Math.max(2 * this.#bytes.length, this.#length));
      bytes.set(this.#bytes);
      this.#bytes = bytes;
      this.#view = new DataView(bytes.buffer);
    }
    return at;
  }
}

const u16At = (bytes: Uint8Array, at: number): number =>
  (bytes[at] as number) | ((bytes[at + 1] as number) << 8);

// For the few fields of a frame, a view of its bytes costs more to make than to read.
const u32At = (bytes: Uint8Array, at: number): number =>
  (u16At(bytes, at) | (u16At(bytes, at + 2) << 16)) >>> 0;

/** Reads what a Writer wrote, from bytes that nobody vouches for: FrameError past the end. */
export class Reader {
  readonly #bytes: Uint8Array;
  #at: number;
  readonly #end: number;

  constructor(bytes: Uint8Array, at = 0, end = bytes.length) {
    this.#bytes = bytes;
    this.#at = at;
    this.#end = end;
  }

  get at(): number {
    return this.#at;
  }

  get left(): number {
    return this.#end - this.#at;
  }

  u8(): number {
    return this.#bytes[this.#take(1)] as number;
  }

  u16(): number {
    return u16At(this.#bytes, this.#take(2));
  }

  u32(): number {
    return u32At(this.#bytes, this.#take(4));
  }

  u64(): number {
    const at = this.#take(8);
    const value = u32At(this.#bytes, at) + u32At(this.#bytes, at + 4) * two32;
    if (!Number.isSafeInteger(value)) throw new FrameError('an integer of more than 53 bits');
    return value;
  }

  big64(): bigint {
    const { buffer, byteOffset } = this.#bytes;
    return new DataView(buffer, byteOffset + this.#take(8), 8).getBigUint64(0, true);
  }

  slot(): Slot {
    const slot = this.u64();
    if (!isSlot(slot)) throw new FrameError('not a slot');
    return slot;
  }

  ballot(): Ballot {
    const configuration = this.u32();
    const round = this.u32();
    return { configuration, round, proposer: this.u16() };
  }

  /** A view, not a copy. */
  raw(count: number): Uint8Array {
    const at = this.#take(count);
    return this.#bytes.subarray(at, at + count);
  }

  /** FrameError if something is left over. */
  end(): void {
    if (this.#at !== this.#end) throw new FrameError(`${this.left} bytes too many`);
  }

  #take(count: number): number {
    const at = this.#at;
    if (count > this.#end - at) throw new FrameError('shorter than its fields');
    this.#at = at + count;
    return at;
  }
}
