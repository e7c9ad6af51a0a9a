/** Memory that append groups are gathered in, and that the writer writes from. */
import { requires } from '@rsl/contracts';
import type { RslError, Slot } from '@rsl/core';
import { type Memory, memoryOf, roundUp } from './memory.ts';
import {
  blockBytes,
  type EncodedGroup,
  encodeGroup,
  type GroupHeader,
  readGroupHeader,
  type StoredGroupHeader,
  sealGroup,
} from './record.ts';
import type { Segment } from './segment.ts';

export type Done = (error?: RslError) => void;

/** One write: consecutive groups of one segment, from `start` on. */
export class Staging {
  readonly buffer: 0 | 1;
  shared: SharedArrayBuffer;
  memory: Memory;
  segment: Segment;
  /** Offset in the segment. */
  start: number;
  used = 0;
  /** To be called when this write is durable. */
  dones: Done[] = [];
  /** Bytes that count as waiting. */
  waitingBytes = 0;
  /** Something besides marks: a later group has to say that it was synced. */
  wantsMark = false;
  /** Of the last group. */
  keepFrom = 0;
  firstSlot: Slot = 1;
  #lastGroup = -1;

  constructor(buffer: 0 | 1, bytes: number, segment: Segment) {
    this.buffer = buffer;
    this.shared = new SharedArrayBuffer(bytes);
    this.memory = memoryOf(new Uint8Array(this.shared));
    this.segment = segment;
    this.start = segment.end;
  }

  get size(): number {
    return this.shared.byteLength;
  }

  /** The next write, after one that ends at `start`. */
  begin(segment: Segment, start: number): void {
    requires(() => start % blockBytes === 0, 'file-5 a buffer begins at a block');
    this.segment = segment;
    this.start = start;
    this.used = 0;
    this.dones = [];
    this.waitingBytes = 0;
    this.wantsMark = false;
    this.#lastGroup = -1;
  }

  /** Room in the segment, but for what is reserved at its end, and here. */
  fits(bytes: number, reservedBytes = 0): boolean {
    const end = roundUp(this.used + bytes, blockBytes);
    if (end > this.size || this.start + end > this.segment.size - reservedBytes) return false;
    // Only a group by itself may be longer than what recovery erases behind a torn write: its
    // header is the only one, and in front.
    return this.used === 0 || end <= this.segment.header.writeBytesMax;
  }

  grow(bytes: number): void {
    requires(() => this.used === 0, 'file-6 a buffer is replaced while it is empty');
    this.shared = new SharedArrayBuffer(roundUp(bytes, blockBytes));
    this.memory = memoryOf(new Uint8Array(this.shared));
  }

  add(group: EncodedGroup, head: Omit<GroupHeader, 'offset' | 'markSegment' | 'markOffset'>): void {
    requires(() => this.fits(group.bytes), 'file-7 a group is staged where it fits');
    this.#sealLast(this.used);
    encodeGroup(this.memory, this.used, group, {
      ...head,
      offset: this.start + this.used,
      // One write at a time: what is in front of this one is synced when it begins.
      markSegment: this.segment.sequence,
      markOffset: this.start,
    });
    this.#lastGroup = this.used;
    this.used += group.bytes;
    this.keepFrom = head.keepFrom;
    this.firstSlot = head.firstSlot;
    // Older segments may go because of what is carried on.
    this.wantsMark ||= group.records.length > 0 || head.carry;
  }

  /** Whole blocks, the last group being made longer to fill them. */
  seal(): number {
    const length = roundUp(this.used, blockBytes);
    this.memory.bytes.fill(0, this.used, length);
    this.#sealLast(length);
    return length;
  }

  #sealLast(end: number): void {
    if (this.#lastGroup < 0) return;
    sealGroup(this.memory, this.#lastGroup, end - this.#lastGroup, this.segment.seed);
  }

  /** The groups of a sealed write, as they can be read back. */
  *groups(): Generator<{ readonly at: number; readonly header: StoredGroupHeader }> {
    for (let at = 0; at < this.used; ) {
      const { seed } = this.segment;
      const header = readGroupHeader(this.memory, at, this.start + at, seed) as StoredGroupHeader;
      yield { at, header };
      at += header.length;
    }
  }
}
