import { ensures } from '@rsl/contracts';
import type { Acceptor } from './acceptor.ts';
import { compareBallots } from './ballot.ts';
import type { DecidedRecord } from './decided-record.ts';
import type { Election } from './election.ts';
import type { Executor } from './executor.ts';
import type { Learner } from './learner.ts';
import type { LeaderView } from './protocol.ts';
import type { Proposer } from './proposer.ts';
import type { Reading } from './reading.ts';

export interface RestParts {
  readonly acceptor: Acceptor;
  readonly decidedRecord: DecidedRecord;
  readonly election: Election;
  readonly executor: Executor;
  readonly learner: Learner;
  readonly proposer: Proposer;
  readonly reading: Reading;
}

/** When a replica needs no ticks, and what becomes of its timers when it gets them again. */
export class Rest {
  readonly #parts: RestParts;

  constructor(parts: RestParts) {
    this.#parts = parts;
  }

  /** With this leader, perhaps itself, there is nothing left to do. */
  isIdle(leader: LeaderView | undefined): boolean {
    const { acceptor, decidedRecord, executor, learner, proposer, reading } = this.#parts;
    const { executedThrough, releasedThrough, stoppedAt } = executor;
    // Whoever has promised more is about to have another leader.
    if (leader === undefined || compareBallots(acceptor.promised, leader.ballot) > 0) return false;
    if (stoppedAt !== undefined || executedThrough < releasedThrough) return false;
    if (learner.knownThrough > releasedThrough || !decidedRecord.isWritten) return false;
    if (!reading.isIdle) return false;
    if (!proposer.isLeading) return true;
    const hasWritten = proposer.ownOutstandingMs(Infinity) === 0;
    return releasedThrough >= proposer.proposedThrough && hasWritten && proposer.room > 0;
  }

  /**
   * Its timers begin afresh: while it slept its leader was vouched for in another way, or its
   * members were.
   */
  onWoken(nowMs: number): void {
    const { election, proposer } = this.#parts;
    election.onLeaderHeard(nowMs);
    proposer.reads?.onWoken(nowMs);
    ensures(() => !election.isDue(nowMs), 'woken-3 nobody stands because it slept (L1)');
  }
}
