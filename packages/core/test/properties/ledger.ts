import { type Ballot, compareBallots, describeBallot, zeroBallot } from '../../src/paxos/ballot.ts';
import type { LogRecord } from '../../src/paxos/log-record.ts';
import type { ReplicaId } from '../../src/paxos/membership.ts';
import type { Slot } from '../../src/paxos/slot.ts';
import { sameValue, type Value } from '../../src/paxos/value.ts';
import type { Vote } from '../../src/paxos/vote.ts';
import { textOf } from '../paxos/fixture.ts';

/** What one acceptor has ever made durable. */
interface Acceptance {
  promised: Ballot;
  readonly votes: Map<Slot, Vote[]>;
  readonly decided: Map<Slot, Value>;
  decidedThrough: Slot;
}

export function check(holds: boolean, what: () => string): void {
  if (!holds) throw new Error(what());
}

const about = (ballot: Ballot, slot: Slot, value: Value): string =>
  `${describeBallot(ballot)} slot ${slot} "${textOf(value)}"`;

/**
 * What an observer knows who sees every medium and every proposal: from that alone it computes
 * what is decided, and whether a proposal was allowed ("ShowsSafeAt" in Lamport's proof).
 */
export class Ledger {
  readonly decided = new Map<Slot, Value>();
  readonly #quorum: number;
  readonly #acceptors = new Map<ReplicaId, Acceptance>();
  readonly #proposed = new Map<string, Value>();

  constructor(ids: readonly ReplicaId[]) {
    this.#quorum = Math.floor(ids.length / 2) + 1;
    for (const id of ids) {
      const empty = { promised: zeroBallot, votes: new Map(), decided: new Map() };
      this.#acceptors.set(id, { ...empty, decidedThrough: 0 });
    }
  }

  acceptor(id: ReplicaId): Acceptance {
    const acceptor = this.#acceptors.get(id);
    if (acceptor === undefined) throw new Error(`nobody is ${id}`);
    return acceptor;
  }

  /** All slots up to `through` are decided. */
  isDecidedThrough(through: Slot): boolean {
    for (let slot = 1; slot <= through; slot += 1) if (!this.decided.has(slot)) return false;
    return true;
  }

  isDecided(slot: Slot, value: Value): boolean {
    const decided = this.decided.get(slot);
    return decided !== undefined && sameValue(decided, value);
  }

  wasProposed(value: Value): boolean {
    return [...this.#proposed.values()].some((proposed) => sameValue(proposed, value));
  }

  onProposed(ballot: Ballot, slot: Slot, value: Value): void {
    const key = `${describeBallot(ballot)} ${slot}`;
    const before = this.#proposed.get(key);
    if (before !== undefined) {
      const same = sameValue(before, value);
      check(same, () => `P3: a second value, ${about(ballot, slot, value)}, "${textOf(before)}"`);
      return;
    }
    this.#proposed.set(key, value);
    check(
      this.#isSafe(ballot, slot, value),
      () => `P4: not allowed: ${about(ballot, slot, value)}`,
    );
  }

  onDurable(by: ReplicaId, record: LogRecord): void {
    const own = this.acceptor(by);
    if (record.kind === 'promise') {
      const above = compareBallots(record.ballot, own.promised) > 0;
      check(above, () => `P1: ${by} promises ${describeBallot(record.ballot)} after a higher one`);
      own.promised = record.ballot;
    }
    if (record.kind === 'vote') this.#onVote(by, record.slot, record.vote);
    if (record.kind === 'decided') {
      const { slot, value } = record;
      check(this.isDecided(slot, value), () => `${by} keeps a wrong decision in slot ${slot}`);
      own.decided.set(slot, value);
    }
    if (record.kind === 'decided-through') this.#onDecidedThrough(by, record.slot);
  }

  /** The value that this medium gives back for a slot, by the letter of P11. */
  stored(by: ReplicaId, slot: Slot): Value | undefined {
    const { votes, decided } = this.acceptor(by);
    return decided.get(slot) ?? votes.get(slot)?.at(-1)?.value;
  }

  highestVote(by: ReplicaId, slot: Slot, below: Ballot): Vote | undefined {
    const votes = this.acceptor(by).votes.get(slot) ?? [];
    return votes.filter((v) => compareBallots(v.ballot, below) < 0).at(-1);
  }

  hasVoted(by: ReplicaId, slot: Slot, ballot: Ballot): boolean {
    const votes = this.acceptor(by).votes.get(slot) ?? [];
    return votes.some((v) => compareBallots(v.ballot, ballot) === 0);
  }

  #onVote(by: ReplicaId, slot: Slot, { ballot, value }: Vote): void {
    const own = this.acceptor(by);
    const vote = about(ballot, slot, value);
    check(compareBallots(ballot, own.promised) >= 0, () => `P1: ${by} votes below: ${vote}`);
    const proposed = this.#proposed.get(`${describeBallot(ballot)} ${slot}`);
    const isIt = proposed !== undefined && sameValue(proposed, value);
    check(isIt, () => `${by} votes for what nobody proposed: ${vote}`);
    own.promised = ballot;
    own.votes.set(slot, [...(own.votes.get(slot) ?? []), { ballot, value }]);
    const voters = [...this.#acceptors.keys()].filter((id) => this.hasVoted(id, slot, ballot));
    if (voters.length < this.#quorum) return;
    const before = this.decided.get(slot);
    const agrees = before === undefined || sameValue(before, value);
    check(agrees, () => `two values decided in one slot: ${vote} and ${textOf(before as Value)}`);
    this.decided.set(slot, value);
  }

  #onDecidedThrough(by: ReplicaId, through: Slot): void {
    const own = this.acceptor(by);
    for (let slot = own.decidedThrough + 1; slot <= through; slot += 1) {
      const stored = this.stored(by, slot);
      const proved = stored !== undefined && this.isDecided(slot, stored);
      check(proved, () => `P11: ${by} keeps no decided value in slot ${slot} of ${through}`);
    }
    own.decidedThrough = Math.max(own.decidedThrough, through);
  }

  /** A quorum has promised, and what it voted for below says this value, or nothing. */
  #isSafe(ballot: Ballot, slot: Slot, value: Value): boolean {
    if (this.decided.has(slot)) return this.isDecided(slot, value);
    const promised = [...this.#acceptors]
      .filter(([, { promised: p }]) => compareBallots(p, ballot) >= 0)
      .map(([id]) => this.highestVote(id, slot, ballot));
    const free = promised.filter((v) => v === undefined).length;
    if (free >= this.#quorum) return true;
    return promised.some((highest) => {
      if (highest === undefined || !sameValue(highest.value, value)) return false;
      const below = promised.filter(
        (v) => v === undefined || compareBallots(v.ballot, highest.ballot) <= 0,
      );
      return below.length >= this.#quorum;
    });
  }
}
