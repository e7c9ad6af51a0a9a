import type { ReadId } from './input.ts';
import type { ReplicaId } from './membership.ts';
import type { Outbox } from './outbox.ts';
import type { Slot } from './slot.ts';

/**
 * The reads of this replica's own callers (Q1), on any replica: one request to the leader covers
 * all that waited when it was sent; then this replica's state machine has to get there.
 */
export class Reads {
  readonly #retryMs: number;
  #waiting: ReadId[] = [];
  #asked: { number: number; reads: ReadId[]; leader: ReplicaId; atMs: number } | undefined;
  #granted: { readonly target: Slot; readonly reads: readonly ReadId[] }[] = [];
  #number: number;

  /** `firstNumber` is random: an answer from before a restart must not fit a later request. */
  constructor(retryMs: number, firstNumber: number) {
    this.#retryMs = retryMs;
    this.#number = firstNumber;
  }

  add(read: ReadId): void {
    this.#waiting.push(read);
  }

  /** The number of the request to send to `leader` now, if one is due. */
  due(leader: ReplicaId, nowMs: number): number | undefined {
    const asked = this.#asked;
    if (asked !== undefined) {
      if (asked.leader === leader && nowMs - asked.atMs < this.#retryMs) return undefined;
      this.#askAgain();
    }
    if (this.#waiting.length === 0) return undefined;
    this.#number += 1;
    this.#asked = { number: this.#number, reads: this.#waiting, leader, atMs: nowMs };
    this.#waiting = [];
    return this.#number;
  }

  /** Undefined: refused. An answer to an earlier request is of no use: ours was sent later. */
  onAnswer(number: number, slot: Slot | undefined): void {
    if (this.#asked?.number !== number) return;
    if (slot === undefined) return this.#askAgain();
    this.#granted.push({ target: slot, reads: this.#asked.reads });
    this.#asked = undefined;
  }

  /** Tells the host which reads may be served from the state as it is now. */
  release(executedThrough: Slot, out: Outbox): void {
    if (this.#granted.length === 0) return;
    const ready = this.#granted.filter((g) => g.target <= executedThrough);
    if (ready.length === 0) return;
    this.#granted = this.#granted.filter((g) => g.target > executedThrough);
    for (const { reads } of ready) for (const read of reads) out.add({ kind: 'read-ready', read });
  }

  #askAgain(): void {
    this.#waiting = [...(this.#asked?.reads ?? []), ...this.#waiting];
    this.#asked = undefined;
  }
}
