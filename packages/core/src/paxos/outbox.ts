import type { Effect, Send } from './effect.ts';
import type { LogRecord } from './log-record.ts';
import type { ReplicaId } from './membership.ts';
import type { DurableMessage, VolatileMessage } from './messages.ts';

/** Collects the effects of one step, in order. */
export class Outbox {
  #effects: Effect[] = [];

  add(effect: Effect): void {
    this.#effects.push(effect);
  }

  send(to: ReplicaId, message: VolatileMessage): void {
    this.#effects.push({ kind: 'send', to, message });
  }

  persist(records: readonly LogRecord[], then: readonly Send<DurableMessage>[] = []): void {
    this.#effects.push({ kind: 'persist', records, then });
  }

  /** How many effects there are so far: a mark for `since`. */
  get length(): number {
    return this.#effects.length;
  }

  /** The effects that came after the mark. */
  since(mark: number): readonly Effect[] {
    return this.#effects.slice(mark);
  }

  /** The effects so far; the next step begins with none. */
  take(): readonly Effect[] {
    const effects = this.#effects;
    this.#effects = [];
    return effects;
  }
}
