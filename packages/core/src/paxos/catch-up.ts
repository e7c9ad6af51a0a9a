import { ensures, old } from '@rsl/contracts';
import type { ReplicaId } from './membership.ts';
import type { LearnReply } from './messages.ts';
import type { Slot } from './slot.ts';

/** Asks one replica after the other for what this one missed, one request at a time. */
export class CatchUp {
  readonly #retryMs: number;
  #asked: { readonly of: ReplicaId; readonly fromSlot: Slot; readonly atMs: number } | undefined;
  #turn = 0;
  #missing: { readonly slot: Slot; readonly sinceMs: number } | undefined;
  /** The last source that gave something: it probably has more. */
  #good: ReplicaId | undefined;

  constructor(retryMs: number) {
    this.#retryMs = retryMs;
  }

  /**
   * Whom to ask for slot `need` now. A 2a that overtakes another leaves a gap for a moment: only
   * what has been missing for `patienceMs` is asked for.
   */
  due(
    need: Slot,
    sources: readonly ReplicaId[],
    patienceMs: number,
    nowMs: number,
  ): ReplicaId | undefined {
    if (sources.length === 0) return undefined;
    if (this.#missing?.slot !== need) this.#missing = { slot: need, sinceMs: nowMs };
    if (this.#asked === undefined) {
      if (nowMs - this.#missing.sinceMs < patienceMs) return undefined;
    } else {
      if (nowMs - this.#asked.atMs < this.#retryMs) return undefined;
      this.#good = undefined;
    }
    const next = this.#good ?? sources[this.#turn % sources.length];
    if (next === undefined) return undefined;
    if (this.#good === undefined) this.#turn += 1;
    const before = old(() => this.#asked);
    this.#asked = { of: next, fromSlot: need, atMs: nowMs };
    ensures(
      () => before === undefined || nowMs - before.atMs >= this.#retryMs,
      'catch-2 one request at a time, until its answer is overdue (L6)',
    );
    ensures(() => sources.includes(next), 'catch-1 only members are asked for what is missing');
    return next;
  }

  /** True if this reply answers the open request: the next one may leave at once. */
  onReply(from: ReplicaId, reply: LearnReply): boolean {
    if (this.#asked?.of !== from || this.#asked.fromSlot !== reply.fromSlot) return false;
    this.#asked = undefined;
    this.#good = reply.values.length > 0 ? from : undefined;
    return reply.values.length > 0;
  }
}
