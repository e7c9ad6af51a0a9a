import type { Effect, ReplicaId } from '@rsl/core/protocol';
import { type Order, snapshotChannel, type Word } from '../words.ts';

/** Collects the effects of one step, in order. */
export class LayerOutbox {
  #effects: Effect[] = [];
  /** Those of the protocol below, which are most often all: handed on as they are. */
  #handed: readonly Effect[] | undefined;

  /** To another replica. */
  say(to: ReplicaId, message: Word): void {
    this.add({ kind: 'layer-send', channel: snapshotChannel, to, message });
  }

  /** To the half beside the state machine. */
  order(order: Order): void {
    this.add({ kind: 'layer-order', channel: snapshotChannel, order });
  }

  add(effect: Effect): void {
    this.#unfold();
    this.#effects.push(effect);
  }

  /** All effects of a step of the protocol below. */
  hand(effects: readonly Effect[]): void {
    if (this.#effects.length === 0 && this.#handed === undefined) {
      this.#handed = effects;
      return;
    }
    this.#unfold();
    for (const effect of effects) this.#effects.push(effect);
  }

  /** The effects so far; the next step begins with none. */
  take(): readonly Effect[] {
    const effects = this.#handed ?? this.#effects;
    if (this.#handed === undefined) this.#effects = [];
    this.#handed = undefined;
    return effects;
  }

  #unfold(): void {
    if (this.#handed === undefined) return;
    this.#effects = [...this.#handed];
    this.#handed = undefined;
  }
}
