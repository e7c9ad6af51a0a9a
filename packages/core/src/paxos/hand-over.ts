import { ensures } from '@rsl/contracts';
import type { ReplicaId } from './membership.ts';
import type { Outbox } from './outbox.ts';
import type { Proposer } from './proposer.ts';

const pauseMsMax = 60_000;

/**
 * A leader whose own log is stalled, or full, gives its place to a member that is better off (L3,
 * S5); if there is none it stays. It goes on leading until it hears from its heir, so that nothing
 * is lost if that one does not come; but it does not stand against it.
 */
export class HandOver {
  readonly #proposer: Proposer;
  readonly #stallMs: number;
  /** How long it waits before it offers its place again, doubled each time. */
  #pauseMs: number;
  #offeredAtMs = -Infinity;

  constructor(proposer: Proposer, stallMs: number) {
    this.#proposer = proposer;
    this.#stallMs = stallMs;
    this.#pauseMs = stallMs;
  }

  /** True while an heir may be on its way: whoever stood above is left in peace. */
  isOffered(nowMs: number): boolean {
    return nowMs - this.#offeredAtMs < this.#pauseMs;
  }

  /** For a leader, now and then. */
  onTick(full: boolean, nowMs: number, out: Outbox): void {
    const isStalled = this.#proposer.ownOutstandingMs(nowMs) > this.#stallMs;
    if ((!isStalled && !full) || this.isOffered(nowMs)) return;
    const heir = this.#heir(nowMs);
    if (heir === undefined) return;
    if (this.#offeredAtMs > -Infinity) this.#pauseMs = Math.min(pauseMsMax, 2 * this.#pauseMs);
    this.#offeredAtMs = nowMs;
    // From here on the heir, and whoever it tells, owes this ballot's lease nothing (L4).
    this.#proposer.reads?.lease.giveUp();
    out.send(heir, { kind: 'stand-now', ballot: this.#proposer.ballot });
    ensures(() => this.isOffered(nowMs), 'hand-over-1 one offer at a time, ever more rarely (L6)');
  }

  /** Whoever is quickest: it has room, answers, and its log keeps up. */
  #heir(nowMs: number): ReplicaId | undefined {
    const fit = this.#proposer
      .successors(nowMs)
      .map((progress) => ({ progress, ms: progress.outstandingMs(nowMs) }))
      .filter(({ progress, ms }) => !progress.full && ms < this.#stallMs / 2);
    fit.sort((a, b) => a.ms - b.ms || b.progress.through - a.progress.through);
    return fit[0]?.progress.id;
  }
}
