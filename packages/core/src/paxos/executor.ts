import { ensures, old, requires } from '@rsl/contracts';
import type { Membership } from './membership.ts';
import type { Outbox } from './outbox.ts';
import type { Slot } from './slot.ts';
import { kindOf, type Value } from './value.ts';

/** Slot order, each slot once (P7), and nothing past a stop (R9). */
export class Executor {
  readonly #membership: Membership;
  #releasedThrough: Slot;
  #executedThrough: Slot;
  #stoppedAt: Slot | undefined;

  constructor(membership: Membership, executedThrough: Slot) {
    this.#membership = membership;
    this.#releasedThrough = executedThrough;
    this.#executedThrough = executedThrough;
  }

  /** Handed to the state machine. */
  get releasedThrough(): Slot {
    return this.#releasedThrough;
  }

  /** Reported back by the state machine. */
  get executedThrough(): Slot {
    return this.#executedThrough;
  }

  /** The slot of this configuration's stop, once it is released. */
  get stoppedAt(): Slot | undefined {
    return this.#stoppedAt;
  }

  /** Releases the next slot. The caller knows that `value` is decided there. */
  release(slot: Slot, value: Value, out: Outbox): void {
    requires(
      () => slot === this.#releasedThrough + 1,
      'execute-1 slots are released in their order (P7)',
    );
    requires(() => this.#stoppedAt === undefined, 'execute-2 nothing is released past a stop (R9)');
    this.#releasedThrough = slot;
    out.add({ kind: 'execute', slot, value, membership: this.#membership });
    if (kindOf(value) === 'stop' && slot >= this.#membership.firstSlot) {
      this.#stoppedAt = slot;
      out.add({ kind: 'stopped', slot });
    }
  }

  onExecuted(through: Slot): void {
    requires(
      () => through <= this.#releasedThrough,
      'execute-3 only what was released is executed (P7)',
    );
    const before = old(() => this.#executedThrough);
    this.#executedThrough = Math.max(this.#executedThrough, through);
    ensures(
      () => this.#executedThrough >= before,
      'execute-4 what is executed stays executed (P7)',
    );
  }

  /** The state machine was restored to exactly `slot`. */
  onInstalled(slot: Slot): void {
    if (slot <= this.#releasedThrough) return;
    const before = old(() => this.#executedThrough);
    this.#releasedThrough = slot;
    this.#executedThrough = slot;
    ensures(
      () => this.#executedThrough > before,
      'install-3 a snapshot takes the state machine forward only (P7)',
    );
  }
}
