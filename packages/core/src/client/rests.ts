import type { ClientTimings } from './client-options.ts';

/** Two replicas that name each other are left, each, once the other has rested: no long stay. */
const longStay = 4;

interface Rest {
  readonly restMs: number;
  readonly untilMs: number;
}

/** Replicas say which addresses there are: that many are remembered, those left last. */
const addressesMax = 64;

/**
 * Addresses that a client has left, and until when nobody's word leads it there again: a replica
 * may go on for long to name a leader that is gone, or that this client alone cannot reach (L6).
 */
export class Rests {
  readonly #timings: ClientTimings;
  readonly #left = new Map<string, Rest>();

  constructor(timings: ClientTimings) {
    this.#timings = timings;
  }

  /** `stayedMs`: since it was let in there; 0 if it never was. */
  leave(address: string, stayedMs: number, nowMs: number): void {
    const { restMsMax, restMsMin } = this.#timings;
    const last = this.#left.get(address)?.restMs;
    const isNew = last === undefined || stayedMs > longStay * last;
    const restMs = isNew ? restMsMin : Math.min(restMsMax, 2 * last);
    this.#left.delete(address);
    this.#left.set(address, { restMs, untilMs: nowMs + restMs });
    const [oldest = ''] = this.#left.keys();
    if (this.#left.size > addressesMax) this.#left.delete(oldest);
  }

  isOver(address: string, nowMs: number): boolean {
    return nowMs >= (this.#left.get(address)?.untilMs ?? nowMs);
  }
}
