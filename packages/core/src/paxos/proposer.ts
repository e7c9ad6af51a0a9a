import { ensures, ensuresAll, old, requires } from '@rsl/contracts';
import type { Acceptor } from './acceptor.ts';
import type { Adoption } from './adoption.ts';
import { type Ballot, compareBallots, sameBallot, zeroBallot } from './ballot.ts';
import { Candidacy } from './candidacy.ts';
import { leadClauses, type LeadStep } from './contracts/lead.ts';
import { Followers, type Lead } from './followers.ts';
import { LeaderReads } from './leader-reads.ts';
import type { Learner } from './learner.ts';
import type { Membership, ReplicaId } from './membership.ts';
import type { Grant, Heartbeat, HeartbeatAnswer, Phase1b, Phase2b } from './messages.ts';
import type { Outbox } from './outbox.ts';
import type { Progress } from './progress.ts';
import type { Quorum } from './quorum.ts';
import type { Settings } from './settings.ts';
import type { Slot } from './slot.ts';
import { kindOf, sameValue, type Value } from './value.ts';

export interface ProposerOptions {
  readonly settings: Settings;
  readonly membership: Membership;
  readonly quorum: Quorum;
  readonly acceptor: Acceptor;
  readonly learner: Learner;
}

/** Phase 1, phase 2, and which value for which slot (Paxos Made Simple, 2.2 and 3; P4, P5, P8). */
export class Proposer implements Lead {
  readonly #options: ProposerOptions;
  readonly #others: readonly ReplicaId[];
  readonly #followers: Followers;
  /** Proposed in this ballot and not yet decided, in slot order. */
  readonly #proposed = new Map<Slot, Value>();
  #ballot: Ballot = zeroBallot;
  #candidacy: Candidacy | undefined;
  #reads: LeaderReads | undefined;
  #base: Slot = 0;
  #barrier: Slot = 0;
  #nextSlot: Slot = 0;
  #stopProposed = false;
  /** The leader's own votes that its log has confirmed (P5). */
  #ownThrough: Slot = 0;
  /** Since when its own log has owed it something. */
  #ownSinceMs = 0;
  #heartbeatAtMs = 0;
  #toldDecided: Slot = 0;
  #learningSinceMs = 0;
  /** Room for what an application wants to send with every 1a and 2a. */
  cookie: Uint8Array = new Uint8Array(0);

  constructor(options: ProposerOptions) {
    this.#options = options;
    const { learner, membership, settings } = options;
    this.#others = membership.members.map((m) => m.id).filter((id) => id !== settings.self);
    this.#followers = new Followers(this, settings, learner, this.#others);
  }

  get ballot(): Ballot {
    return this.#ballot;
  }

  get base(): Slot {
    return this.#base;
  }

  get barrier(): Slot {
    return this.#barrier;
  }

  get reads(): LeaderReads | undefined {
    return this.#reads;
  }

  get isLeading(): boolean {
    return this.#reads !== undefined;
  }

  get isCandidate(): boolean {
    return this.#candidacy !== undefined;
  }

  /** Stands, but its log has not yet said so: its 1a's have not left. */
  get isWriting(): boolean {
    return this.#candidacy?.isWriting ?? false;
  }

  get proposedThrough(): Slot {
    return this.isLeading ? this.#nextSlot - 1 : 0;
  }

  /** How many slots may be proposed now. */
  get room(): number {
    if (!this.isLeading || this.#stopProposed) return 0;
    const { slotsInFlightMax, voteAheadSlotsMax } = this.#options.settings.limits;
    // What is decided, but waits for an earlier slot to be learned, takes memory too.
    const ahead = this.#nextSlot - Math.max(this.#options.learner.releasedThrough + 1, this.#base);
    return Math.max(0, Math.min(slotsInFlightMax - this.#proposed.size, voteAheadSlotsMax - ahead));
  }

  /** What was proposed or decided there, if it is at hand. */
  valueAt(slot: Slot): Value | undefined {
    return this.#proposed.get(slot) ?? this.#options.learner.valueOf(slot);
  }

  /** Phase 1a, in a ballot above everything seen. The leader of `freed` has given its lease up. */
  startPhase1(round: number, nowMs: number, out: Outbox, freed = zeroBallot): void {
    const { acceptor, learner, membership, quorum, settings } = this.#options;
    const before = old(() => this.#ballot);
    this.stepDown();
    this.#ballot = { configuration: membership.number, round, proposer: settings.self };
    const floor = Math.max(learner.releasedThrough + 1, membership.firstSlot, acceptor.firstSlot);
    this.#learningSinceMs = nowMs;
    const asked = { quorum, acceptor, others: this.#others, cookie: this.cookie, freed };
    this.#candidacy = new Candidacy({ ...asked, ballot: this.#ballot, fromSlot: floor }, out);
    ensures(() => compareBallots(this.#ballot, before) > 0, 'stand-5 a ballot is used once (P1)');
    ensures(
      () => !this.isLeading && this.#proposed.size === 0 && this.#followers.count === 0,
      'stand-6 nothing of an earlier ballot is counted in the next (P5)',
    );
  }

  /** False if there is nothing to ask for, or it was asked for in vain: time to stand anew. */
  askAgain(out: Outbox): boolean {
    return this.#candidacy?.askAgain(out) ?? false;
  }

  /** True if a quorum has promised, and this replica leads now. */
  on1b(from: ReplicaId, message: Phase1b, nowMs: number, out: Outbox): boolean {
    const candidacy = this.#candidacy;
    if (candidacy === undefined || !sameBallot(message.ballot, this.#ballot)) return false;
    this.#options.learner.hearThrough(message.decidedThrough);
    if (!candidacy.on1b(from, message, out)) return false;
    const adoption = candidacy.adoption(this.#options.learner.releasedThrough);
    if (adoption === undefined) return false;
    if (this.#isOutdated(adoption)) this.stepDown();
    else this.#startPhase2(adoption, nowMs, out);
    return this.isLeading;
  }

  /**
   * What it has learned since it stood says that somebody leads, or led, above it: a decided value
   * that the promises do not tell of. It may not propose anything else there (P8).
   */
  #isOutdated({ base, values }: Adoption): boolean {
    for (const [slot, decided] of this.#options.learner.unreleased) {
      const value = values[slot - base];
      if (slot >= base && (value === undefined || !sameValue(value, decided))) return true;
    }
    return false;
  }

  /** Proposes in the next slot; its own vote is on its way to the log meanwhile. */
  propose(value: Value, nowMs: number, out: Outbox): void {
    const { learner: known } = this.#options;
    requires(() => this.#nextSlot > known.releasedThrough, 'propose-1 not over a decision (P8)');
    requires(
      () => sameValue(known.valueOf(this.#nextSlot) ?? value, value),
      'propose-2 nor another value where one is known to be decided (P8)',
    );
    requires(() => this.isLeading, 'propose-3 only after phase 1 (P4)');
    requires(() => !this.#stopProposed, 'propose-4 not past a stop (R9)');
    const { acceptor } = this.#options;
    const slot = this.#nextSlot;
    if (this.#ownThrough === slot - 1) this.#ownSinceMs = nowMs;
    this.#nextSlot = slot + 1;
    if (kindOf(value) === 'stop') {
      this.#stopProposed = true;
      // Once it is decided others may lead what comes after it, and owe this ballot nothing (R10).
      this.#reads?.lease.giveUp();
    }
    this.#proposed.set(slot, value);
    this.#followers.pumpAll(nowMs, out);
    this.#toldDecided = this.#options.learner.releasedThrough;
    if (this.#options.learner.isDecided(slot)) acceptor.acknowledge(this.#ballot, this.#base, out);
    else acceptor.vote(this.#ballot, this.#base, slot, value, out);
    ensures(
      () => this.#nextSlot === slot + 1,
      'propose-5 each slot is proposed once in a ballot (P3)',
    );
    ensures(
      () => kindOf(value) !== 'stop' || this.room === 0,
      'propose-6 a stop closes the window (R9)',
    );
  }

  /** True if it was about this ballot: whoever counts must look what is decided now. */
  on2b(
    from: ReplicaId,
    { ballot, through, payload }: Phase2b,
    nowMs: number,
    out: Outbox,
  ): boolean {
    if (!this.isLeading || !sameBallot(ballot, this.#ballot)) return false;
    if (from === this.#options.settings.self) {
      if (through > this.#ownThrough) this.#ownSinceMs = nowMs;
      this.#ownThrough = Math.max(this.#ownThrough, through);
      ensures(
        () => through < this.#nextSlot || through <= this.#options.learner.releasedThrough,
        'count-2 the leader’s own vote counts once its own log has said so (P5)',
      );
    } else {
      const progress = this.#followers.of(from);
      if (progress === undefined) return false;
      progress.on2b(through, nowMs);
      progress.payload = payload;
      this.#followers.pump(progress, nowMs, out);
    }
    return true;
  }

  /** Counts watermarks: a slot is decided when a quorum has everything up to it (P5, P6). */
  countVotes(): void {
    requires(() => this.isLeading, 'count-3 only a leader counts, in its own ballot (P5)');
    const { learner, quorum } = this.#options;
    const through = quorum.reached((m) => this.#heldBy(m));
    ensures(
      () => this.#countHolding(through) >= quorum.size,
      'count-1 a quorum of distinct voters has every decided slot in its log (P5)',
      () => through >= this.#base,
    );
    for (const [slot, value] of this.#proposed) {
      if (slot > through) break;
      this.#proposed.delete(slot);
      learner.decide(slot, value);
    }
    ensures(
      () => [...this.#proposed.keys()].every((slot) => slot > through),
      'count-4 everything that a quorum holds is decided at once (P5)',
    );
  }

  /** Through where a member says that it holds everything from the base on. */
  #heldBy(id: ReplicaId): Slot {
    const { self } = this.#options.settings;
    return id === self ? this.#ownThrough : (this.#followers.of(id)?.through ?? 0);
  }

  #countHolding(through: Slot): number {
    const { voters } = this.#options.quorum;
    return new Set(voters.filter((id) => this.#heldBy(id) >= through)).size;
  }

  /**
   * A decided value came from elsewhere. A leader that learns another value for a slot from its
   * base on, or a decision for a slot that it has not proposed, is no leader (P8).
   */
  contradicts(slot: Slot, value: Value): boolean {
    if (!this.isLeading || slot < this.#base) return false;
    if (slot >= this.#nextSlot) return true;
    const own = this.valueAt(slot);
    return own !== undefined && !sameValue(own, value);
  }

  onHeartbeatAnswer(from: ReplicaId, message: HeartbeatAnswer): void {
    if (this.#reads === undefined || !sameBallot(message.ballot, this.#ballot)) return;
    const progress = this.#followers.of(from);
    if (progress === undefined || message.round > this.#reads.round) return;
    progress.executedThrough = message.executedThrough;
    progress.full = message.full;
    progress.hasAnswered = true;
    this.#reads.onAnswer(from, message.round);
  }

  /** A grant of another ballot, or of a round that was not begun, is of no use (Q2). */
  onGrant(from: ReplicaId, { ballot, round }: Grant): void {
    if (this.#reads === undefined || !sameBallot(ballot, this.#ballot)) return;
    if (this.#others.includes(from) && round <= this.#reads.round) this.#reads.onGrant(from, round);
  }

  /** Heartbeats in time, and again what got lost. */
  onTick(nowMs: number, out: Outbox): void {
    if (!this.isLeading) return;
    this.#followers.onTick(nowMs, out);
    if (nowMs - this.#heartbeatAtMs >= this.#options.settings.timings.heartbeatMs) {
      this.beat(nowMs, out);
    }
  }

  /** For how long its own log has owed it something; 0 if it owes nothing (L3). */
  ownOutstandingMs(nowMs: number): number {
    if (!this.isLeading || this.#ownThrough >= this.#nextSlot - 1) return 0;
    return nowMs - this.#ownSinceMs;
  }

  /** True if a quorum has answered a heartbeat that is not older than this. */
  hasQuorum(withinMs: number, nowMs: number): boolean {
    return this.#reads !== undefined && nowMs - this.#reads.quorumHeardAtMs() < withinMs;
  }

  /** Voters that answer, and hold everything that is decided here. */
  successors(nowMs: number): Progress[] {
    const { learner, quorum, settings } = this.#options;
    const { electionTimeoutMsMin } = settings.timings;
    return this.#followers.all.filter(
      ({ id, hasAnswered, through }) =>
        quorum.voters.includes(id) &&
        hasAnswered &&
        through >= learner.releasedThrough &&
        nowMs - (this.#reads?.heardAtMs(id) ?? -Infinity) < electionTimeoutMsMin,
    );
  }

  /** A leader that cannot learn what lies below its base has to stand again (R7). */
  isLearningStalled(nowMs: number): boolean {
    const { learner, settings } = this.#options;
    if (!this.isLeading || learner.releasedThrough + 1 >= this.#base) {
      this.#learningSinceMs = nowMs;
      return false;
    }
    return nowMs - this.#learningSinceMs > settings.timings.learnStallMs;
  }

  /** Learning goes on: the stall is counted from here. */
  onLearned(nowMs: number): void {
    this.#learningSinceMs = nowMs;
  }

  beat(nowMs: number, out: Outbox): void {
    requires(() => this.isLeading, 'beat-1 only a leader beats (P6)');
    const message: Heartbeat = {
      kind: 'heartbeat',
      ballot: this.#ballot,
      base: this.#base,
      decidedThrough: this.#options.learner.releasedThrough,
      round: this.#reads?.nextRound(nowMs) ?? 0,
      leaseMs: this.#reads?.lease.askedMs ?? 0,
    };
    this.#heartbeatAtMs = nowMs;
    this.#toldDecided = message.decidedThrough;
    for (const to of this.#others) out.send(to, message);
  }

  /** Followers execute as soon as they are told: by the next 2a, or else by a word of its own. */
  onTurnEnd(out: Outbox): void {
    const decidedThrough = this.#options.learner.releasedThrough;
    if (!this.isLeading || decidedThrough <= this.#toldDecided) return;
    this.#toldDecided = decidedThrough;
    const { ballot, base } = this;
    for (const to of this.#others) out.send(to, { kind: 'decided', ballot, base, decidedThrough });
  }

  stepDown(): void {
    this.#candidacy = undefined;
    this.#reads = undefined;
    this.#stopProposed = false;
    this.#proposed.clear();
    this.#followers.clear();
    this.#ownThrough = 0;
  }

  /** For status: how far each follower is. */
  progressOf(id: ReplicaId): Progress | undefined {
    return this.#followers.of(id);
  }

  #startPhase2({ base, values, decided }: Adoption, nowMs: number, out: Outbox): void {
    const { learner, quorum, settings } = this.#options;
    requires(() => this.isCandidate, 'lead-7 nobody leads but from phase 1 (P4)');
    this.#candidacy = undefined;
    this.#reads = new LeaderReads(settings.self, quorum, nowMs, settings.lease);
    this.#base = base;
    this.#nextSlot = base;
    this.#barrier = base + values.length - 1;
    this.#ownThrough = base - 1;
    this.#toldDecided = 0;
    this.#followers.begin(base, nowMs);
    this.beat(nowMs, out);
    for (const [slot, value] of decided) {
      if (learner.isDecided(slot)) continue;
      out.persist([{ kind: 'decided', slot, value }]);
      learner.decide(slot, value);
    }
    for (const value of values) if (!this.#stopProposed) this.propose(value, nowMs, out);
    // Nothing past an adopted stop was proposed: it is void (R9).
    this.#barrier = this.#nextSlot - 1;
    ensuresAll(leadClauses, () => this.#leadStep({ base, values, decided }));
  }

  #leadStep(adoption: Adoption): LeadStep {
    return {
      adoption,
      releasedThrough: this.#options.learner.releasedThrough,
      nextSlot: this.#nextSlot,
      barrier: this.#barrier,
      inFlight: this.#proposed.size,
      stopProposed: this.#stopProposed,
      throughs: this.#followers.all.map(({ through }) => through),
    };
  }
}
