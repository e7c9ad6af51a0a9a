import {
  AbortedError,
  ClosedError,
  NotLeaderError,
  OverloadedError,
  type RslError,
  SlotNotReachedError,
} from '../errors.ts';
import type { Limits } from '../limits.ts';
import type { ReadId } from '../paxos/input.ts';
import type { Slot } from '../paxos/slot.ts';

interface Waiter {
  readonly deadlineMs: number;
  /** The slot that it waits for (Q3); undefined: for a read of the protocol (Q1). */
  readonly atLeast: Slot | undefined;
  readonly resolve: (slot: Slot) => void;
  readonly reject: (error: RslError) => void;
  settled: boolean;
  /** Lets go of the caller's signal. */
  settle: () => void;
}

/**
 * Callers that wait to read: for the protocol to say so (Q1), where all that came in one turn are
 * one read; or for a slot to be executed (Q3), which is nobody's business but this replica's.
 */
export class Barriers {
  readonly #limits: Limits;
  #next: Waiter[] = [];
  readonly #asked = new Map<ReadId, Waiter[]>();
  readonly #bySlot = new Map<Slot, Set<Waiter>>();
  #read: ReadId = 0;
  #count = 0;
  #nextDeadlineMs = Infinity;

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  get waiting(): number {
    return this.#count;
  }

  /** Slots that somebody waits for. */
  get slots(): number {
    return this.#bySlot.size;
  }

  /** Waits for the protocol (Q1). */
  add(deadlineMs: number, signal: AbortSignal | undefined): Promise<Slot> {
    return this.#wait(undefined, deadlineMs, signal, (waiter) => this.#next.push(waiter));
  }

  /** Waits for a slot that is not executed yet (Q3). */
  addAtLeast(slot: Slot, deadlineMs: number, signal: AbortSignal | undefined): Promise<Slot> {
    return this.#wait(slot, deadlineMs, signal, (waiter) => {
      const waiters = this.#bySlot.get(slot) ?? new Set();
      this.#bySlot.set(slot, waiters.add(waiter));
    });
  }

  /** The read to ask for now, if anybody came since the last call. */
  take(): ReadId | undefined {
    if (this.#next.length === 0) return undefined;
    this.#read += 1;
    this.#asked.set(this.#read, this.#next);
    this.#next = [];
    return this.#read;
  }

  ready(read: ReadId, slot: Slot): void {
    const waiters = this.#asked.get(read) ?? [];
    this.#asked.delete(read);
    for (const waiter of waiters) this.#resolve(waiter, slot);
  }

  /** The state machine has executed this slot; called for each, in order (P7). */
  executed(slot: Slot): void {
    for (const waiter of this.#bySlot.get(slot) ?? []) this.#resolve(waiter, slot);
  }

  /** The state is the one after this slot, whichever were executed here. */
  passed(slot: Slot): void {
    for (const [each, waiters] of this.#bySlot) {
      if (each <= slot) for (const waiter of waiters) this.#resolve(waiter, slot);
    }
  }

  /** Gives the reads that nobody waits for any more. */
  expire(nowMs: number): readonly ReadId[] {
    const forgotten: ReadId[] = [];
    for (const [read, waiters] of this.#asked) {
      if (!waiters.every(({ settled }) => settled)) continue;
      this.#asked.delete(read);
      forgotten.push(read);
    }
    this.#expireWaiters(nowMs);
    return forgotten;
  }

  #expireWaiters(nowMs: number): void {
    if (nowMs < this.#nextDeadlineMs) return;
    this.#nextDeadlineMs = Infinity;
    for (const waiter of this.#all()) {
      if (waiter.settled) continue;
      if (waiter.deadlineMs > nowMs) {
        this.#nextDeadlineMs = Math.min(this.#nextDeadlineMs, waiter.deadlineMs);
      } else this.#fail(waiter, tooLate(waiter));
    }
  }

  closeAll(cause: RslError | undefined): void {
    const why = cause === undefined ? 'was closed' : `stopped: ${cause.message}`;
    for (const waiter of this.#all()) this.#fail(waiter, new ClosedError(`the replica ${why}`));
    this.#asked.clear();
    this.#next = [];
  }

  #wait(
    atLeast: Slot | undefined,
    deadlineMs: number,
    signal: AbortSignal | undefined,
    join: (waiter: Waiter) => void,
  ): Promise<Slot> {
    const { pendingReadsMax } = this.#limits;
    if (this.#count >= pendingReadsMax) {
      const why = `${pendingReadsMax} reads wait (pendingReadsMax); slow down and try again`;
      return Promise.reject(new OverloadedError('pendingReadsMax', why));
    }
    if (signal?.aborted) return Promise.reject(new AbortedError(signal.reason));
    return new Promise((resolve, reject) => {
      const settle = (): void => {};
      const waiter: Waiter = { deadlineMs, atLeast, resolve, reject, settled: false, settle };
      join(waiter);
      this.#count += 1;
      this.#nextDeadlineMs = Math.min(this.#nextDeadlineMs, deadlineMs);
      if (signal === undefined) return;
      const onAbort = (): void => this.#fail(waiter, new AbortedError(signal.reason));
      signal.addEventListener('abort', onAbort, { once: true });
      waiter.settle = () => signal.removeEventListener('abort', onAbort);
    });
  }

  #resolve(waiter: Waiter, slot: Slot): void {
    if (waiter.settled) return;
    this.#settle(waiter);
    waiter.resolve(slot);
  }

  #fail(waiter: Waiter, error: RslError): void {
    if (waiter.settled) return;
    this.#settle(waiter);
    waiter.reject(error);
  }

  #settle(waiter: Waiter): void {
    waiter.settled = true;
    waiter.settle();
    this.#count -= 1;
    if (waiter.atLeast !== undefined) this.#leave(waiter.atLeast, waiter);
  }

  /** Whoever gives up leaves nothing behind: its slot may be far away. */
  #leave(slot: Slot, waiter: Waiter): void {
    const waiters = this.#bySlot.get(slot);
    waiters?.delete(waiter);
    if (waiters?.size === 0) this.#bySlot.delete(slot);
  }

  *#all(): Iterable<Waiter> {
    for (const waiters of this.#asked.values()) yield* waiters;
    for (const waiters of this.#bySlot.values()) yield* waiters;
    yield* this.#next;
  }
}

function tooLate({ atLeast }: Waiter): RslError {
  if (atLeast !== undefined) return new SlotNotReachedError(atLeast);
  const why = 'no leader with a quorum answered before the deadline; try again';
  return new NotLeaderError(why);
}
