import type { Clock } from '@rsl/core';

export const tickMs = 25;
const stepMsMax = 4 * tickMs;

/**
 * Milliseconds during which this process could have heard somebody. It counts what passes between
 * two ticks, but never more than a few ticks at once: when our own loop stood still, what peers
 * sent meanwhile is still unread, and nobody may be declared dead for it.
 */
export class AwakeTime {
  readonly #clock: Clock;
  #atMs: number;
  nowMs = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#atMs = clock.nowMs();
  }

  tick(): void {
    const atMs = this.#clock.nowMs();
    this.nowMs += Math.min(atMs - this.#atMs, stepMsMax);
    this.#atMs = atMs;
  }
}
