import { old } from '@rsl/contracts';
import type { Acceptor } from './acceptor.ts';
import { type Ballot, compareBallots, sameBallot, zeroBallot } from './ballot.ts';
import { checkStep } from './contracts/replica-step.ts';
import { DecidedRecord } from './decided-record.ts';
import type { Effect } from './effect.ts';
import type { Election } from './election.ts';
import type { Executor } from './executor.ts';
import type { Grantor } from './grantor.ts';
import { HandOver } from './hand-over.ts';
import type { Input } from './input.ts';
import { momentOf } from './invariants.ts';
import type { Learner } from './learner.ts';
import { Learning } from './learning.ts';
import { type Membership, memberOf, type ReplicaId } from './membership.ts';
import type { Heartbeat, LearnReply, Message, Nack, Phase1a } from './messages.ts';
import { Outbox } from './outbox.ts';
import { PreVote } from './pre-vote.ts';
import type { Proposer } from './proposer.ts';
import type { LeaderView, Protocol, ReplicaView, Restored, Role } from './protocol.ts';
import { Reading } from './reading.ts';
import { Rest } from './rest.ts';
import { install, rolesOf } from './roles.ts';
import type { Settings } from './settings.ts';
import type { Slot } from './slot.ts';
import { unreachable } from '../unreachable.ts';
import type { Value } from './value.ts';

/** Multi-Paxos for one configuration. Routes between the roles, and owns only who leads. */
export class Replica implements Protocol {
  readonly membership: Membership;
  readonly acceptor: Acceptor;
  readonly learner: Learner;
  readonly proposer: Proposer;
  readonly executor: Executor;
  readonly election: Election;
  readonly grantor: Grantor;
  readonly #settings: Settings;
  readonly #voter: boolean;
  readonly #reading: Reading;
  readonly #decidedRecord: DecidedRecord;
  readonly #learning: Learning;
  readonly #handOver: HandOver;
  readonly #preVote: PreVote;
  readonly #rest: Rest;
  readonly #out = new Outbox();
  #maxRound: number;
  #leader: LeaderView | undefined;
  #recovered = false;
  #full = false;

  constructor(membership: Membership, restored: Restored, settings: Settings, nowMs: number) {
    const { self, store, timings } = settings;
    this.membership = membership;
    this.#settings = settings;
    this.#voter = memberOf(membership, self, store)?.role === 'voter';
    const others = membership.members.map((m) => m.id).filter((id) => id !== self);
    const roles = rolesOf(membership, restored, settings, nowMs);
    this.acceptor = roles.acceptor;
    this.executor = roles.executor;
    this.learner = roles.learner;
    this.proposer = roles.proposer;
    this.election = roles.election;
    this.grantor = roles.grantor;
    this.#preVote = new PreVote(this.election, others);
    this.#reading = new Reading(settings, this.proposer, this.executor);
    this.#decidedRecord = new DecidedRecord(settings, this.executor, nowMs);
    this.#learning = new Learning(settings, { others, ...roles });
    this.#handOver = new HandOver(this.proposer, timings.leaderStallMs);
    this.#rest = new Rest({ ...roles, decidedRecord: this.#decidedRecord, reading: this.#reading });
    this.#maxRound = restored.promised.round;
  }

  get view(): ReplicaView {
    const { acceptor, executor, proposer } = this;
    return {
      role: this.#role,
      ballot: proposer.ballot,
      promised: acceptor.promised,
      voter: this.#voter,
      leader: this.#leader,
      membership: this.membership,
      firstSlot: acceptor.firstSlot,
      releasedThrough: executor.releasedThrough,
      executedThrough: executor.executedThrough,
      proposedThrough: proposer.proposedThrough,
      room: this.#room,
    };
  }

  get isIdle(): boolean {
    return this.#rest.isIdle(this.#leader) && !this.#full;
  }

  step(input: Input, nowMs: number): readonly Effect[] {
    const before = old(() => momentOf(this));
    this.#route(input, nowMs);
    this.#settle(nowMs);
    const effects = this.#out.take();
    if (CONTRACTS) checkStep(this, before, effects, nowMs);
    return effects;
  }

  #route(input: Input, nowMs: number): void {
    switch (input.kind) {
      case 'tick':
        return this.#onTick(nowMs);
      case 'message':
        return this.#onMessage(input.from, input.message, nowMs);
      case 'propose':
        return this.#onPropose(input.value, nowMs);
      case 'read':
        return this.#reading.add(input.read);
      case 'forget-read':
        return this.#reading.forget(input.read);
      case 'executed':
        return this.executor.onExecuted(input.through);
      case 'storage':
        this.#full = input.full;
        return;
      case 'suspended':
        return this.proposer.reads?.lease.giveUp();
      case 'woken':
        return this.#rest.onWoken(nowMs);
      case 'turn-end':
        return this.proposer.onTurnEnd(this.#out);
      case 'stand':
        return this.#mayVote ? this.#stand(nowMs) : undefined;
      case 'snapshot-installed':
        return this.#onInstalled(input.slot, nowMs);
      case 'truncate':
        return this.#onTruncate(input.before);
      case 'layer-message':
      case 'layer-answer':
      case 'connection':
        return;
      default:
        return unreachable(input);
    }
  }

  /** What follows from any input: release, record, recover, read. */
  #settle(nowMs: number): void {
    const before = this.executor.releasedThrough;
    if (this.executor.stoppedAt === undefined) {
      this.learner.release(this.acceptor.votes, this.#out);
    }
    if (this.executor.releasedThrough > before) {
      this.acceptor.forgetReleased();
      this.#decidedRecord.write(nowMs, this.#out);
    }
    // Its configuration is over: nothing more is to be decided in it (R9).
    if (this.executor.stoppedAt !== undefined && this.#role !== 'follower') this.#follow(undefined);
    this.#recover();
    this.#reading.settle(this.#leader, nowMs, this.#out);
  }

  #recover(): void {
    if (this.#recovered || !this.proposer.isLeading) return;
    if (this.executor.executedThrough < this.proposer.barrier) return;
    this.#recovered = true;
    this.#out.add({ kind: 'recovered', ballot: this.proposer.ballot });
  }

  get #role(): Role {
    if (this.proposer.isLeading) return 'phase2';
    if (this.proposer.isCandidate) return 'phase1';
    return this.#preVote.isAsking ? 'asking' : 'follower';
  }

  get #room(): number {
    return this.#mayVote && !this.#full ? this.proposer.room : 0;
  }

  /** Only a store that this configuration names promises, votes and stands (S2). */
  get #mayVote(): boolean {
    return this.#voter && this.executor.stoppedAt === undefined;
  }

  // ---- time

  #onTick(nowMs: number): void {
    this.#decidedRecord.write(nowMs, this.#out);
    this.#learning.onTick(this.#leader?.id, nowMs, this.#out);
    if (!this.#mayVote) return;
    if (this.proposer.isLeading) return this.#lead(nowMs);
    // To stand again while its own promise is being written would make its own 1a's old.
    if (!this.election.isDue(nowMs) || this.proposer.isWriting) return;
    if (!this.grantor.isFree(this.#settings.self, nowMs)) return;
    if (!this.proposer.askAgain(this.#out)) return this.#ask(nowMs);
    this.election.onPromised(nowMs);
  }

  #lead(nowMs: number): void {
    const { electionTimeoutMsMin } = this.#settings.timings;
    if (!this.proposer.hasQuorum(1.5 * electionTimeoutMsMin, nowMs)) {
      // Nobody answers (L2): somebody else may lead already, and whoever waits here must know.
      this.election.onSteppedDown(nowMs);
      return this.#follow(undefined);
    }
    if (this.proposer.isLearningStalled(nowMs)) return this.#stand(nowMs);
    this.#handOver.onTick(this.#full, nowMs, this.#out);
    this.proposer.onTick(nowMs, this.#out);
  }

  #ask(nowMs: number): void {
    this.#follow(undefined);
    const { number: configuration } = this.membership;
    const ballot = { configuration, round: this.#maxRound, proposer: this.#settings.self };
    if (this.#preVote.ask(ballot, nowMs, this.#out)) this.#stand(nowMs);
  }

  /** Never against a leader that it has granted a lease to, whatever made it try (Q2). */
  #stand(nowMs: number, freed = zeroBallot): void {
    this.grantor.release(freed);
    if (!this.grantor.isFree(this.#settings.self, nowMs)) return;
    this.#follow(undefined);
    this.election.onStood(nowMs);
    this.#maxRound = Math.max(this.#maxRound, this.acceptor.promised.round) + 1;
    this.proposer.startPhase1(this.#maxRound, nowMs, this.#out, freed);
  }

  /** Leads and stands no more; `leader` is whom it has heard instead, if anybody. */
  #follow(heard: LeaderView | undefined): void {
    const leader = heard?.id === this.#settings.self ? undefined : heard;
    const wasLeading = this.proposer.isLeading;
    this.#reading.refuseAll(this.#out);
    this.proposer.stepDown();
    this.#preVote.end();
    this.#recovered = false;
    const changed = this.#leader?.id !== leader?.id;
    this.#leader = leader;
    if (wasLeading || changed) this.#out.add({ kind: 'following', leader: leader?.id });
  }

  /** A leader's message at or above the promise. */
  #onLeaderHeard(from: ReplicaId, ballot: Ballot, nowMs: number): void {
    if (from === this.#settings.self) return;
    this.election.onLeaderHeard(nowMs);
    const ours = this.proposer.isLeading || this.proposer.isCandidate || this.#preVote.isAsking;
    if (ours && compareBallots(ballot, this.proposer.ballot) >= 0) this.#follow(this.#leader);
  }

  // ---- messages

  #onMessage(from: ReplicaId, message: Message, nowMs: number): void {
    if ('ballot' in message) {
      if (message.ballot.configuration !== this.membership.number) return;
      this.#maxRound = Math.max(this.#maxRound, message.ballot.round);
    }
    switch (message.kind) {
      case 'may-i':
        return this.#onMayI(from, message.ballot, nowMs);
      case 'you-may':
        if (this.#mayVote && this.#preVote.onYouMay(from, message.ballot)) this.#stand(nowMs);
        return;
      case 'stand-now':
        return this.#onStandNow(message.ballot, nowMs);
      case '1a':
        return this.#on1a(from, message, nowMs);
      case '1b':
        return this.#on1b(from, message, nowMs);
      case '2a':
        if (!this.#mayVote) return;
        if (this.#isCurrent(message.ballot)) this.#onLeaderHeard(from, message.ballot, nowMs);
        this.acceptor.on2a(from, message, this.#out);
        if (!this.#isCurrent(message.ballot)) return;
        return this.learner.hear(message.ballot, message.base, message.decidedThrough);
      case '2b':
        if (this.proposer.on2b(from, message, nowMs, this.#out)) this.proposer.countVotes();
        return;
      case 'nack':
        return this.#onNack(message, nowMs);
      case 'heartbeat':
        return this.#onHeartbeat(from, message, nowMs);
      case 'decided':
        if (!this.#isCurrent(message.ballot)) return;
        this.#onLeaderHeard(from, message.ballot, nowMs);
        return this.learner.hear(message.ballot, message.base, message.decidedThrough);
      case 'heartbeat-answer':
        return this.proposer.onHeartbeatAnswer(from, message);
      case 'grant':
        return this.proposer.onGrant(from, message);
      case 'learn-request':
        return this.#learning.onRequest(from, message, this.#out);
      case 'learn-reply':
        return this.#onLearnReply(from, message, nowMs);
      case 'read-request':
        return this.#reading.onRequest(from, message.number, this.#out);
      case 'read-answer':
        return this.#reading.onAnswer(message);
      default:
        return unreachable(message);
    }
  }

  #isCurrent(ballot: Ballot): boolean {
    return compareBallots(ballot, this.acceptor.promised) >= 0;
  }

  #onMayI(from: ReplicaId, ballot: Ballot, nowMs: number): void {
    if (!this.#mayVote || !this.grantor.isFree(from, nowMs)) return;
    const { electionTimeoutMsMin } = this.#settings.timings;
    const fine = this.proposer.hasQuorum(electionTimeoutMsMin, nowMs);
    const deposesNobody = this.#leader?.id === from || this.election.wouldGrant(nowMs);
    if (!fine && deposesNobody) this.#out.send(from, { kind: 'you-may', ballot });
  }

  /** Its leader gives up its place to it: whoever else hears that leader need not be asked (L4). */
  #onStandNow(ballot: Ballot, nowMs: number): void {
    const isLed = this.#leader !== undefined && sameBallot(this.#leader.ballot, ballot);
    if (isLed && this.#mayVote && !this.#full) this.#stand(nowMs, ballot);
  }

  #on1a(from: ReplicaId, message: Phase1a, nowMs: number): void {
    if (!this.#mayVote || from === this.#settings.self) return;
    this.grantor.release(message.freed);
    if (!this.grantor.isFree(from, nowMs)) return;
    if (!this.acceptor.on1a(from, message, this.#out)) return;
    const again = this.#leader !== undefined && sameBallot(this.#leader.ballot, message.ballot);
    this.#follow(again ? this.#leader : undefined);
    this.election.onLeaderHeard(nowMs);
  }

  #on1b(from: ReplicaId, message: Message & { kind: '1b' }, nowMs: number): void {
    if (!this.#mayVote) return;
    if (this.proposer.isCandidate) this.election.onPromised(nowMs);
    if (!this.proposer.on1b(from, message, nowMs, this.#out)) return;
    this.election.onLed();
    const { ballot } = this.proposer;
    this.#leader = { id: this.#settings.self, ballot };
    this.#out.add({ kind: 'leading', ballot });
  }

  #onNack({ ballot, promised }: Nack, nowMs: number): void {
    this.#maxRound = Math.max(this.#maxRound, promised.round);
    if (!sameBallot(ballot, this.proposer.ballot)) return;
    if (this.proposer.isLeading) {
      // A leader with a live quorum goes on above whoever disturbed it, but for its heir (L1, L3).
      const { electionTimeoutMsMin } = this.#settings.timings;
      const isFine = this.proposer.hasQuorum(electionTimeoutMsMin, nowMs);
      if (isFine && !this.#handOver.isOffered(nowMs)) this.#stand(nowMs);
      else this.#follow(undefined);
    } else if (this.proposer.isCandidate) {
      this.#follow(undefined);
      this.election.onNack(nowMs);
    }
  }

  #onHeartbeat(from: ReplicaId, message: Heartbeat, nowMs: number): void {
    const { ballot, base, decidedThrough, round } = message;
    if (!this.#isCurrent(ballot)) {
      if (!this.#mayVote) return;
      return this.#out.send(from, { kind: 'nack', ballot, promised: this.acceptor.promised });
    }
    this.#onLeaderHeard(from, ballot, nowMs);
    const known = this.#leader;
    if (known === undefined || compareBallots(ballot, known.ballot) >= 0) {
      this.#leader = { id: from, ballot };
      if (known?.id !== from) this.#out.add({ kind: 'following', leader: from });
    }
    this.learner.hear(ballot, base, decidedThrough);
    if (!this.#mayVote) return;
    const { executedThrough } = this.executor;
    const full = this.#full;
    this.#out.send(from, { kind: 'heartbeat-answer', ballot, round, executedThrough, full });
    this.acceptor.acknowledge(ballot, base, this.#out);
    this.grantor.onHeartbeat(message, nowMs, this.#out);
  }

  #onLearnReply(from: ReplicaId, reply: LearnReply, nowMs: number): void {
    if (this.#learning.deposes(reply)) {
      // Another leads above it: it has lost its ballot, and did not know (P8).
      this.election.onSteppedDown(nowMs);
      this.#follow(undefined);
    }
    this.#learning.onReply(from, reply, this.#leader?.id, nowMs, this.#out);
  }

  #onPropose(value: Value, nowMs: number): void {
    if (this.#room > 0) this.proposer.propose(value, nowMs, this.#out);
    else this.#out.add({ kind: 'reject', value, leader: this.#leader?.id });
  }

  // ---- snapshots

  #onInstalled(slot: Slot, nowMs: number): void {
    if (slot <= this.executor.releasedThrough) return;
    const effects = install(this, slot);
    this.election.onSteppedDown(nowMs);
    this.#follow(this.#leader);
    for (const effect of effects) this.#out.add(effect);
  }

  #onTruncate(before: Slot): void {
    if (before <= this.acceptor.firstSlot || before > this.executor.executedThrough + 1) return;
    this.acceptor.truncate(before);
    this.#out.add({ kind: 'truncate-log', before });
  }
}
