import { ensures, ensuresAll, requires } from '@rsl/contracts';
import type { Adoption } from './adoption.ts';
import { type Ballot, compareBallots, sameBallot } from './ballot.ts';
import { adoptionClauses, type AdoptionStep } from './contracts/adoption.ts';
import type { ReplicaId } from './membership.ts';
import type { Phase1b, Reported } from './messages.ts';
import type { Quorum } from './quorum.ts';
import type { Slot } from './slot.ts';
import { noOp, type Value } from './value.ts';

/** What one member has told so far. */
interface Told {
  readonly reported: Reported[];
  /** From where on it has still to tell. */
  nextSlot: Slot | undefined;
}

/** Collects the 1b's of one ballot. */
export class Phase1 {
  readonly ballot: Ballot;
  readonly #quorum: Quorum;
  readonly #fromSlot: Slot;
  readonly #promises = new Map<ReplicaId, Told>();
  readonly #complete = new Set<ReplicaId>();
  #floor: Slot;
  /** The highest slot that anybody has truncated or decided through. */
  #heardThrough: Slot = 0;

  /** `fromSlot`: where its 1a's ask from, the first slot it does not know to be decided. */
  constructor(ballot: Ballot, quorum: Quorum, fromSlot: Slot) {
    this.ballot = ballot;
    this.#quorum = quorum;
    this.#fromSlot = fromSlot;
    this.#floor = fromSlot;
  }

  /** From which slot on `from` has still to tell, or undefined: it has told everything. */
  nextSlotOf(from: ReplicaId): Slot | undefined {
    const told = this.#promises.get(from);
    return told === undefined ? this.#fromSlot : told.nextSlot;
  }

  /**
   * True if `from` has told more. Its parts need not be of one moment: below this ballot it votes
   * no more, so what it said of a slot stays true; what it released meanwhile it says as well.
   */
  on1b(from: ReplicaId, message: Phase1b): boolean {
    requires(
      () => sameBallot(message.ballot, this.ballot),
      'promise-1 a 1b counts in its own ballot (P4)',
    );
    // A part that comes twice, or behind a gap, tells nothing.
    if (message.fromSlot !== this.nextSlotOf(from)) return false;
    const told: Told = this.#promises.get(from) ?? { reported: [], nextSlot: undefined };
    this.#promises.set(from, told);
    told.reported.push(...message.reported);
    told.nextSlot = message.nextSlot;
    // Slots that some acceptor has truncated, or released, are decided already. We missed them,
    // so we learn them; proposing there could overwrite a decision that nobody in our quorum
    // remembers (R7).
    this.#heardThrough = Math.max(
      this.#heardThrough,
      message.firstSlot - 1,
      message.decidedThrough,
    );
    if (told.nextSlot === undefined) this.#complete.add(from);
    ensures(
      () => this.#complete.has(from) === (message.nextSlot === undefined),
      'promise-2 a promise counts once it leaves nothing out (P4)',
    );
    ensures(
      () => told.reported.every(({ slot }, i) => i === 0 || slot > slotAt(told, i - 1)),
      'promise-3 each slot is told of once, in order (P4)',
    );
    return true;
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
    const whole = [...this.#complete].map((from) => [from, this.#toldBy(from)] as const);
    const { size: quorumSize } = this.#quorum;
    const heardThrough = this.#heardThrough;
    return { adoption, promises: new Map(whole), quorumSize, heardThrough, releasedThrough };
  }

  #toldBy(from: ReplicaId): readonly Reported[] {
    return this.#promises.get(from)?.reported ?? [];
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
      for (const one of this.#toldBy(from)) if (one.slot >= this.#floor) yield one;
    }
  }

  /**
   * A member that lost its vote in a slot counts for it only if another reports that slot at the
   * same or a higher ballot, or as decided (P4, S3).
   */
  #countingFor(slot: Slot, best: Reported | undefined): ReadonlySet<ReplicaId> {
    const counting = new Set(this.#complete);
    for (const from of this.#complete) {
      for (const one of this.#toldBy(from)) {
        if (one.slot !== slot || one.state !== 'lost') continue;
        if (best === undefined || !covers(best, one.ballot)) counting.delete(from);
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

const slotAt = ({ reported }: Told, i: number): Slot => reported[i]?.slot ?? 0;
