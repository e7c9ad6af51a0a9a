/**
 * The bytes of a batch: a header, then segments. A leader puts segments together and touches no
 * command. Little-endian.
 *
 *    0  u8   1 (a value of kind batch)
 *    1  u8   format, 1
 *    2  u16  number of segments
 *    4  u32  number of commands
 *    8  u64  stamp, ms since 1970 UTC
 *   16       ballot it was sealed in: u32, u32, u16
 *   26  u16  0
 *   28  u32  led time: for how many ms its leader could propose since its batch before this one
 *   32  …    segments
 */
import { FrameError } from '../errors.ts';
import { type Ballot, zeroBallot } from '../paxos/ballot.ts';
import { batchByte, type Value } from '../paxos/value.ts';
import { Reader } from './bytes.ts';
import { sealed } from './checksum.ts';
import { checkSegment, headerBytesOf, type SegmentHeader, write64 } from './segment.ts';

const format = 1;
export const batchHeaderBytes = 32;

/** Puts segments together and seals them; without any, only time passes. */
export function sealBatch(
  stampMs: number,
  ballot: Ballot,
  segments: readonly Uint8Array[],
  ledMs = 0,
): Value {
  let size = batchHeaderBytes;
  for (const segment of segments) size += segment.length;
  const bytes = new Uint8Array(size);
  const view = new DataView(bytes.buffer);
  let count = 0;
  let at = batchHeaderBytes;
  for (const segment of segments) {
    bytes.set(segment, at);
    count += view.getUint32(at + 4, true);
    at += segment.length;
  }
  bytes[0] = batchByte;
  bytes[1] = format;
  view.setUint16(2, segments.length, true);
  view.setUint32(4, count, true);
  write64(view, 8, stampMs);
  view.setUint32(16, ballot.configuration, true);
  view.setUint32(20, ballot.round, true);
  view.setUint16(24, ballot.proposer, true);
  view.setUint32(28, ledMs, true);
  return sealed(bytes);
}

/** A batch taken apart. The arrays are used again by the next `open`. */
export class BatchReader {
  segments: SegmentHeader[] = [];
  count = 0;
  stampMs = 0;
  ledMs = 0;
  ballot: Ballot = zeroBallot;
  bytes: Uint8Array = new Uint8Array(0);
  #starts = new Uint32Array(1_024);
  #ends = new Uint32Array(1_024);

  /** FrameError if the bytes are no batch, which only a bug of ours can bring about. */
  open(value: Value): void {
    const { bytes } = value;
    const reader = new Reader(bytes);
    if (reader.u8() !== batchByte || reader.u8() !== format) throw new FrameError('no batch');
    const segments = reader.u16();
    const count = reader.u32();
    this.stampMs = reader.u64();
    this.ballot = reader.ballot();
    reader.u16();
    this.ledMs = reader.u32();
    if (4 * count > reader.left) throw new FrameError('fewer commands than it says');
    this.bytes = bytes;
    this.count = count;
    this.#grow(count);
    this.segments = [];
    let at = batchHeaderBytes;
    let i = 0;
    for (let s = 0; s < segments; s += 1) {
      const header = checkSegment(bytes.subarray(at));
      if (i + header.count > count) throw new FrameError('more commands than it says');
      this.#place(at, header, i);
      this.segments.push(header);
      i += header.count;
      at += header.bytes;
    }
    if (i !== count || at !== bytes.length) throw new FrameError('a batch that does not add up');
  }

  start(i: number): number {
    return this.#starts[i] as number;
  }

  end(i: number): number {
    return this.#ends[i] as number;
  }

  #place(at: number, header: SegmentHeader, first: number): void {
    const { buffer, byteOffset } = this.bytes;
    const view = new DataView(buffer, byteOffset);
    const ends = at + headerBytesOf(header);
    const start = ends + 4 * header.count;
    let before = start;
    for (let i = 0; i < header.count; i += 1) {
      const end = start + view.getUint32(ends + 4 * i, true);
      this.#starts[first + i] = before;
      this.#ends[first + i] = end;
      before = end;
    }
  }

  #grow(count: number): void {
    if (count <= this.#starts.length) return;
    this.#starts = new Uint32Array(count);
    this.#ends = new Uint32Array(count);
  }
}
