import { requires } from '@rsl/contracts';
import type { Acceptor } from './acceptor.ts';
import type { Adoption } from './adoption.ts';
import type { Ballot } from './ballot.ts';
import type { ReplicaId } from './membership.ts';
import type { Phase1a, Phase1b } from './messages.ts';
import type { Outbox } from './outbox.ts';
import { Phase1 } from './phase1.ts';
import type { Quorum } from './quorum.ts';
import type { Slot } from './slot.ts';

export interface CandidacyOptions {
  readonly ballot: Ballot;
  readonly fromSlot: Slot;
  readonly others: readonly ReplicaId[];
  readonly cookie: Uint8Array;
  /** Its leader has given its lease up: nobody owes it anything (L4). */
  readonly freed: Ballot;
  readonly quorum: Quorum;
  readonly acceptor: Acceptor;
}

/** Phase 1 of one ballot, and whom to ask for what they have not yet told (P4). */
export class Candidacy {
  readonly #options: CandidacyOptions;
  readonly #phase1: Phase1;
  #promiseIsDurable = false;
  #wasTold = false;

  constructor(options: CandidacyOptions, out: Outbox) {
    const { acceptor, ballot, fromSlot, others, quorum } = options;
    this.#options = options;
    this.#phase1 = new Phase1(ballot, quorum, fromSlot);
    acceptor.stand(this.#question(fromSlot), others, out);
  }

  /** Its log has not yet said that it may stand: its 1a's have not left. */
  get isWriting(): boolean {
    return !this.#promiseIsDurable;
  }

  /** A 1b of this ballot. True if `from` has now told everything; else it is asked for the rest. */
  on1b(from: ReplicaId, message: Phase1b, out: Outbox): boolean {
    const isOwn = from === this.#options.ballot.proposer;
    if (isOwn) this.#promiseIsDurable = true;
    if (!this.#phase1.on1b(from, message)) return false;
    if (!isOwn) this.#wasTold = true;
    this.#ask(from, out);
    return this.#phase1.nextSlotOf(from) === undefined;
  }

  /**
   * Asks for what it was not told, so that what it was told is not lost with the ballot. False if
   * it was told nothing since it last asked: time to stand anew.
   */
  askAgain(out: Outbox): boolean {
    requires(() => !this.isWriting, 'stand-7 a 1a leaves once its own promise is durable (P2)');
    if (!this.#wasTold) return false;
    this.#wasTold = false;
    for (const to of this.#options.others) this.#ask(to, out);
    return true;
  }

  /** What to propose, or undefined while no quorum counts for every slot. */
  adoption(releasedThrough: Slot): Adoption | undefined {
    return this.#phase1.adoption(releasedThrough);
  }

  #ask(to: ReplicaId, out: Outbox): void {
    const nextSlot = this.#phase1.nextSlotOf(to);
    if (nextSlot !== undefined) out.persist([], [{ to, message: this.#question(nextSlot) }]);
  }

  #question(fromSlot: Slot): Phase1a {
    const { ballot, cookie, freed } = this.#options;
    return { kind: '1a', ballot, fromSlot, freed, cookie };
  }
}
