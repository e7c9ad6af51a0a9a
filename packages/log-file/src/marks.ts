/**
 * When nothing has been appended for a while, a group with only a mark says that everything before
 * it was synced: then it can be told from a torn write (S1). It also carries a new firstSlot.
 */
import type { Clock } from '@rsl/core';

export class Marks {
  /** What is durable is not yet said to be by a later group. */
  needed: boolean;
  readonly #clock: Clock;
  readonly #afterMs: number;
  readonly #write: () => void;
  #stopTimer: (() => void) | undefined;

  constructor(clock: Clock, afterMs: number, needed: boolean, write: () => void) {
    this.#clock = clock;
    this.#afterMs = afterMs;
    this.needed = needed;
    this.#write = write;
  }

  soon(): void {
    if (!this.needed || this.#stopTimer !== undefined) return;
    const stop = this.#clock.everyMs(this.#afterMs, () => {
      stop();
      this.#stopTimer = undefined;
      this.#write();
    });
    this.#stopTimer = stop;
  }

  stop(): void {
    this.#stopTimer?.();
    this.#stopTimer = undefined;
  }
}
