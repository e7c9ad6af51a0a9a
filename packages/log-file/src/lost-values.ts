/**
 * Slots of which a record is there whose value cannot be read (S3). What was lost is known by its
 * header; it stays lost until the value is there again: decided, or voted in that ballot or above.
 */
import type { Ballot, Slot } from '@rsl/core/protocol';
import { compareBallots, higherBallot, zeroBallot } from '@rsl/core/protocol';

interface Lost {
  /** The highest ballot of a vote whose value is lost. */
  lostVote: Ballot | undefined;
  lostDecided: boolean;
  /** The highest ballot of a vote whose value is there. */
  heldVote: Ballot | undefined;
  heldDecided: boolean;
}

export class LostValues {
  readonly #bySlot = new Map<Slot, Lost>();

  get size(): number {
    return this.#bySlot.size;
  }

  /** `ballot` is undefined for a learned value. */
  lose(slot: Slot, ballot: Ballot | undefined): void {
    const known = this.#bySlot.get(slot);
    const lost = known ?? {
      lostVote: undefined,
      lostDecided: false,
      heldVote: undefined,
      heldDecided: false,
    };
    if (known === undefined) this.#bySlot.set(slot, lost);
    if (ballot === undefined) lost.lostDecided = true;
    else lost.lostVote = higher(lost.lostVote, ballot);
  }

  /** A value of the slot is there, before or after what was lost. */
  hold(slot: Slot, ballot: Ballot | undefined): void {
    const lost = this.#bySlot.get(slot);
    if (lost === undefined) return;
    if (ballot === undefined) lost.heldDecided = true;
    else lost.heldVote = higher(lost.heldVote, ballot);
  }

  isDamaged(slot: Slot): boolean {
    const lost = this.#bySlot.get(slot);
    return lost !== undefined && isDamaged(lost);
  }

  damaged(firstSlot: Slot): ReadonlyMap<Slot, Ballot> {
    const damaged = new Map<Slot, Ballot>();
    for (const [slot, lost] of this.#bySlot) {
      if (slot < firstSlot || !isDamaged(lost)) continue;
      // Who lost a learned value has still cast the votes that are there.
      const { lostVote, heldVote, lostDecided } = lost;
      const vote = lostDecided && heldVote !== undefined ? higher(lostVote, heldVote) : lostVote;
      damaged.set(slot, vote ?? zeroBallot);
    }
    return damaged;
  }

  /** A former life's votes above `through` are nobody's any more (S2). */
  forgetAbove(through: Slot): void {
    for (const slot of this.#bySlot.keys()) if (slot > through) this.#bySlot.delete(slot);
  }
}

/**
 * A learned value is not replaced by a vote: a decided-through may cover the slot, and would make
 * whatever is voted there later look decided (P11). A vote in the same ballot has the same value
 * (P3), and one in a higher ballot says all that the lost one said.
 */
function isDamaged({ lostVote, lostDecided, heldVote, heldDecided }: Lost): boolean {
  if (heldDecided) return false;
  if (lostDecided || lostVote === undefined) return true;
  return heldVote === undefined || compareBallots(heldVote, lostVote) < 0;
}

const higher = (a: Ballot | undefined, b: Ballot): Ballot =>
  a === undefined ? b : higherBallot(a, b);
