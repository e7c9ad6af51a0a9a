import { type Ballot, compareBallots, sameBallot, zeroBallot } from '../../src/paxos/ballot.ts';
import type { LogRecord } from '../../src/paxos/log-record.ts';
import type { Phase2a, Reported } from '../../src/paxos/messages.ts';
import type { Slot } from '../../src/paxos/slot.ts';
import { sameValue, type Value } from '../../src/paxos/value.ts';

type VoteRecord = Extract<LogRecord, { kind: 'vote' }>;

/** What P1, P3 and P6 demand of one 2a. */
export type Answer = 'nack' | 'nothing' | 'alarm' | 'learn-reply' | '2b' | 'vote and 2b';

/** An acceptor that keeps every record it ever wrote, and answers from that list alone. */
export class AcceptorModel {
  readonly records: LogRecord[] = [];
  readonly learned = new Map<Slot, Value>();
  /** Released slots whose value is still in memory. */
  readonly atHand = new Map<Slot, Value>();
  released: Slot = 0;
  firstSlot: Slot = 1;
  readonly #voteAheadSlotsMax: number;

  constructor(voteAheadSlotsMax: number) {
    this.#voteAheadSlotsMax = voteAheadSlotsMax;
  }

  get promised(): Ballot {
    const ballots = this.records.flatMap((r) =>
      r.kind === 'promise' ? [r.ballot] : r.kind === 'vote' ? [r.vote.ballot] : [],
    );
    return ballots.reduce((a, b) => (compareBallots(a, b) >= 0 ? a : b), zeroBallot);
  }

  votesIn(slot: Slot): readonly VoteRecord[] {
    return this.records.filter((r): r is VoteRecord => r.kind === 'vote' && r.slot === slot);
  }

  isDecided(slot: Slot): boolean {
    return slot <= this.released || this.learned.has(slot);
  }

  /** P1, P3, P6: what a 2a is answered with. */
  answerTo({ ballot, slot, value }: Phase2a): Answer {
    if (compareBallots(ballot, this.promised) < 0) return 'nack';
    if (this.isDecided(slot)) {
      const decided = this.learned.get(slot) ?? this.atHand.get(slot);
      return decided === undefined || sameValue(decided, value) ? '2b' : 'learn-reply';
    }
    if (slot > this.released + this.#voteAheadSlotsMax) return 'nothing';
    const before = this.votesIn(slot).find((r) => sameBallot(r.vote.ballot, ballot));
    if (before === undefined) return 'vote and 2b';
    return sameValue(before.vote.value, value) ? '2b' : 'alarm';
  }

  /** Every slot from the base to here is voted for in this ballot, or decided. */
  watermark(ballot: Ballot, base: Slot): Slot {
    let through = base - 1;
    const holds = (slot: Slot): boolean =>
      this.isDecided(slot) || this.votesIn(slot).some((r) => sameBallot(r.vote.ballot, ballot));
    while (holds(through + 1)) through += 1;
    return through;
  }

  /** P4: every slot from there on that is voted for or known to be decided, in order. */
  reported(fromSlot: Slot): readonly Reported[] {
    const all: Reported[] = [];
    const last = Math.max(0, ...this.records.map((r) => ('slot' in r ? r.slot : 0)));
    const end = Math.max(last, ...this.learned.keys());
    for (let slot = Math.max(fromSlot, this.released + 1); slot <= end; slot += 1) {
      const decided = this.learned.get(slot);
      const newest = this.votesIn(slot).at(-1)?.vote;
      if (decided !== undefined) all.push({ slot, state: 'decided', value: decided });
      else if (newest !== undefined) all.push({ slot, state: 'voted', ...newest });
    }
    return all;
  }
}
