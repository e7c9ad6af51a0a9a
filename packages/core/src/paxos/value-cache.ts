import { ensures, requires } from '@rsl/contracts';
import type { Slot } from './slot.ts';
import type { Value } from './value.ts';

/**
 * The newest released values, consecutive slots, at most `bytesMax` bytes: for followers that are
 * a little behind. Older ones are read from the log.
 */
export class ValueCache {
  readonly #values = new Map<Slot, Value>();
  readonly #bytesMax: number;
  #bytes = 0;
  #first: Slot;
  #next: Slot;

  constructor(next: Slot, bytesMax: number) {
    this.#first = next;
    this.#next = next;
    this.#bytesMax = bytesMax;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** The oldest slot that is here; equal to the next one to come if there is none. */
  get firstSlot(): Slot {
    return this.#first;
  }

  at(slot: Slot): Value | undefined {
    return this.#values.get(slot);
  }

  add(slot: Slot, value: Value): void {
    requires(() => slot === this.#next, 'cache-1 consecutive slots');
    this.#values.set(slot, value);
    this.#bytes += value.bytes.length;
    this.#next = slot + 1;
    this.#evict();
    ensures(
      () => this.#bytes <= this.#bytesMax || this.#first === slot,
      'cache-2 within its bytes, but for one large value',
    );
    ensures(() => this.#values.size === this.#next - this.#first, 'cache-3 without a gap');
  }

  /** Everything up to `slot` is of no use here any more; the next to come is after it. */
  skipTo(slot: Slot): void {
    this.#values.clear();
    this.#bytes = 0;
    this.#first = slot + 1;
    this.#next = slot + 1;
  }

  /** The newest value stays, however large. */
  #evict(): void {
    while (this.#bytes > this.#bytesMax && this.#first < this.#next - 1) {
      const oldest = this.#values.get(this.#first) as Value;
      this.#bytes -= oldest.bytes.length;
      this.#values.delete(this.#first);
      this.#first += 1;
    }
  }
}
