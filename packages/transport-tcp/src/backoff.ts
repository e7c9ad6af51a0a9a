import type { Random } from '@rsl/core';
import { ensures, requires } from '@rsl/contracts';

/**
 * How long to wait before dialing again: twice as long each time, up to a largest wait, and drawn
 * from the upper half, so that peers that lost each other at one moment do not meet at one moment.
 */
export class Backoff {
  readonly #delayMsMin: number;
  readonly #delayMsMax: number;
  readonly #random: Random;
  #delayMs: number;

  constructor(delayMsMin: number, delayMsMax: number, random: Random) {
    requires(() => 0 < delayMsMin && delayMsMin <= delayMsMax, 'tcp-1 a delay has bounds');
    this.#delayMsMin = delayMsMin;
    this.#delayMsMax = delayMsMax;
    this.#random = random;
    this.#delayMs = delayMsMin;
  }

  /** The next wait. */
  next(): number {
    const half = Math.floor(this.#delayMs / 2);
    const drawn = this.#delayMs - this.#random.below(half + 1);
    this.#delayMs = Math.min(this.#delayMs * 2, this.#delayMsMax);
    ensures(() => drawn > 0 && drawn <= this.#delayMsMax, 'tcp-2 a delay keeps its bounds (L6)');
    return drawn;
  }

  /** After a connection that lasted. */
  reset(): void {
    this.#delayMs = this.#delayMsMin;
  }
}
