import { crc32 } from 'node:zlib';
import type { Random } from '../ports/random.ts';

/** The same numbers for the same seed, everywhere: SplitMix32. For tests, not for secrets. */
export class SeededRandom implements Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  below(limit: number): number {
    if (limit <= 1) return 0;
    if (limit <= 2 ** 32) return Math.floor((this.#next() / 2 ** 32) * limit);
    return (this.#next() * 2 ** 21 + (this.#next() >>> 11)) % limit;
  }

  /** True `percent` times in a hundred. */
  chance(percent: number): boolean {
    return this.#next() < (percent / 100) * 2 ** 32;
  }

  /** Numbers of its own for one purpose: what others draw changes nothing. */
  fork(purpose: string): SeededRandom {
    return new SeededRandom(crc32(purpose, this.#state));
  }

  /** One of them, all with the same chance. */
  pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)] as T;
  }

  #next(): number {
    this.#state = (this.#state + 0x9e3779b9) >>> 0;
    let z = this.#state;
    z = Math.imul(z ^ (z >>> 16), 0x85ebca6b);
    z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
    return (z ^ (z >>> 16)) >>> 0;
  }
}
