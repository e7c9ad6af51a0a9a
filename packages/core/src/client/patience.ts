import type { ClientTimings } from './client-options.ts';

/** How long a client waits for a replica that owes it an answer, before it tries another (L6). */
export class Patience {
  readonly #timings: ClientTimings;
  #sinceMs = Infinity;
  #waitMs: number;

  constructor(timings: ClientTimings) {
    this.#timings = timings;
    this.#waitMs = timings.answerMsMin;
  }

  onAnswer(): void {
    this.#sinceMs = Infinity;
    this.#waitMs = this.#timings.answerMsMin;
  }

  /** At every tick; true once it has been owed something, and told nothing, for too long. */
  isOver(isOwed: boolean, nowMs: number): boolean {
    this.#sinceMs = isOwed ? Math.min(this.#sinceMs, nowMs) : Infinity;
    if (nowMs - this.#sinceMs < this.#waitMs) return false;
    this.#sinceMs = Infinity;
    this.#waitMs = Math.min(this.#timings.answerMsMax, 2 * this.#waitMs);
    return true;
  }
}
