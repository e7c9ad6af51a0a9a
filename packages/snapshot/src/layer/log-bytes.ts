import { requires } from '@rsl/contracts';
import type { Slot } from '@rsl/core/protocol';

const marksMax = 4_096;

/** So many bytes of values had been executed when `slot` was. */
interface Mark {
  readonly slot: Slot;
  readonly bytes: number;
}

/**
 * How many bytes of values lie between slots, roughly: of those executed since the start, or again
 * at it; what came before counts as none. Off by at most one grain, which doubles when the marks
 * become too many.
 */
export class LogBytes {
  #grainBytes: number;
  #marks: Mark[] = [];
  #bytes = 0;

  constructor(grainBytes = 1024 * 1024) {
    this.#grainBytes = grainBytes;
  }

  /** The last slot that is known to begin a grain. */
  get lastSlot(): Slot {
    return this.#marks.at(-1)?.slot ?? 0;
  }

  /** In the order of the slots; `bytes` are those since the last one that was added. */
  add(slot: Slot, bytes: number): void {
    const last = this.#marks.at(-1);
    requires(
      () => last === undefined || slot > last.slot,
      'snap-1 bytes are counted in the order of the slots',
    );
    this.#bytes += bytes;
    if (last !== undefined && this.#bytes - last.bytes < this.#grainBytes) return;
    this.#marks.push({ slot, bytes: this.#bytes });
    if (this.#marks.length <= marksMax) return;
    this.#grainBytes *= 2;
    this.#marks = this.#marks.filter((_, i) => i % 2 === 0);
  }

  /** From this slot up to `through` there are at most `bytesMax`; 0 if that bounds nothing. */
  firstWithin(bytesMax: number, through: Slot): Slot {
    const end = this.#marks.find(({ slot }) => slot >= through)?.bytes ?? this.#bytes;
    if (end <= bytesMax) return 0;
    const before = this.#marks.find(({ bytes }) => end - bytes <= bytesMax);
    return Math.min(before?.slot ?? through, through) + 1;
  }

  /** The log does not have what is below. */
  forget(before: Slot): void {
    const last = this.#marks.findLastIndex(({ slot }) => slot < before);
    if (last > 0) this.#marks = this.#marks.slice(last);
  }
}
