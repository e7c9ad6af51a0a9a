import type { Slot, SnapshotName } from '@rsl/core/protocol';
import type { Offer, Sources } from './sources.ts';

/** What is fetched, and for what. */
export interface Goal {
  /** The first slot that a snapshot has to cover. */
  readonly need: Slot;
  /** `state`: to go on from it. `store`: to have it. */
  readonly for: 'state' | 'store';
}

export interface WishParts {
  readonly giveUpMs: number;
  /** Handed to the state machine: what a snapshot has to go beyond. */
  readonly releasedThrough: () => Slot;
}

/** Which snapshot is wanted, and which one was begun: that one first, if it still serves. */
export class Wish {
  readonly #parts: WishParts;
  goal: Goal | undefined;
  /** A part of it may be here; `sinceMs`: when it was wanted or given last. */
  #begun: { readonly name: SnapshotName; readonly sinceMs: number | undefined } | undefined;

  constructor(parts: WishParts) {
    this.#parts = parts;
  }

  /** The log has what was missing, from somebody who was not asked before. */
  get isOver(): boolean {
    return this.goal?.for === 'state' && this.goal.need <= this.#parts.releasedThrough();
  }

  serves({ slot }: SnapshotName): boolean {
    if (this.goal === undefined || slot < this.goal.need) return false;
    return this.goal.for === 'store' || slot > this.#parts.releasedThrough();
  }

  /** What is there of it is gone on with when it is wanted again. */
  begun(name: SnapshotName, nowMs: number): void {
    this.#begun = { name, sinceMs: nowMs };
  }

  /** The same, from before the start. */
  found(name: SnapshotName): void {
    this.#begun ??= { name, sinceMs: undefined };
  }

  /** It is over with it, or it was lost. */
  forget(): void {
    this.#begun = undefined;
  }

  /** It is wanted anew: whoever has it gets the time again to say so. */
  renew(): void {
    if (this.#begun !== undefined) this.#begun = { ...this.#begun, sinceMs: undefined };
  }

  /** What was begun, from whoever has it; if nobody has had it for a while, the newest other. */
  choose(sources: Sources, nowMs: number): Offer | undefined {
    const begun = this.#begun;
    if (begun !== undefined && this.serves(begun.name)) {
      const { name } = begun;
      const same = sources.best(({ digest }) => digest === name.digest);
      if (same !== undefined) return same;
      const sinceMs = begun.sinceMs ?? nowMs;
      this.#begun = { name, sinceMs };
      if (nowMs - sinceMs < this.#parts.giveUpMs) return undefined;
    }
    return sources.best((meta) => this.serves(meta));
  }
}
