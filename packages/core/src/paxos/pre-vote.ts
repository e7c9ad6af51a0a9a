import type { Ballot } from './ballot.ts';
import type { Election } from './election.ts';
import type { ReplicaId } from './membership.ts';
import type { Outbox } from './outbox.ts';

/** Asks before it stands: a replica that was cut off deposes nobody when it comes back (L1). */
export class PreVote {
  readonly #election: Election;
  readonly #others: readonly ReplicaId[];
  #isAsking = false;
  #askedRound = 0;

  constructor(election: Election, others: readonly ReplicaId[]) {
    this.#election = election;
    this.#others = others;
  }

  get isAsking(): boolean {
    return this.#isAsking;
  }

  /** Whether the others would have it above `ballot`. True if it needs nobody but itself. */
  ask(ballot: Ballot, nowMs: number, out: Outbox): boolean {
    this.#isAsking = true;
    this.#askedRound = ballot.round;
    this.#election.ask(ballot.proposer, nowMs);
    for (const to of this.#others) out.send(to, { kind: 'may-i', ballot });
    return this.#election.isGranted();
  }

  /** True if a quorum would have it now. A yes to an earlier question counts for nothing. */
  onYouMay(from: ReplicaId, ballot: Ballot): boolean {
    if (!this.#isAsking || ballot.round !== this.#askedRound) return false;
    this.#election.onYouMay(from);
    return this.#election.isGranted();
  }

  end(): void {
    this.#isAsking = false;
  }
}
