import type { Clauses } from '@rsl/contracts';
import { type Ballot, compareBallots, sameBallot } from '../ballot.ts';
import type { ReplicaId } from '../membership.ts';
import type { Reported } from '../messages.ts';
import type { Adoption } from '../adoption.ts';
import type { Slot } from '../slot.ts';
import { kindOf, sameValue, type Value } from '../value.ts';

/** Whole promises and what was made of them. */
export interface AdoptionStep {
  readonly adoption: Adoption;
  readonly promises: ReadonlyMap<ReplicaId, readonly Reported[]>;
  readonly quorumSize: number;
  /** The highest slot that anybody said to have truncated below, or to have decided through. */
  readonly heardThrough: Slot;
  readonly releasedThrough: Slot;
}

type Of<S extends Reported['state']> = Extract<Reported, { state: S }>;

const all = ({ promises, adoption }: AdoptionStep): readonly Reported[] =>
  [...promises.values()].flat().filter(({ slot }) => slot >= adoption.base);

const of = <S extends Reported['state']>(step: AdoptionStep, state: S): readonly Of<S>[] =>
  all(step).filter((one): one is Of<S> => one.state === state);

const slotsOf = ({ adoption }: AdoptionStep): readonly Slot[] =>
  adoption.values.map((_, i) => adoption.base + i);

const adopted = ({ adoption }: AdoptionStep, slot: Slot): Value | undefined =>
  adoption.values[slot - adoption.base];

const isDecided = (step: AdoptionStep, slot: Slot): boolean =>
  of(step, 'decided').some((one) => one.slot === slot);

/** True if some vote or decision at `slot` stands at or above `ballot`. */
const isCovered = (step: AdoptionStep, slot: Slot, ballot: Ballot): boolean =>
  isDecided(step, slot) ||
  of(step, 'voted').some((one) => one.slot === slot && compareBallots(one.ballot, ballot) >= 0);

/** The promises that count for a slot: not of a member that lost more than anybody knows there. */
const countingFor = (step: AdoptionStep, slot: Slot): number =>
  [...step.promises.values()].filter((reported) =>
    reported.every(
      (one) => one.slot !== slot || one.state !== 'lost' || isCovered(step, slot, one.ballot),
    ),
  ).length;

/** What a proposer may take from phase 1, checked against a plain reading of the rule (P4). */
export const adoptionClauses = {
  'adopt-1 whole promises of a quorum came first (P4)': ({ promises, quorumSize }) =>
    promises.size >= quorumSize,
  'adopt-2 nothing is proposed below what anybody truncated or decided (R7)': ({
    adoption,
    heardThrough,
  }) => adoption.base > heardThrough,
  'adopt-3 nothing is proposed over what is released here (P8)': ({ adoption, releasedThrough }) =>
    adoption.base > releasedThrough,
  'adopt-4 every slot that somebody reported is adopted or a no-op, up to the highest (P4)': (
    step,
  ) => all(step).every(({ slot }) => adopted(step, slot) !== undefined),
  'adopt-5 nothing is adopted above the highest slot reported (P4)': (step) =>
    step.adoption.values.length === 0 ||
    all(step).some(({ slot }) => slot === step.adoption.base + step.adoption.values.length - 1),
  'adopt-6 a decided value is adopted whatever was voted (P4)': {
    when: (step) => of(step, 'decided').length > 0,
    holds: (step) =>
      of(step, 'decided').every(({ slot, value }) => {
        const taken = adopted(step, slot);
        return taken !== undefined && sameValue(taken, value) && step.adoption.decided.has(slot);
      }),
  },
  'adopt-7 of the votes in a slot the one of the highest ballot is adopted (P4)': {
    when: (step) => of(step, 'voted').length > 0,
    holds: (step) =>
      of(step, 'voted').every((one) => {
        if (isDecided(step, one.slot)) return true;
        const rivals = of(step, 'voted').filter(({ slot }) => slot === one.slot);
        if (rivals.some(({ ballot }) => compareBallots(ballot, one.ballot) > 0)) return true;
        const taken = adopted(step, one.slot);
        return taken !== undefined && sameValue(taken, one.value);
      }),
  },
  'adopt-8 one ballot has one value in a slot, whoever reports it (P3)': {
    when: (step) => of(step, 'voted').length > 1,
    holds: (step) =>
      of(step, 'voted').every((a) =>
        of(step, 'voted').every(
          (b) =>
            a.slot !== b.slot || !sameBallot(a.ballot, b.ballot) || sameValue(a.value, b.value),
        ),
      ),
  },
  'adopt-9 a hole is filled with a no-op (P4)': {
    when: (step) => slotsOf(step).some((slot) => !all(step).some((one) => one.slot === slot)),
    holds: (step) =>
      slotsOf(step).every((slot) => {
        const taken = adopted(step, slot);
        const known = all(step).some((one) => one.slot === slot && one.state !== 'lost');
        return known || (taken !== undefined && kindOf(taken) === 'no-op');
      }),
  },
  'adopt-10 a member that lost a vote counts for its slot only if that vote is covered (S3)': {
    when: (step) => of(step, 'lost').length > 0,
    holds: (step) => slotsOf(step).every((slot) => countingFor(step, slot) >= step.quorumSize),
  },
  'adopt-11 only what somebody reported as decided is learned as decided': (step) =>
    [...step.adoption.decided.keys()].every((slot) => isDecided(step, slot)),
} satisfies Clauses<AdoptionStep>;
