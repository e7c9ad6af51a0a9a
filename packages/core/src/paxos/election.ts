import { ensures, requires } from '@rsl/contracts';
import type { Timings } from '../limits.ts';
import type { ReplicaId } from './membership.ts';
import type { Quorum } from './quorum.ts';
import type { Random } from '../ports/random.ts';

export interface ElectionOptions {
  readonly quorum: Quorum;
  readonly random: Random;
  readonly timings: Pick<Timings, 'electionTimeoutMsMin' | 'candidateTimeoutMsMin'>;
  readonly nowMs: number;
}

/** The wait for promises at most 2^5 times as long as at first. */
const failuresMax = 6;

/** When to stand, whom to ask first, and when to say no (L1, L5). */
export class Election {
  readonly #options: ElectionOptions;
  readonly #grants = new Set<ReplicaId>();
  #standAtMs: number;
  /** Times that it stood in vain since it last heard a leader, up to a bound (L6). */
  #failures = 0;
  #leaderHeardAtMs = -Infinity;

  constructor(options: ElectionOptions) {
    this.#options = options;
    this.#standAtMs = options.nowMs + this.#draw(options.timings.electionTimeoutMsMin);
  }

  /** A leader was heard; giving a 1b counts too, or an old leader would stand against its heir. */
  onLeaderHeard(nowMs: number): void {
    requires(() => nowMs >= this.#leaderHeardAtMs, 'elect-4 time never goes back (L5)');
    this.#leaderHeardAtMs = nowMs;
    this.#failures = 0;
    const { electionTimeoutMsMin } = this.#options.timings;
    this.#standAtMs = nowMs + this.#draw(electionTimeoutMsMin);
    ensures(() => !this.wouldGrant(nowMs), 'elect-1 whoever heard a leader deposes nobody (L1)');
    ensures(
      () => this.#standAtMs >= nowMs + electionTimeoutMsMin,
      'elect-2 nobody stands within the time-out of a leader it heard (L1)',
    );
  }

  /** It stopped leading, or lost: give the others their time first. */
  onSteppedDown(nowMs: number): void {
    this.#standAtMs = nowMs + this.#draw(this.#options.timings.electionTimeoutMsMin);
  }

  /** Refused by a higher ballot: try above it soon, unless somebody else leads by then. */
  onNack(nowMs: number): void {
    this.#standAtMs = nowMs + 10 + this.#options.random.below(40);
    ensures(() => !this.isDue(nowMs), 'elect-7 nobody stands again at once (L6)');
  }

  isDue(nowMs: number): boolean {
    return nowMs >= this.#standAtMs;
  }

  /** Asks, before it stands, whether the others would have it (pre-vote). */
  ask(self: ReplicaId, nowMs: number): void {
    this.#grants.clear();
    this.#grants.add(self);
    this.#standAtMs = nowMs + this.#draw(this.#options.timings.candidateTimeoutMsMin);
    ensures(
      () => this.#grants.size === 1 && this.#grants.has(self),
      'elect-5 each question begins with its own yes and no other (L1)',
    );
    ensures(() => !this.isDue(nowMs), 'elect-6 between two questions there is time (L6)');
  }

  /** It stands. Slow disks need longer than a time-out: it waits longer each time. */
  onStood(nowMs: number): void {
    this.#failures = Math.min(failuresMax, this.#failures + 1);
    this.onPromised(nowMs);
    const waitMsMax = 2 ** failuresMax * this.#options.timings.electionTimeoutMsMin;
    ensures(
      () => this.#standAtMs - nowMs <= waitMsMax,
      'elect-3 the wait between two attempts is bounded (L6)',
    );
  }

  /** A promise, or a part of one, has come: wait for the others. */
  onPromised(nowMs: number): void {
    const factor = 2 ** Math.max(0, this.#failures - 1);
    this.#standAtMs = nowMs + factor * this.#draw(this.#options.timings.electionTimeoutMsMin);
  }

  /** It leads. */
  onLed(): void {
    this.#failures = 0;
  }

  onYouMay(from: ReplicaId): void {
    this.#grants.add(from);
  }

  /** A quorum would have it. */
  isGranted(): boolean {
    return this.#options.quorum.includes(this.#grants);
  }

  /** Would this replica have another leader? Not while it has just heard one (L1). */
  wouldGrant(nowMs: number): boolean {
    return nowMs - this.#leaderHeardAtMs >= this.#options.timings.electionTimeoutMsMin;
  }

  #draw(msMin: number): number {
    return msMin + this.#options.random.below(Math.max(1, Math.floor(msMin)));
  }
}
