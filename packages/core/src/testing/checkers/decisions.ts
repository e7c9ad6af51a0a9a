import { type Ballot, compareBallots, describeBallot, zeroBallot } from '../../paxos/ballot.ts';
import type { LogRecord } from '../../paxos/log-record.ts';
import type { Slot } from '../../paxos/slot.ts';
import { check } from './check-failed.ts';

/** All votes of one ballot for one slot that were ever durable, and what was proposed. */
interface Attempt {
  readonly ballot: Ballot;
  /** The value's checksum: of a proposal that was seen, or of a vote. */
  readonly checksum: number;
  readonly voters: Set<number>;
}

interface Decision {
  readonly ballot: Ballot;
  readonly checksum: number;
}

/**
 * Paxos itself, watched from outside: what is proposed on the wire and what is durable on the media
 * is enough to know what is decided, before any replica knows. A ballot has one value for a slot
 * (P3); a vote is not below a promise (P1); once a quorum has voted for a value, every higher
 * ballot proposes that value or none (P4, P5).
 */
export class DecisionChecker {
  readonly #quorum: number;
  readonly #attempts = new Map<Slot, Map<string, Attempt>>();
  readonly #decided = new Map<Slot, Decision>();
  readonly #promised = new Map<number, Ballot>();

  constructor(members: number) {
    this.#quorum = Math.floor(members / 2) + 1;
  }

  /** How many slots are known to be decided. */
  get decided(): number {
    return this.#decided.size;
  }

  /** The highest promise that was ever durable at this member, by word or by vote. */
  promised(member: number): Ballot {
    return this.#promised.get(member) ?? zeroBallot;
  }

  /** Whether such a vote of this member was ever durable. */
  hasVoted(member: number, slot: Slot, ballot: Ballot): boolean {
    const attempt = this.#attempts.get(slot)?.get(describeBallot(ballot));
    return attempt?.voters.has(member) ?? false;
  }

  checksumOf(slot: Slot): number | undefined {
    return this.#decided.get(slot)?.checksum;
  }

  /** This value was proposed for this slot. */
  onProposed(ballot: Ballot, slot: Slot, checksum: number): void {
    this.#attempt(ballot, slot, checksum);
    const decided = this.#decided.get(slot);
    if (decided === undefined || compareBallots(ballot, decided.ballot) < 0) return;
    check(decided.checksum === checksum, () => {
      const where = `slot ${slot} was decided in ballot ${describeBallot(decided.ballot)}`;
      return `${where}, and ballot ${describeBallot(ballot)} proposes another value (P4)`;
    });
  }

  /** This record has become durable at this member. */
  onKept(member: number, record: LogRecord): void {
    switch (record.kind) {
      case 'promise':
        return this.#onPromise(member, record.ballot);
      case 'vote':
        this.#onPromise(member, record.vote.ballot);
        return this.#onVote(member, record.slot, record.vote.ballot, record.vote.value.checksum);
      case 'decided':
        return this.#mustBe(record.slot, record.value.checksum, `${member} has learned`);
      case 'decided-through':
        check(this.#decided.has(record.slot) || record.slot === 0, () => {
          return `${member} says that slot ${record.slot} is decided, and it is not (P11)`;
        });
        return;
      default:
    }
  }

  /** A replica executes this batch: it must have been decided, durably (P5). */
  onExecuted(replica: number, slot: Slot, checksum: number): void {
    this.#mustBe(slot, checksum, `replica ${replica} executes`);
  }

  #onPromise(member: number, ballot: Ballot): void {
    const promised = this.promised(member);
    check(compareBallots(ballot, promised) >= 0, () => {
      const [now, before] = [describeBallot(ballot), describeBallot(promised)];
      return `member ${member} promises or votes in ballot ${now} after ${before} (P1)`;
    });
    this.#promised.set(member, ballot);
  }

  #onVote(member: number, slot: Slot, ballot: Ballot, checksum: number): void {
    const attempt = this.#attempt(ballot, slot, checksum);
    attempt.voters.add(member);
    if (attempt.voters.size < this.#quorum) return;
    const decided = this.#decided.get(slot);
    check(decided === undefined || decided.checksum === checksum, () => {
      return `two values are decided for slot ${slot}, one in ballot ${describeBallot(ballot)}`;
    });
    if (decided !== undefined) return;
    this.#decided.set(slot, { ballot, checksum });
    for (const other of this.#attempts.get(slot)?.values() ?? []) {
      if (compareBallots(other.ballot, ballot) > 0)
        this.onProposed(other.ballot, slot, other.checksum);
    }
  }

  #attempt(ballot: Ballot, slot: Slot, checksum: number): Attempt {
    const attempts = this.#attempts.get(slot) ?? new Map<string, Attempt>();
    this.#attempts.set(slot, attempts);
    const name = describeBallot(ballot);
    const attempt = attempts.get(name) ?? { ballot, checksum, voters: new Set() };
    attempts.set(name, attempt);
    check(
      attempt.checksum === checksum,
      () => `two values for slot ${slot} in ballot ${name} (P3)`,
    );
    return attempt;
  }

  #mustBe(slot: Slot, checksum: number, who: string): void {
    const decided = this.#decided.get(slot);
    check(decided !== undefined, () => `${who} slot ${slot}, which no quorum has voted for (P5)`);
    check(decided?.checksum === checksum, () => `${who} another value than was decided in ${slot}`);
  }
}
