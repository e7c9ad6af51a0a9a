import {
  AbortedError,
  ClosedError,
  NotLeaderError,
  OverloadedError,
  type RslError,
} from '../errors.ts';
import type { Limits } from '../limits.ts';
import type { ReadId } from '../paxos/input.ts';
import type { Slot } from '../paxos/slot.ts';

interface Waiter {
  readonly deadlineMs: number;
  readonly resolve: (slot: Slot) => void;
  readonly reject: (error: RslError) => void;
  settled: boolean;
  /** Lets go of the caller's signal. */
  settle: () => void;
}

/** Callers that wait to read. All that came in one turn are one read of the protocol. */
export class Barriers {
  readonly #limits: Limits;
  #next: Waiter[] = [];
  readonly #asked = new Map<ReadId, Waiter[]>();
  #read: ReadId = 0;
  #count = 0;
  #nextDeadlineMs = Infinity;

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  get waiting(): number {
    return this.#count;
  }

  add(deadlineMs: number, signal: AbortSignal | undefined): Promise<Slot> {
    const { pendingReadsMax } = this.#limits;
    if (this.#count >= pendingReadsMax) {
      const why = `${pendingReadsMax} reads wait (pendingReadsMax); slow down and try again`;
      return Promise.reject(new OverloadedError('pendingReadsMax', why));
    }
    if (signal?.aborted) return Promise.reject(new AbortedError(signal.reason));
    return new Promise((resolve, reject) => {
      const waiter: Waiter = { deadlineMs, resolve, reject, settled: false, settle: () => {} };
      this.#next.push(waiter);
      this.#count += 1;
      this.#nextDeadlineMs = Math.min(this.#nextDeadlineMs, deadlineMs);
      if (signal === undefined) return;
      const onAbort = (): void => this.#fail(waiter, new AbortedError(signal.reason));
      signal.addEventListener('abort', onAbort, { once: true });
      waiter.settle = () => signal.removeEventListener('abort', onAbort);
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
    for (const waiter of waiters) {
      if (waiter.settled) continue;
      this.#settle(waiter);
      waiter.resolve(slot);
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
      } else {
        const why = 'no leader with a quorum answered before the deadline; try again';
        this.#fail(waiter, new NotLeaderError(why));
      }
    }
  }

  closeAll(cause: RslError | undefined): void {
    const why = cause === undefined ? 'was closed' : `stopped: ${cause.message}`;
    for (const waiter of this.#all()) this.#fail(waiter, new ClosedError(`the replica ${why}`));
    this.#asked.clear();
    this.#next = [];
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
  }

  *#all(): Iterable<Waiter> {
    for (const waiters of this.#asked.values()) yield* waiters;
    yield* this.#next;
  }
}
