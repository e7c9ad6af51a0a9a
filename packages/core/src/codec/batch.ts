/**
 * The bytes of a batch: a header, then segments. A segment holds consecutive commands of one
 * replica's callers, exactly as that replica has encoded them; a leader puts segments together and
 * touches no command. Little-endian.
 *
 *   batch    0  u8   1 (a value of kind batch)       segment  0  u16  origin: the replica's id
 *            1  u8   format, 1                                2  u16  flags, 0
 *            2  u16  number of segments                       4  u32  number of commands
 *            4  u32  number of commands                       8  u64  epoch: which start of it
 *            8  u64  stamp, ms since 1970 UTC                16  u64  sequence of the first command
 *           16       ballot it was sealed in:                24  u32  bytes of this segment
 *                    u32, u32, u16                           28  u32  reserved, 0
 *           26  …    6 bytes, 0                              32  u32  end of each command, from the
 *           32  …    segments                                         start of the commands
 *                                                             …       the commands
 */
import { FrameError } from '../errors.ts';
import { type Ballot, zeroBallot } from '../paxos/ballot.ts';
import type { ReplicaId } from '../paxos/membership.ts';
import { batchByte, type Value } from '../paxos/value.ts';
import { Reader } from './bytes.ts';
import { sealed } from './checksum.ts';

const format = 1;
export const batchHeaderBytes = 32;
export const segmentHeaderBytes = 32;
const two32 = 2 ** 32;

/** Which commands a segment holds. */
export interface SegmentHeader {
  readonly origin: ReplicaId;
  /** Random, drawn at each start: a sequence of an earlier start is somebody else's. */
  readonly epoch: number;
  readonly firstSequence: number;
  readonly count: number;
  /** Of the whole segment, its header included. */
  readonly bytes: number;
}

/** What a segment adds to a batch for one command of this length. */
export const segmentBytesOf = (commandBytes: number): number => commandBytes + 4;

export function encodeSegment(
  header: Pick<SegmentHeader, 'origin' | 'epoch' | 'firstSequence'>,
  commands: readonly Uint8Array[],
): Uint8Array {
  let size = segmentHeaderBytes + 4 * commands.length;
  for (const command of commands) size += command.length;
  const bytes = new Uint8Array(size);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, header.origin, true);
  view.setUint32(4, commands.length, true);
  write64(view, 8, header.epoch);
  write64(view, 16, header.firstSequence);
  view.setUint32(24, size, true);
  const start = segmentHeaderBytes + 4 * commands.length;
  let at = start;
  for (let i = 0; i < commands.length; i += 1) {
    const command = commands[i] as Uint8Array;
    bytes.set(command, at);
    at += command.length;
    view.setUint32(segmentHeaderBytes + 4 * i, at - start, true);
  }
  return bytes;
}

/** Puts segments together and seals them; without any, only time passes. */
export function sealBatch(stampMs: number, ballot: Ballot, segments: readonly Uint8Array[]): Value {
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
  return sealed(bytes);
}

/** The segment at the start of `bytes`; FrameError unless it is well formed to its end. */
export function checkSegment(bytes: Uint8Array): SegmentHeader {
  const reader = new Reader(bytes);
  const origin = reader.u16();
  if (reader.u16() !== 0) throw new FrameError('a segment with unknown flags');
  const count = reader.u32();
  const epoch = reader.u64();
  const firstSequence = reader.u64();
  const size = reader.u32();
  reader.u32();
  if (size > bytes.length || size < segmentHeaderBytes + 4 * count) {
    throw new FrameError('a segment that is not as long as it says');
  }
  const room = size - segmentHeaderBytes - 4 * count;
  let before = 0;
  for (let i = 0; i < count; i += 1) {
    const end = reader.u32();
    if (end < before || end > room) throw new FrameError('a segment whose commands overlap');
    before = end;
  }
  if (before !== room) throw new FrameError('a segment with bytes that belong to no command');
  return { origin, epoch, firstSequence, count, bytes: size };
}

/** A batch taken apart. The arrays are used again by the next `open`. */
export class BatchReader {
  segments: SegmentHeader[] = [];
  count = 0;
  stampMs = 0;
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
    reader.raw(batchHeaderBytes - 26);
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
    const start = at + segmentHeaderBytes + 4 * header.count;
    let before = start;
    for (let i = 0; i < header.count; i += 1) {
      const end = start + view.getUint32(at + segmentHeaderBytes + 4 * i, true);
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

function write64(view: DataView, at: number, value: number): void {
  view.setUint32(at, value % two32, true);
  view.setUint32(at + 4, Math.floor(value / two32), true);
}
