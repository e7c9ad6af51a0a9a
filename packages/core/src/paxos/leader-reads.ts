import { ensures, old, requires } from '@rsl/contracts';
import { Lease, type LeaseTerms } from './lease.ts';
import type { ReplicaId } from './membership.ts';
import type { Quorum } from './quorum.ts';
import type { Slot } from './slot.ts';

export interface ReadAsked {
  readonly from: ReplicaId;
  readonly number: number;
}

/** Answers to heartbeats before the last so many prove nothing any more. */
const roundsKept = 1_024;

interface Round {
  readonly number: number;
  readonly asked: readonly ReadAsked[];
  /** Whoever has executed through here may read. */
  readonly target: Slot;
}

/**
 * Linearizable reads without a slot (Q1), for the leader of one ballot. A numbered round, "have
 * you promised nothing above b", covers the reads that came before its first frame left.
 */
export class LeaderReads {
  readonly lease: Lease;
  readonly #self: ReplicaId;
  readonly #quorum: Quorum;
  readonly #rounds = new Map<ReplicaId, number>();
  /** When the newest heartbeat that a member has answered was sent. */
  readonly #heardAtMs = new Map<ReplicaId, number>();
  readonly #sentAtMs = new Map<number, number>();
  #round = 0;
  #waiting: ReadAsked[] = [];
  #running: Round | undefined;

  constructor(self: ReplicaId, quorum: Quorum, nowMs: number, terms?: LeaseTerms) {
    this.#self = self;
    this.#quorum = quorum;
    this.lease = new Lease(self, quorum, terms);
    for (const voter of quorum.voters) this.#heardAtMs.set(voter, nowMs);
  }

  /** The number of the last heartbeat. */
  get round(): number {
    return this.#round;
  }

  /** The number that the heartbeat which leaves now carries. */
  nextRound(nowMs: number): number {
    this.#round += 1;
    this.#sentAtMs.set(this.#round, nowMs);
    this.#sentAtMs.delete(this.#round - roundsKept);
    return this.#round;
  }

  /** Nobody waits. */
  get isIdle(): boolean {
    return this.#running === undefined && this.#waiting.length === 0;
  }

  /**
   * Nobody was asked for a while, and so nobody was silent: a quorum is there until it fails to
   * answer. No lease is longer for it: what was granted counts from when it was asked for (Q2).
   */
  onWoken(nowMs: number): void {
    const wasHeld = old(() => this.lease.isHeld(nowMs));
    for (const voter of this.#quorum.voters) this.#heardAtMs.set(voter, nowMs);
    ensures(
      () => this.quorumHeardAtMs() >= nowMs,
      'woken-1 a leader that wakes gives its members an election time-out to answer (L2)',
    );
    ensures(() => this.lease.isHeld(nowMs) === wasHeld, 'woken-2 waking renews no lease (Q2)');
  }

  ask(read: ReadAsked): void {
    this.#waiting.push(read);
  }

  /**
   * Begins a round for all that wait, unless one runs. The caller sends a heartbeat at once.
   * `target` is at least everything decided so far, and the leader's barrier.
   */
  begin(target: Slot): boolean {
    if (this.#running !== undefined || this.#waiting.length === 0) return false;
    const waited = old(() => this.#waiting);
    this.#running = { number: this.#round + 1, asked: this.#waiting, target };
    this.#waiting = [];
    const { number } = this.#running;
    ensures(
      () => number > this.#round,
      'read-2 a round begins with a heartbeat still to leave (Q1)',
    );
    ensures(
      () => this.#waiting.length === 0 && this.#running?.asked === waited,
      'read-5 a round covers all that waited; what comes later waits for the next (Q1)',
    );
    return true;
  }

  /** An answer proves nothing later than the heartbeat that it answers, however late it comes. */
  onAnswer(from: ReplicaId, round: number): void {
    requires(() => round <= this.#round, 'read-1 nobody answers a round that was not asked (Q1)');
    requires(
      () => from !== this.#self,
      'read-6 its own answer is counted without being asked (P5)',
    );
    const before = old(() => this.#rounds.get(from) ?? 0);
    const sentAtMs = this.#sentAtMs.get(round) ?? -Infinity;
    this.#heardAtMs.set(from, Math.max(this.#heardAtMs.get(from) ?? -Infinity, sentAtMs));
    this.#rounds.set(from, Math.max(this.#rounds.get(from) ?? 0, round));
    ensures(
      () => (this.#rounds.get(from) ?? -1) >= before,
      'read-7 a late answer takes no earlier one back (Q1)',
    );
  }

  /** As an answer, a grant counts from when its heartbeat left, however late it comes (Q2). */
  onGrant(from: ReplicaId, round: number): void {
    requires(() => round <= this.#round, 'lease-1 nobody grants what was not asked for (Q2)');
    this.lease.onGrant(from, this.#sentAtMs.get(round) ?? -Infinity);
  }

  /** The round that a quorum has answered, if there is one now; it is over then. */
  confirmed(): { readonly asked: readonly ReadAsked[]; readonly target: Slot } | undefined {
    const running = this.#running;
    if (running === undefined) return undefined;
    const answered = (m: ReplicaId): number =>
      m === this.#self ? this.#round : (this.#rounds.get(m) ?? -1);
    if (this.#quorum.reached(answered) < running.number) return undefined;
    ensures(
      () => this.#countAnswered(running.number) >= this.#quorum.size,
      'read-3 a quorum has answered this round or a later one, each member once (Q1)',
    );
    this.#running = undefined;
    return running;
  }

  #countAnswered(round: number): number {
    const others = this.#quorum.voters.filter((m) => m !== this.#self);
    const own = this.#quorum.voters.length - others.length;
    return own + others.filter((m) => (this.#rounds.get(m) ?? -1) >= round).length;
  }

  /** When the newest heartbeat that this member has answered was sent. */
  heardAtMs(id: ReplicaId): number {
    return this.#heardAtMs.get(id) ?? -Infinity;
  }

  /** When a quorum was last heard, this leader included (L2). Infinity if it needs nobody. */
  quorumHeardAtMs(): number {
    const heard = (m: ReplicaId): number => (m === this.#self ? Infinity : this.heardAtMs(m));
    return this.#quorum.reached(heard);
  }

  /** Everything that is not answered: a lease answers it, or whoever steps down refuses it. */
  drain(): readonly ReadAsked[] {
    const open = [...(this.#running?.asked ?? []), ...this.#waiting];
    this.#running = undefined;
    this.#waiting = [];
    return open;
  }
}
