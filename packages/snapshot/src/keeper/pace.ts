/** Who was held up for so long catches up, and no more: that would be a burst. */
const lateMsMax = 20;

/** So many bytes per second; pure. */
export class Pace {
  readonly #perMs: number;
  /** Until then, what was taken counts. */
  #untilMs = -Infinity;

  /** 0: as fast as it goes. */
  constructor(bytesPerSecondMax: number) {
    this.#perMs = bytesPerSecondMax === 0 ? Infinity : bytesPerSecondMax / 1_000;
  }

  took(bytes: number, nowMs: number): void {
    this.#untilMs = Math.max(this.#untilMs, nowMs - lateMsMax) + bytes / this.#perMs;
  }

  /** How long the next one waits. */
  waitMs(nowMs: number): number {
    return Math.max(0, this.#untilMs - nowMs);
  }
}
