import type { Slot } from '../../paxos/slot.ts';
import { check } from './check-failed.ts';

/** What was executed in one slot. */
export interface ExecutedBatch {
  readonly slot: Slot;
  readonly timeMs: number;
  /** Of the bytes of this batch. */
  readonly checksum: number;
  /** Of everything executed by this replica so far, in order. */
  readonly digest: number;
}

/** Every replica executes the same commands in the same slots at the same group time (P7, P10). */
export class AgreementChecker {
  readonly #slots = new Map<Slot, ExecutedBatch>();
  #last: Slot = 0;
  #timeMs = 0;

  /** The highest slot with a batch that anybody has executed. */
  get last(): Slot {
    return this.#last;
  }

  /** Of everything executed through `last`. */
  get digest(): number {
    return this.#slots.get(this.#last)?.digest ?? 0;
  }

  get slots(): number {
    return this.#slots.size;
  }

  /** True if this is the first replica to execute the slot. */
  onExecuted(replica: number, executed: ExecutedBatch): boolean {
    const { slot } = executed;
    const known = this.#slots.get(slot);
    if (known !== undefined) {
      check(known.digest === executed.digest, () => {
        const both = `${JSON.stringify(known)} and ${JSON.stringify(executed)}`;
        return `agreement: replica ${replica} differs in slot ${slot}: ${both}`;
      });
      return false;
    }
    // Slots without a batch leave no trace here, so there may be gaps; but nothing comes before.
    check(slot > this.#last, () => `agreement: slot ${slot} comes after slot ${this.#last}`);
    check(executed.timeMs >= this.#timeMs, () => `group time goes back in slot ${slot} (P10)`);
    this.#slots.set(slot, executed);
    this.#last = slot;
    this.#timeMs = executed.timeMs;
    return true;
  }
}
