import { ensures, ensuresAll, requires } from '@rsl/contracts';
import type { Adoption } from './adoption.ts';
import { type Ballot, compareBallots, sameBallot } from './ballot.ts';
import { adoptionClauses, type AdoptionStep } from './contracts/adoption.ts';
import type { ReplicaId } from './membership.ts';
import type { Phase1b, Reported } from './messages.ts';
import type { Quorum } from './quorum.ts';
import type { Slot } from './slot.ts';
import { noOp, type Value } from './value.ts';

/** One report; an acceptor that is asked twice may know more the second time. */
interface Promise1b {
  readonly report: number;
  readonly parts: (readonly Reported[] | undefined)[];
  missing: number;
}

/** Collects the 1b's of one ballot. */
export class Phase1 {
  readonly ballot: Ballot;
  readonly #quorum: Quorum;
  readonly #promises = new Map<ReplicaId, Promise1b>();
  readonly #complete = new Set<ReplicaId>();
  #floor: Slot;
  /** The highest slot that anybody has truncated or decided through. */
  #heardThrough: Slot = 0;

  /** `floor`: the first slot that this proposer does not know to be decided. */
  constructor(ballot: Ballot, quorum: Quorum, floor: Slot) {
    this.ballot = ballot;
    this.#quorum = quorum;
    this.#floor = floor;
  }

  /** True if `from` has now told everything. A part that comes twice changes nothing. */
  on1b(from: ReplicaId, message: Phase1b): boolean {
    requires(
      () => sameBallot(message.ballot, this.ballot),
      'promise-1 a 1b counts in its own ballot (P4)',
    );
    if (this.#complete.has(from)) return false;
    const promise = this.#promiseOf(from, message);
    if (promise.parts[message.part] !== undefined || message.parts !== promise.parts.length) {
      return false;
    }
    promise.parts[message.part] = message.reported;
    promise.missing -= 1;
    // Slots that some acceptor has truncated, or released, are decided already. We missed them,
    // so we learn them; proposing there could overwrite a decision that nobody in our quorum
    // remembers (R7).
    this.#heardThrough = Math.max(
      this.#heardThrough,
      message.firstSlot - 1,
      message.decidedThrough,
    );
    if (promise.missing === 0) this.#complete.add(from);
    ensures(
      () => promise.parts.every((part) => part !== undefined) === this.#complete.has(from),
      'promise-2 a promise counts once all its parts are there (P4)',
    );
    return promise.missing === 0;
  }

  /**
   * What to propose, or undefined while no quorum counts for every slot. Whatever this replica has
   * released meanwhile is decided, and below the base as well.
   */
  adoption(releasedThrough: Slot): Adoption | undefined {
    this.#floor = Math.max(this.#floor, this.#heardThrough + 1, releasedThrough + 1);
    if (!this.#quorum.includes(this.#complete)) return undefined;
    const best = new Map<Slot, Reported>();
    for (const reported of this.#all())
      if (outranks(reported, best)) best.set(reported.slot, reported);
    for (const slot of best.keys()) {
      if (!this.#quorum.includes(this.#countingFor(slot, best.get(slot)))) return undefined;
    }
    const adoption = this.#adopt(best);
    ensuresAll(adoptionClauses, () => this.#stepOf(adoption, releasedThrough));
    return adoption;
  }

  #stepOf(adoption: Adoption, releasedThrough: Slot): AdoptionStep {
    const whole = [...this.#complete].map((from) => {
      const parts = this.#promises.get(from)?.parts ?? [];
      return [from, parts.flatMap((part) => part ?? [])] as const;
    });
    const { size: quorumSize } = this.#quorum;
    const heardThrough = this.#heardThrough;
    return { adoption, promises: new Map(whole), quorumSize, heardThrough, releasedThrough };
  }

  /** Parts of two reports never make one: the slot between them might be in neither. */
  #promiseOf(from: ReplicaId, { report, parts }: Phase1b): Promise1b {
    const known = this.#promises.get(from);
    if (known?.report === report) return known;
    const begun = { report, parts: new Array(parts).fill(undefined), missing: parts };
    this.#promises.set(from, begun);
    return begun;
  }

  #adopt(best: ReadonlyMap<Slot, Reported>): Adoption {
    const values: Value[] = [];
    const decided = new Map<Slot, Value>();
    let last = this.#floor - 1;
    for (const slot of best.keys()) last = Math.max(last, slot);
    for (let slot = this.#floor; slot <= last; slot += 1) {
      const reported = best.get(slot);
      const value = reported === undefined || reported.state === 'lost' ? noOp : reported.value;
      if (reported?.state === 'decided') decided.set(slot, value);
      values.push(value);
    }
    return { base: this.#floor, values, decided };
  }

  /** Slots at the floor or above, of complete promises. */
  *#all(): Iterable<Reported> {
    for (const from of this.#complete) {
      for (const part of this.#promises.get(from)?.parts ?? []) {
        for (const reported of part ?? []) if (reported.slot >= this.#floor) yield reported;
      }
    }
  }

  /**
   * A member that lost its vote in a slot counts for it only if another reports that slot at the
   * same or a higher ballot, or as decided (P4, S3).
   */
  #countingFor(slot: Slot, best: Reported | undefined): ReadonlySet<ReplicaId> {
    const counting = new Set(this.#complete);
    for (const from of this.#complete) {
      for (const part of this.#promises.get(from)?.parts ?? []) {
        for (const one of part ?? []) {
          if (one.slot !== slot || one.state !== 'lost') continue;
          if (best === undefined || !covers(best, one.ballot)) counting.delete(from);
        }
      }
    }
    return counting;
  }
}

/** Decided before voted, voted by ballot; a lost vote has no value to give. */
function outranks(candidate: Reported, best: ReadonlyMap<Slot, Reported>): boolean {
  const current = best.get(candidate.slot);
  if (current === undefined || current.state === 'lost') return true;
  if (current.state === 'decided' || candidate.state === 'lost') return false;
  if (candidate.state === 'decided') return true;
  return compareBallots(candidate.ballot, current.ballot) > 0;
}

function covers(best: Reported, lost: Ballot): boolean {
  if (best.state === 'decided') return true;
  return best.state === 'voted' && compareBallots(best.ballot, lost) >= 0;
}
