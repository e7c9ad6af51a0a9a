import type { Slot } from '@rsl/core/protocol';

const slotsPerBlock = 4_096;
/** Of a file; segments are smaller. */
const offsetsMax = 2 ** 40;

/** Where the newest record of each slot is: sixteen bytes a slot. */
export class DecidedPlaces {
  readonly #files = new Map<string, number>();
  readonly #blocks = new Map<number, Float64Array>();

  /** The newest of a slot wins, but over one that was learned only another one does (P11). */
  found(slot: Slot, file: string, offset: number, isLearned: boolean): void {
    if (!isLearned && this.isLearned(slot)) return;
    const number = Math.floor(slot / slotsPerBlock);
    let block = this.#blocks.get(number);
    if (block === undefined) this.#blocks.set(number, (block = new Float64Array(slotsPerBlock)));
    const place = this.#place(file, offset);
    block[slot % slotsPerBlock] = isLearned ? -place : place;
  }

  isNewest(slot: Slot, file: string, offset: number): boolean {
    return Math.abs(this.#at(slot)) === this.#place(file, offset);
  }

  /** It was learned, not voted: that proves by itself that it was decided (P11). */
  isLearned(slot: Slot): boolean {
    return this.#at(slot) < 0;
  }

  /** Zero: nothing was found. */
  #at(slot: Slot): number {
    return this.#blocks.get(Math.floor(slot / slotsPerBlock))?.[slot % slotsPerBlock] ?? 0;
  }

  #place(file: string, offset: number): number {
    let number = this.#files.get(file);
    if (number === undefined) this.#files.set(file, (number = this.#files.size + 1));
    return number * offsetsMax + offset;
  }
}
