import type { Slot } from '../paxos/slot.ts';
import type { Executed } from './digest-machine.ts';

/** Something that must never happen has happened; `kind` says what the seed is worth. */
export class CheckFailed extends Error {
  override readonly name = 'CheckFailed';
  readonly kind: 'safety' | 'liveness';

  constructor(kind: 'safety' | 'liveness', message: string) {
    super(message);
    this.kind = kind;
  }
}

export function check(holds: boolean, what: () => string): void {
  if (!holds) throw new CheckFailed('safety', what());
}

/** Every replica executes the same commands in the same slots at the same group time (P7, P10). */
export class AgreementChecker {
  readonly #slots = new Map<Slot, Executed>();
  #last: Slot = 0;
  #timeMs = 0;

  /** The highest slot with commands that anybody has executed. */
  get last(): Slot {
    return this.#last;
  }

  get slots(): number {
    return this.#slots.size;
  }

  at(slot: Slot): Executed | undefined {
    return this.#slots.get(slot);
  }

  /** True if this is the first replica to execute the slot. */
  onExecuted(replica: number, executed: Executed): boolean {
    const { slot } = executed;
    const known = this.#slots.get(slot);
    if (known !== undefined) {
      check(known.digest === executed.digest, () => {
        const both = `${JSON.stringify(known)} and ${JSON.stringify(executed)}`;
        return `agreement: replica ${replica} differs in slot ${slot}: ${both}`;
      });
      return false;
    }
    // Slots without commands leave no trace here, so there may be gaps; but nothing comes before.
    check(slot > this.#last, () => `agreement: slot ${slot} comes after slot ${this.#last}`);
    check(executed.timeMs >= this.#timeMs, () => `group time goes back in slot ${slot} (P10)`);
    this.#slots.set(slot, executed);
    this.#last = slot;
    this.#timeMs = executed.timeMs;
    return true;
  }
}

/** What callers were told, against what was executed. */
export class OutcomeChecker {
  readonly #executed = new Map<string, string>();
  readonly #acknowledged = new Map<string, string>();
  readonly #denied = new Set<string>();
  unknown = 0;

  get acknowledged(): number {
    return this.#acknowledged.size;
  }

  get denied(): number {
    return this.#denied.size;
  }

  get executed(): number {
    return this.#executed.size;
  }

  /** The first replica executes this command at this position. */
  onExecuted(command: string, position: string): void {
    const before = this.#executed.get(command);
    check(before === undefined, () => `${command} is executed twice: ${before} and ${position}`);
    check(!this.#denied.has(command), () => `${command} was said not to execute, and does`);
    this.#executed.set(command, position);
  }

  onResult(command: string, position: string): void {
    check(this.#executed.get(command) === position, () => {
      const executedAt = this.#executed.get(command);
      return `${command} is acknowledged at ${position}, executed at ${executedAt}`;
    });
    this.#acknowledged.set(command, position);
  }

  onError(command: string, outcome: string): void {
    if (outcome === 'unknown') {
      this.unknown += 1;
      return;
    }
    check(!this.#executed.has(command), () => `${command} was said not to execute, and did`);
    this.#denied.add(command);
  }
}

/** A read sees everything that was acknowledged, or read by anyone, before it was asked (Q1). */
export class ReadChecker {
  #floor: Slot = 0;
  reads = 0;

  get floor(): Slot {
    return this.#floor;
  }

  onAcknowledged(slot: Slot): void {
    this.#floor = Math.max(this.#floor, slot);
  }

  onRead(replica: number, floor: Slot, slot: Slot): void {
    check(slot >= floor, () => `stale read at ${replica}: slot ${slot}, ${floor} was known before`);
    this.#floor = Math.max(this.#floor, slot);
    this.reads += 1;
  }
}
