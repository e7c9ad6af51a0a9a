import { ensures, old } from '@rsl/contracts';
import type { ReadId } from './input.ts';
import { type Ballot, sameBallot, zeroBallot } from './ballot.ts';
import type { LeaderView } from './protocol.ts';
import type { Outbox } from './outbox.ts';
import type { Slot } from './slot.ts';

/**
 * The reads of this replica's own callers (Q1), on any replica: one request to the leader covers
 * all that waited when it was sent; then this replica's state machine has to get there.
 */
export class Reads {
  readonly #retryMs: number;
  #waiting: ReadId[] = [];
  #asked: { number: number; reads: ReadId[]; atMs: number } | undefined;
  /** The leader of all that was asked and granted. */
  #ballot: Ballot = zeroBallot;
  #granted: { readonly target: Slot; readonly reads: readonly ReadId[] }[] = [];
  #number: number;

  /** `firstNumber` is random: an answer from before a restart must not fit a later request. */
  constructor(retryMs: number, firstNumber: number) {
    this.#retryMs = retryMs;
    this.#number = firstNumber;
  }

  get isIdle(): boolean {
    return this.#open().length === 0 && this.#asked === undefined;
  }

  add(read: ReadId): void {
    this.#waiting.push(read);
  }

  /** Nobody waits for it any more. */
  forget(read: ReadId): void {
    const others = (each: ReadId): boolean => each !== read;
    this.#waiting = this.#waiting.filter(others);
    if (this.#asked !== undefined) this.#asked.reads = this.#asked.reads.filter(others);
    this.#granted = this.#granted.map(({ target, reads }) => ({
      target,
      reads: reads.filter(others),
    }));
  }

  /** The number of the request to send to `leader` now, if one is due. */
  due({ ballot }: LeaderView, nowMs: number): number | undefined {
    if (!sameBallot(ballot, this.#ballot)) this.#onLeader(ballot);
    if (this.#asked !== undefined) {
      if (nowMs - this.#asked.atMs < this.#retryMs) return undefined;
      this.#askAgain();
    }
    if (this.#waiting.length === 0) return undefined;
    this.#number += 1;
    const open = old(() => this.#open());
    this.#asked = { number: this.#number, reads: this.#waiting, atMs: nowMs };
    this.#waiting = [];
    ensures(() => sameReads(open, this.#open()), 'ask-1 no read is lost or doubled by asking');
    return this.#number;
  }

  /** Undefined: refused. An answer to an earlier request is of no use: ours was sent later. */
  onAnswer(number: number, slot: Slot | undefined): void {
    if (this.#asked?.number !== number) return;
    if (slot === undefined) return this.#askAgain();
    const open = old(() => this.#open());
    this.#granted.push({ target: slot, reads: this.#asked.reads });
    this.#asked = undefined;
    ensures(() => sameReads(open, this.#open()), 'ask-2 no read is lost or doubled by an answer');
  }

  /** Tells the host which reads may be served from the state as it is now. */
  release(executedThrough: Slot, out: Outbox): void {
    if (this.#granted.length === 0) return;
    const ready = this.#granted.filter((g) => g.target <= executedThrough);
    if (ready.length === 0) return;
    this.#granted = this.#granted.filter((g) => g.target > executedThrough);
    for (const { reads } of ready) for (const read of reads) out.add({ kind: 'read-ready', read });
    ensures(
      () => ready.every(({ target }) => target <= executedThrough),
      'ask-3 a read is served once the slot that its leader named is executed (Q1)',
    );
  }

  /** A slot that an earlier leader named may never be filled: the new one is asked anew. */
  #onLeader(ballot: Ballot): void {
    const open = old(() => this.#open());
    this.#ballot = ballot;
    this.#askAgain();
    this.#waiting = [...this.#granted.flatMap(({ reads }) => reads), ...this.#waiting];
    this.#granted = [];
    ensures(
      () => this.#asked === undefined && sameReads(open, this.#waiting),
      'ask-4 whatever an earlier leader granted is asked of the new one (Q1)',
    );
  }

  /** Everybody who waits, in whatever state. */
  #open(): readonly ReadId[] {
    const granted = this.#granted.flatMap(({ reads }) => reads);
    return [...granted, ...(this.#asked?.reads ?? []), ...this.#waiting];
  }

  #askAgain(): void {
    this.#waiting = [...(this.#asked?.reads ?? []), ...this.#waiting];
    this.#asked = undefined;
  }
}

function sameReads(a: readonly ReadId[], b: readonly ReadId[]): boolean {
  const rest = new Set(b);
  return a.length === b.length && a.every((read) => rest.delete(read));
}
