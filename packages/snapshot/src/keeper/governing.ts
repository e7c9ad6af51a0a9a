import { requires } from '@rsl/contracts';
import { kindOf, type Membership, type Slot, type Value } from '@rsl/core/protocol';

/** That it governs the slots from this one on, until another does. */
interface Word {
  readonly from: Slot;
  readonly membership: Membership;
}

/**
 * Which membership governs the slot after the last one that was executed: the one that belongs into
 * a snapshot of it (R8). What is said of it names a slot, for on its way from the engine it may
 * come before slots that were released earlier, or after its own.
 */
export class Governing {
  #slot: Slot = 0;
  #loaded: Slot = 0;
  #membership: Membership | undefined;
  /** Of slots to come, in their order. */
  #coming: Word[] = [];

  /** Undefined: not known, or not known yet. */
  get membership(): Membership | undefined {
    return this.#membership;
  }

  said(word: Word): void {
    requires(
      () => word.from >= (this.#coming.at(-1)?.from ?? 0),
      'governing-1 what governs is said in the order of the slots (R8)',
    );
    // It is of slots that are in the snapshot.
    if (word.from <= this.#loaded) return;
    this.#coming.push(word);
    this.#take();
  }

  executed(slot: Slot, value: Value): void {
    this.#slot = slot;
    // What governs the slot behind a stop is said of that slot.
    if (kindOf(value) === 'stop') this.#membership = undefined;
    this.#take();
  }

  /** The state is that of a snapshot of `slot`, which has `membership` in it; a backup has none. */
  loaded(slot: Slot, membership: Membership | undefined): void {
    this.#slot = slot;
    this.#loaded = slot;
    this.#coming = this.#coming.filter(({ from }) => from > slot + 1);
    this.#membership = membership;
  }

  #take(): void {
    while (this.#coming.length > 0) {
      const { from, membership } = this.#coming[0] as Word;
      if (from > this.#slot + 1) return;
      this.#coming.shift();
      this.#membership = membership;
    }
  }
}
