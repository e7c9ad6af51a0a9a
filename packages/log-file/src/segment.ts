/** A segment of the log as memory knows it. */
import type { Slot } from '@rsl/core/protocol';
import { blockBytes } from './record.ts';
import { type SegmentHeader, seedOf } from './segment-header.ts';
import { SlotTable } from './slot-table.ts';

export class Segment {
  readonly file: string;
  readonly header: SegmentHeader;
  /** What every group's checksum goes on from. */
  readonly seed: number;
  /** The end of its groups; of the durable ones in the segment that is written to. */
  end: number = blockBytes;
  minSlot: Slot = Number.POSITIVE_INFINITY;
  maxSlot: Slot = 0;
  /** Built again from the file when it is missing and needed. */
  table: SlotTable | undefined = new SlotTable();
  /** While somebody reads, the file is neither removed nor recycled. */
  readers = 0;

  constructor(file: string, header: SegmentHeader) {
    this.file = file;
    this.header = header;
    this.seed = seedOf(header);
  }

  get sequence(): number {
    return this.header.sequence;
  }

  get size(): number {
    return this.header.size;
  }

  holds(slot: Slot): boolean {
    return this.minSlot <= slot && slot <= this.maxSlot;
  }
}
