/** What may still be put into the segment that is written to (S5). */
import type { Catalog } from './catalog.ts';
import { blockBytes } from './record.ts';
import type { Retirement } from './retirement.ts';
import type { SegmentPool } from './segment-pool.ts';
import type { Staging } from './staging.ts';

/**
 * While no other segment is ready, the end of this one is kept for marks: one says that the last
 * group was synced (S1), and one that older segments may go, which gives room.
 */
export const marksBytes = 2 * blockBytes;

export class Room {
  readonly #state: Catalog;
  readonly #pool: SegmentPool;
  readonly #retirement: Retirement;

  constructor(state: Catalog, pool: SegmentPool, retirement: Retirement) {
    this.#state = state;
    this.#pool = pool;
    this.#retirement = retirement;
  }

  fits(filling: Staging, bytes: number, isMark: boolean): boolean {
    if (this.#state.isFormer(filling.segment)) return false;
    return filling.fits(bytes, this.reservedBytes(isMark));
  }

  /** It would fit if there were more memory to gather it in. */
  holds(filling: Staging, bytes: number, isMark: boolean): boolean {
    if (this.#state.isFormer(filling.segment)) return false;
    return filling.start + bytes + this.reservedBytes(isMark) <= filling.segment.size;
  }

  reservedBytes(isMark: boolean): number {
    if (this.#pool.ready) return 0;
    if (!isMark) return marksBytes;
    return this.wouldGrow() ? 0 : blockBytes;
  }

  /** Would a group that is written now let segments go? */
  wouldGrow(): boolean {
    const keepFrom = this.#state.keepFrom();
    const oldest = this.#state.segments[0]?.sequence ?? keepFrom;
    return oldest < keepFrom && this.#retirement.keepFrom < keepFrom;
  }

  /** What is left when all that waits is stored; negative if that needs the next segment. */
  leftBytes({ segment, start, used }: Staging, queuedBytes: number): number {
    if (this.#state.isFormer(segment)) return -queuedBytes;
    return segment.size - this.reservedBytes(false) - start - used - queuedBytes;
  }
}
