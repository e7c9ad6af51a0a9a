import { ensures } from '@rsl/contracts';
import type { Executor } from './executor.ts';
import type { ReadId } from './input.ts';
import type { ReplicaId } from './membership.ts';
import type { ReadAnswer } from './messages.ts';
import type { Outbox } from './outbox.ts';
import type { LeaderView } from './protocol.ts';
import type { Proposer } from './proposer.ts';
import { Reads } from './reads.ts';
import type { Settings } from './settings.ts';
import type { Slot } from './slot.ts';

/** Linearizable reads (Q1, Q2): this replica's own, and those that others ask of it as leader. */
export class Reading {
  readonly #self: ReplicaId;
  readonly #proposer: Proposer;
  readonly #executor: Executor;
  readonly #reads: Reads;

  constructor(settings: Settings, proposer: Proposer, executor: Executor) {
    const { self, timings, random } = settings;
    this.#self = self;
    this.#proposer = proposer;
    this.#executor = executor;
    this.#reads = new Reads(timings.electionTimeoutMsMin, random.below(2 ** 47));
  }

  /** Nobody waits, here or with this leader. */
  get isIdle(): boolean {
    return this.#reads.isIdle && (this.#proposer.reads?.isIdle ?? true);
  }

  add(read: ReadId): void {
    this.#reads.add(read);
  }

  forget(read: ReadId): void {
    this.#reads.forget(read);
  }

  /** Whoever does not lead refuses; the asker asks again. */
  onRequest(from: ReplicaId, number: number, out: Outbox): void {
    const { reads } = this.#proposer;
    if (reads === undefined) this.#answer(from, number, undefined, out);
    else reads.ask({ from, number });
  }

  onAnswer({ number, slot }: ReadAnswer): void {
    this.#reads.onAnswer(number, slot);
  }

  /** Before it steps down: nothing that waits here will be answered. */
  refuseAll(out: Outbox): void {
    for (const { from, number } of this.#proposer.reads?.drain() ?? []) {
      this.#answer(from, number, undefined, out);
    }
  }

  /** Asks, answers and releases whatever can be, at the end of a step. */
  settle(leader: LeaderView | undefined, nowMs: number, out: Outbox): void {
    // What waited here for the answer to its last request is to be part of the next round.
    do this.#ask(leader, nowMs, out);
    while (this.#round(nowMs, out));
    this.#reads.release(this.#executor.executedThrough, out);
  }

  #ask(leader: LeaderView | undefined, nowMs: number, out: Outbox): void {
    const number = leader === undefined ? undefined : this.#reads.due(leader, nowMs);
    if (leader === undefined || number === undefined) return;
    if (leader.id === this.#self) this.onRequest(leader.id, number, out);
    else out.send(leader.id, { kind: 'read-request', number });
  }

  /**
   * Answers all by the lease while it lasts (Q2). Otherwise it begins a round if reads wait and
   * none runs. True if any were answered now.
   */
  #round(nowMs: number, out: Outbox): boolean {
    const { barrier, reads } = this.#proposer;
    const target = Math.max(this.#executor.releasedThrough, barrier);
    const hasRecovered = this.#executor.executedThrough >= barrier;
    if (hasRecovered && reads?.lease.isHeld(nowMs)) {
      const asked = reads.drain();
      for (const { from, number } of asked) this.#answer(from, number, target, out);
      return asked.length > 0;
    }
    if (reads?.begin(target)) this.#proposer.beat(nowMs, out);
    const round = reads?.confirmed();
    ensures(
      () => (round?.target ?? Infinity) >= barrier,
      'read-4 nobody reads before the barrier of the leader (Q1)',
      () => round !== undefined,
    );
    for (const { from, number } of round?.asked ?? []) {
      this.#answer(from, number, round?.target, out);
    }
    return round !== undefined;
  }

  #answer(to: ReplicaId, number: number, slot: Slot | undefined, out: Outbox): void {
    if (to === this.#self) this.#reads.onAnswer(number, slot);
    else out.send(to, { kind: 'read-answer', number, slot });
  }
}
