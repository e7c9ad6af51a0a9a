import { ensures, ensuresAll, old, requires } from '@rsl/contracts';
import { type Ballot, compareBallots, higherBallot, sameBallot, zeroBallot } from './ballot.ts';
import { type AcceptorState, stateOf } from './contracts/acceptor-state.ts';
import { on1aClauses } from './contracts/on-1a.ts';
import { on2aClauses } from './contracts/on-2a.ts';
import type { Send } from './effect.ts';
import type { Learner } from './learner.ts';
import type { LogRecord } from './log-record.ts';
import type { ReplicaId } from './membership.ts';
import type { DurableMessage, Phase1a, Phase1b, Phase2a, Reported } from './messages.ts';
import type { Outbox } from './outbox.ts';
import type { Slot } from './slot.ts';
import { sameValue, type Value } from './value.ts';
import type { Vote } from './vote.ts';

export interface AcceptorOptions {
  readonly self: ReplicaId;
  readonly firstSlot: Slot;
  readonly promised: Ballot;
  /** Votes of other configurations are void (R1). */
  readonly configuration: number;
  readonly votes: ReadonlyMap<Slot, Vote>;
  readonly lost: ReadonlyMap<Slot, Ballot>;
  readonly voteAheadSlotsMax: number;
  readonly partBytesMax: number;
  readonly learner: Learner;
}

/** Promises and votes (Paxos Made Simple, 2.2 and 2.3; P1–P3, P6). */
export class Acceptor {
  readonly #options: AcceptorOptions;
  readonly #learner: Learner;
  /** Newest votes of slots above `learner.releasedThrough`. */
  readonly #votes: Map<Slot, Vote>;
  readonly #lost: Map<Slot, Ballot>;
  #promised: Ballot;
  #firstSlot: Slot;
  #forgottenThrough = 0;
  /** How far the votes of one ballot reach without a gap; only a memo of `#votes`. */
  #reach: { ballot: Ballot; base: Slot; through: Slot } = {
    ballot: zeroBallot,
    base: 0,
    through: 0,
  };
  /** 64 bits for the application, sent with every 2b. */
  payload = 0n;

  constructor(options: AcceptorOptions) {
    this.#options = options;
    this.#learner = options.learner;
    this.#promised = options.promised;
    this.#firstSlot = options.firstSlot;
    const { configuration } = options;
    const isOurs = ({ configuration: of }: Ballot): boolean => of === configuration;
    this.#votes = new Map([...options.votes].filter(([, vote]) => isOurs(vote.ballot)));
    this.#lost = new Map([...options.lost].filter(([, ballot]) => isOurs(ballot)));
    this.forgetReleased();
  }

  get promised(): Ballot {
    return this.#promised;
  }

  get firstSlot(): Slot {
    return this.#firstSlot;
  }

  get votes(): ReadonlyMap<Slot, Vote> {
    return this.#votes;
  }

  get lost(): ReadonlyMap<Slot, Ballot> {
    return this.#lost;
  }

  /**
   * Phase 1a: promise a ballot above every earlier one, and say what is known. A repeated 1a of
   * the ballot already promised is answered again, behind every earlier write (P1, P2).
   * True if the promise was given.
   */
  on1a(from: ReplicaId, message: Phase1a, out: Outbox): boolean {
    const before = old(() => stateOf(this, this.#learner));
    const mark = old(() => out.length);
    const isPromised = this.#promise(from, message, out);
    ensuresAll(on1aClauses, () => {
      return { message, before, after: stateOf(this, this.#learner), effects: out.since(mark) };
    });
    return isPromised;
  }

  #promise(from: ReplicaId, { ballot, fromSlot }: Phase1a, out: Outbox): boolean {
    const order = compareBallots(ballot, this.#promised);
    if (order < 0) {
      out.send(from, { kind: 'nack', ballot, promised: this.#promised });
      return false;
    }
    const records: LogRecord[] = order > 0 ? [{ kind: 'promise', ballot }] : [];
    this.#promised = ballot;
    out.persist(records, [this.#answer(ballot, fromSlot, this.#options.partBytesMax)]);
    return true;
  }

  /**
   * A proposer's own ballot: durable before its 1a's leave. The 1b to itself goes the same way, but
   * never over a wire, and so in one part.
   */
  stand(message: Phase1a, others: readonly ReplicaId[], out: Outbox): void {
    const { configuration, self } = this.#options;
    const { ballot, fromSlot } = message;
    requires(() => compareBallots(ballot, this.#promised) > 0, 'stand-1 above every promise (P1)');
    requires(() => ballot.proposer === self, 'stand-2 nobody stands in another’s ballot');
    requires(() => ballot.configuration === configuration, 'stand-3 in its own configuration (R6)');
    this.#promised = ballot;
    const then: Send<DurableMessage>[] = others.map((to) => ({ to, message }));
    then.push(this.#answer(ballot, fromSlot, Infinity));
    out.persist([{ kind: 'promise', ballot }], then);
    ensures(() => sameBallot(this.#promised, ballot), 'stand-4 it promises its own ballot (P1)');
  }

  /** Phase 2a: vote for the value unless a higher ballot has our promise. */
  on2a(from: ReplicaId, message: Phase2a, out: Outbox): void {
    const { configuration } = this.#options;
    const { ballot, base, slot } = message;
    requires(() => ballot.configuration === configuration, '2a-24 in its own configuration (R1)');
    requires(() => slot >= base, '2a-25 nothing is proposed below the base (P6)');
    const before = old(() => stateOf(this, this.#learner));
    const decided = old(() => this.#learner.valueOf(slot));
    const mark = old(() => out.length);
    this.#answer2a(from, message, out);
    ensuresAll(on2aClauses, () => {
      const effects = out.since(mark);
      const slotMax = this.#slotMax;
      return { message, decided, slotMax, before, after: stateOf(this, this.#learner), effects };
    });
  }

  #answer2a(from: ReplicaId, message: Phase2a, out: Outbox): void {
    const { ballot, base, slot, value } = message;
    if (compareBallots(ballot, this.#promised) < 0) {
      out.send(from, { kind: 'nack', ballot, promised: this.#promised });
      return;
    }
    if (this.#learner.isDecided(slot)) this.#on2aOfDecided(from, message, out);
    else if (slot <= this.#slotMax) this.vote(ballot, base, slot, value, out);
  }

  /** The last slot that a vote is taken in for. */
  get #slotMax(): Slot {
    return this.#learner.releasedThrough + this.#options.voteAheadSlotsMax;
  }

  /** Votes in `ballot`, which is at or above the promise; the 2b leaves once it is durable. */
  vote(ballot: Ballot, base: Slot, slot: Slot, value: Value, out: Outbox): void {
    requires(
      () => compareBallots(ballot, this.#promised) >= 0,
      'vote-1 not below the promise (P1)',
    );
    requires(() => !this.#learner.isDecided(slot), 'vote-2 not over a decided slot (P1)');
    requires(() => slot >= base, 'vote-3 not below the base (P6)');
    const voted = this.#votes.get(slot);
    if (voted !== undefined && sameBallot(voted.ballot, ballot)) {
      if (sameValue(voted.value, value)) return this.acknowledge(ballot, base, out);
      return out.add({ kind: 'alarm', what: `second value for slot ${slot} in one ballot (P3)` });
    }
    // A vote that may exist in a higher ballot than the promise would be a broken promise.
    const vote: Vote = { ballot, value };
    this.#promised = ballot;
    this.#votes.set(slot, vote);
    this.#lost.delete(slot);
    out.persist([{ kind: 'vote', slot, vote }], [this.#acknowledgement(ballot, base)]);
    ensures(() => sameBallot(this.#promised, ballot), 'vote-4 a vote raises the promise (P1)');
    ensures(() => this.#votes.get(slot)?.value === value, 'vote-5 the vote is kept');
  }

  /** A 2b behind every earlier write, for a heartbeat or a repeated 2a (P2, P6). */
  acknowledge(ballot: Ballot, base: Slot, out: Outbox): void {
    out.persist([], [this.#acknowledgement(ballot, base)]);
  }

  /** "Every slot from base to here is voted for in this ballot, or decided, in my log" (P6). */
  watermark(ballot: Ballot, base: Slot): Slot {
    const known = sameBallot(this.#reach.ballot, ballot) && this.#reach.base === base;
    const { releasedThrough } = this.#learner;
    let through = Math.max(base - 1, releasedThrough, known ? this.#reach.through : 0);
    while (this.#holds(ballot, through + 1)) through += 1;
    this.#reach = { ballot, base, through };
    ensures(
      () => this.#isHeld(ballot, Math.max(base, releasedThrough + 1), through),
      'watermark-1 every slot from the base on is voted for in the ballot, or decided (P6)',
    );
    return through;
  }

  /** A learned value is in the log now, as decided: the vote of that slot means nothing more. */
  forget(slot: Slot): void {
    requires(() => this.#learner.isDecided(slot), 'forget-1 only votes of decided slots go (P11)');
    this.#votes.delete(slot);
    this.#lost.delete(slot);
  }

  /** Released slots are decided; their values are in the log and in the learner's cache. */
  forgetReleased(): void {
    const through = this.#learner.releasedThrough;
    if (through - this.#forgottenThrough <= this.#votes.size) {
      for (let s = this.#forgottenThrough + 1; s <= through; s += 1) this.#votes.delete(s);
    } else {
      for (const s of this.#votes.keys()) if (s <= through) this.#votes.delete(s);
    }
    if (this.#lost.size > 0) {
      for (const s of this.#lost.keys()) if (s <= through) this.#lost.delete(s);
    }
    this.#forgottenThrough = through;
    ensures(
      () => [...this.#votes.keys(), ...this.#lost.keys()].every((s) => s > through),
      'forget-2 nothing is kept of released slots',
    );
  }

  truncate(before: Slot): void {
    const { releasedThrough } = this.#learner;
    requires(() => before <= releasedThrough + 1, 'truncate-1 only released slots are cut (P11)');
    const known = old(() => stateOf(this, this.#learner));
    this.#firstSlot = Math.max(this.#firstSlot, before);
    ensures(() => this.#firstSlot >= known.firstSlot, 'truncate-2 firstSlot never goes back');
    ensures(
      () => this.#keeps(known, known.releasedThrough),
      'truncate-3 slots are forgotten and nothing else: promise and votes stay (P11)',
    );
  }

  onInstalled(slot: Slot): void {
    const { releasedThrough } = this.#learner;
    requires(() => slot <= releasedThrough, 'install-1 what is installed is released first (R8)');
    const known = old(() => stateOf(this, this.#learner));
    this.#firstSlot = Math.max(this.#firstSlot, slot + 1);
    this.forgetReleased();
    ensures(
      () => this.#keeps(known, releasedThrough),
      'install-2 slots are forgotten and nothing else: promise and later votes stay (P11)',
    );
  }

  #keeps({ lost, promised, votes }: AcceptorState, through: Slot): boolean {
    const isKept = (slot: Slot): boolean =>
      this.#votes.get(slot) === votes.get(slot) && this.#lost.get(slot) === lost.get(slot);
    const later = [...votes.keys(), ...lost.keys()].filter((slot) => slot > through);
    return sameBallot(this.#promised, promised) && later.every(isKept);
  }

  /** P1: the same value counts as durable here, another one is answered with the decided value. */
  #on2aOfDecided(from: ReplicaId, { ballot, base, slot, value }: Phase2a, out: Outbox): void {
    const decided = this.#learner.valueOf(slot);
    if (decided !== undefined && !sameValue(decided, value)) {
      const decidedThrough = this.#learner.releasedThrough;
      out.send(from, {
        kind: 'learn-reply',
        fromSlot: slot,
        values: [decided],
        firstSlot: this.#firstSlot,
        decidedThrough,
      });
      return;
    }
    this.acknowledge(ballot, base, out);
  }

  #isHeld(ballot: Ballot, from: Slot, through: Slot): boolean {
    for (let slot = from; slot <= through; slot += 1) if (!this.#holds(ballot, slot)) return false;
    return true;
  }

  #holds(ballot: Ballot, slot: Slot): boolean {
    if (this.#learner.isDecided(slot)) return true;
    const vote = this.#votes.get(slot);
    return vote !== undefined && sameBallot(vote.ballot, ballot);
  }

  #acknowledgement(ballot: Ballot, base: Slot): Send<DurableMessage> {
    const through = this.watermark(ballot, base);
    return { to: ballot.proposer, message: { kind: '2b', ballot, through, payload: this.payload } };
  }

  /** What it knows from `fromSlot` on, as far as `bytesMax` of values reach. */
  #answer(ballot: Ballot, fromSlot: Slot, bytesMax: number): Send<DurableMessage> {
    const known = this.#report(fromSlot);
    const reported = known.slice(0, countWithin(known, bytesMax));
    const message: Phase1b = {
      kind: '1b',
      ballot,
      fromSlot,
      nextSlot: known[reported.length]?.slot,
      firstSlot: this.#firstSlot,
      decidedThrough: this.#learner.releasedThrough,
      reported,
    };
    return { to: ballot.proposer, message };
  }

  #report(fromSlot: Slot): Reported[] {
    const first = Math.max(fromSlot, this.#learner.releasedThrough + 1);
    const bySlot = new Map<Slot, Reported>();
    for (const [slot, ballot] of this.#lost) bySlot.set(slot, { slot, state: 'lost', ballot });
    for (const [slot, { ballot, value }] of this.#votes) {
      const lost = this.#lost.get(slot);
      // An older vote never stands in for a lost one (S3).
      if (lost !== undefined && !sameBallot(higherBallot(ballot, lost), ballot)) continue;
      bySlot.set(slot, { slot, state: 'voted', ballot, value });
    }
    for (const [slot, value] of this.#learner.unreleased) {
      bySlot.set(slot, { slot, state: 'decided', value });
    }
    const reported = [...bySlot.values()].filter(({ slot }) => slot >= first);
    return reported.sort((a, b) => a.slot - b.slot);
  }
}

/** How many of them fit, at least one. */
function countWithin(reported: readonly Reported[], bytesMax: number): number {
  let bytes = 0;
  const tooMany = reported.findIndex((one, i) => {
    bytes += one.state === 'lost' ? 0 : one.value.bytes.length;
    return i > 0 && bytes > bytesMax;
  });
  return tooMany < 0 ? reported.length : tooMany;
}
