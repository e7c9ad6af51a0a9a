/**
 * Segments that hold nothing any more leave the log: only when a durable group has said that they
 * may, oldest first, and one at a time, so that no crash leaves a gap.
 */
import type { Catalog } from './catalog.ts';
import type { Segment } from './segment.ts';
import type { SegmentPool } from './segment-pool.ts';
import type { Finished } from './writer.ts';

export class Retirement {
  /** As the last durable group says. */
  keepFrom = 0;
  readonly #state: Catalog;
  readonly #pool: SegmentPool;
  readonly #retired: Finished;
  #busy = false;
  #stopped = false;

  /** `retired` runs after each one. */
  constructor(state: Catalog, pool: SegmentPool, retired: Finished) {
    this.#state = state;
    this.#pool = pool;
    this.#retired = retired;
  }

  get busy(): boolean {
    return this.#busy;
  }

  /** True if a segment leaves now, or could. */
  get due(): boolean {
    return this.#busy || this.#next() !== undefined;
  }

  goOn(): void {
    const oldest = this.#next();
    if (oldest === undefined || this.#busy) return;
    this.#busy = true;
    this.#state.segments.shift();
    this.#pool.retire(oldest, (error) => {
      this.#busy = false;
      if (error !== undefined) this.stop();
      this.goOn();
      this.#retired(error);
    });
  }

  stop(): void {
    this.#stopped = true;
  }

  #next(): Segment | undefined {
    const [oldest] = this.#state.segments;
    if (oldest === undefined || oldest.readers > 0 || this.#stopped) return undefined;
    return oldest.sequence < this.keepFrom ? oldest : undefined;
  }
}
