/**
 * So many bytes per second and no more: over any time, at most a tenth of a second's worth beyond
 * the rate, and one request. Who takes more than there is makes the next ones wait.
 */
export class Allowance {
  readonly #perMs: number;
  readonly #bytesMax: number;
  #bytes: number;
  #atMs: number | undefined;

  /** 0: no limit. */
  constructor(bytesPerSecondMax: number) {
    this.#perMs = bytesPerSecondMax / 1_000;
    this.#bytesMax = Math.max(1, bytesPerSecondMax / 10);
    this.#bytes = this.#bytesMax;
  }

  /** False: later. */
  take(bytes: number, nowMs: number): boolean {
    if (this.#perMs === 0) return true;
    const passedMs = Math.max(0, nowMs - (this.#atMs ?? nowMs));
    this.#atMs = nowMs;
    this.#bytes = Math.min(this.#bytesMax, this.#bytes + passedMs * this.#perMs);
    if (this.#bytes <= 0) return false;
    this.#bytes -= bytes;
    return true;
  }
}
