import { ensures, old } from '@rsl/contracts';
import type { Executor } from './executor.ts';
import type { Outbox } from './outbox.ts';
import type { Settings } from './settings.ts';
import type { Slot } from './slot.ts';

const recordMs = 500;

/**
 * Writes "decided through s" now and then: it bounds what a restart has to learn again, what it
 * keeps in memory, and what a 1b reports. Every released slot has its value in the log by then, as
 * a vote proved by P8 or as a decided record, appended earlier (P11).
 */
export class DecidedRecord {
  readonly #slotsMax: number;
  readonly #executor: Executor;
  #through: Slot;
  #atMs: number;

  constructor(settings: Settings, executor: Executor, nowMs: number) {
    this.#slotsMax = settings.limits.slotsInFlightMax;
    this.#executor = executor;
    this.#through = executor.releasedThrough;
    this.#atMs = nowMs;
  }

  /** Everything that was released is told of in the log. */
  get isWritten(): boolean {
    return this.#through === this.#executor.releasedThrough;
  }

  /** At least every `slotsInFlightMax` slots, or after half a second. */
  write(nowMs: number, out: Outbox): void {
    const slot = this.#executor.releasedThrough;
    const due = slot - this.#through >= this.#slotsMax || nowMs - this.#atMs >= recordMs;
    if (slot === this.#through || !due) return;
    const before = old(() => this.#through);
    this.#through = slot;
    this.#atMs = nowMs;
    ensures(() => this.#through > before, 'record-1 decided-through never goes back (P11)');
    out.persist([{ kind: 'decided-through', slot }]);
  }
}
