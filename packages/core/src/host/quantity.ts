import type { Distribution } from '../api.ts';

/** An hour in microseconds. What is more counts as this much. */
const valueMax = 3_600_000_000;
/** A power of two is counted in at most 2^10 steps, which is three figures of any value. */
const stepBits = 10;
/** So many steps are one page: 2^7 counts, 512 bytes. */
const pageBits = 7;

/**
 * How a quantity is distributed: integers of 1 … valueMax with three figures, counted as in an HDR
 * histogram. Its pages are made when the first value comes that lies in them: a quantity of an idle
 * group takes a few of them (decision 21).
 */
export class Quantity {
  #pages: (Uint32Array | undefined)[] = [];
  #count = 0;
  #sum = 0;
  #min = Infinity;
  #max = 0;

  /** What is less than 1 counts as 1. */
  record(value: number): void {
    const v = Math.min(valueMax, Math.max(1, Math.round(value)));
    // Every value of its own up to 2^11; then each power of two has steps twice as wide.
    const shift = Math.max(0, 31 - stepBits - Math.clz32(v));
    const step = (shift << stepBits) + (v >>> shift);
    const page = this.#pages[step >>> pageBits] ?? this.#made(step >>> pageBits);
    const at = step & (page.length - 1);
    page[at] = (page[at] as number) + 1;
    this.#count += 1;
    this.#sum += v;
    if (v < this.#min) this.#min = v;
    if (v > this.#max) this.#max = v;
  }

  /** All zero if there was nothing. */
  distribution(): Distribution {
    if (this.#count === 0) return nothing;
    const at = (percent: number): number => this.#percentile(percent);
    const ends = { count: this.#count, min: this.#min, max: this.#max };
    const mean = this.#sum / this.#count;
    return { ...ends, mean, p50: at(50), p90: at(90), p99: at(99), p999: at(99.9) };
  }

  reset(): void {
    this.#pages = [];
    this.#count = 0;
    this.#sum = 0;
    this.#min = Infinity;
    this.#max = 0;
  }

  #made(index: number): Uint32Array {
    // A list with holes would be slow.
    while (this.#pages.length <= index) this.#pages.push(undefined);
    const page = new Uint32Array(1 << pageBits);
    this.#pages[index] = page;
    return page;
  }

  /** Of the nearest rank; the end of its step, but not more than there was. */
  #percentile(percent: number): number {
    let left = Math.max(1, Math.floor((percent / 100) * this.#count + 0.5));
    for (const [index, page] of this.#pages.entries()) {
      for (const [at, count] of page?.entries() ?? []) {
        left -= count;
        if (left <= 0) return Math.min(this.#max, endOf((index << pageBits) + at));
      }
    }
    return this.#max;
  }
}

/** The largest value that is counted in this step. */
function endOf(step: number): number {
  const shift = Math.max(0, (step >>> stepBits) - 1);
  return (step - (shift << stepBits) + 1) * 2 ** shift - 1;
}

const nothing: Distribution = {
  count: 0,
  min: 0,
  mean: 0,
  p50: 0,
  p90: 0,
  p99: 0,
  p999: 0,
  max: 0,
};
