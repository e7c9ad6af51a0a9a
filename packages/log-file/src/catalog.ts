/**
 * What writing, recovery and retirement of segments ask of what memory knows of a log: which
 * segments there are, what the next one repeats, and which may go.
 */
import type { Slot, StoreId } from '@rsl/core/protocol';
import type { Memory } from './memory.ts';
import type { EncodedGroup, StoredGroupHeader } from './record.ts';
import type { Segment } from './segment.ts';

export abstract class Catalog {
  /** By sequence, without a gap; the last one is written to. */
  readonly segments: Segment[] = [];
  /** Of the next group. */
  number = 1;
  /** Under which segments are begun. */
  store: StoreId;

  constructor(store: StoreId) {
    this.store = store;
  }

  /** What a group's header says. */
  abstract get firstSlot(): Slot;

  get current(): Segment {
    return this.segments.at(-1) as Segment;
  }

  get bytesUsed(): number {
    return this.segments.reduce((bytes, segment) => bytes + segment.size, 0);
  }

  /** Under another name: it is not written to any more. */
  isFormer(segment: Segment): boolean {
    return segment.header.store !== this.store;
  }

  /** From now on this one is written to. */
  add(segment: Segment): void {
    this.segments.push(segment);
  }

  /** What is stored from now on is stored under this name, in a segment of its own. */
  beginLife(store: StoreId): void {
    this.store = store;
  }

  /** The oldest segment that holds something besides forgotten slots and what is carried on. */
  abstract keepFrom(): number;

  /** What a new segment begins with, so that every older one may go. */
  abstract carried(): EncodedGroup;

  /** At most a block; goes with what is written next, be it a mark, if there is room for it. */
  abstract news(): EncodedGroup | undefined;

  /** Something has to be said that no group says after one with this firstSlot. */
  abstract isUnsaid(firstSlot: Slot): boolean;

  /** Takes in the group that is at `at` in `memory`; false if it is malformed. */
  abstract takeIn(
    segment: Segment,
    memory: Memory,
    at: number,
    header: StoredGroupHeader,
    lost?: ReadonlySet<number>,
  ): boolean;
}
