import type { Clauses } from '@rsl/contracts';
import { compareBallots, sameBallot } from '../ballot.ts';
import type { Phase1a, Reported } from '../messages.ts';
import type { Slot } from '../slot.ts';
import {
  type AcceptorState,
  type AcceptorStep,
  persistsOf,
  promisesIn,
  revealedBy,
  sameVotes,
  sentAtOnce,
} from './acceptor-state.ts';

export type Step1a = AcceptorStep<Phase1a>;

const isBelow = ({ message, before }: Step1a): boolean =>
  compareBallots(message.ballot, before.promised) < 0;
const isNew = ({ message, before }: Step1a): boolean =>
  compareBallots(message.ballot, before.promised) > 0;
const isRepeated = ({ message, before }: Step1a): boolean =>
  sameBallot(message.ballot, before.promised);
const isPromised = (step: Step1a): boolean => !isBelow(step);

const reportedIn = (step: Step1a): readonly Reported[] =>
  promisesIn(step.effects).flatMap(({ reported }) => reported);

/** The slots that a promise has to speak of. */
function slotsToReport({ before, message }: Step1a): readonly number[] {
  const known = new Set([...before.votes.keys(), ...before.lost.keys(), ...before.decided.keys()]);
  const first = Math.max(message.fromSlot, before.releasedThrough + 1);
  return [...known].filter((slot) => slot >= first).sort((a, b) => a - b);
}

const nextSlotOf = ({ effects }: Step1a): Slot | undefined => promisesIn(effects)[0]?.nextSlot;

const isTold = (step: Step1a): ((slot: Slot) => boolean) => {
  const nextSlot = nextSlotOf(step) ?? Infinity;
  return (slot) => slot < nextSlot;
};

/** What an acceptor has to say of one slot (P4, S3). */
function isTrue(one: Reported, { decided, lost, votes }: AcceptorState): boolean {
  const vote = votes.get(one.slot);
  const lostIn = lost.get(one.slot);
  if (decided.has(one.slot)) {
    return one.state === 'decided' && one.value === decided.get(one.slot);
  }
  if (lostIn !== undefined && (vote === undefined || compareBallots(vote.ballot, lostIn) < 0)) {
    return one.state === 'lost' && sameBallot(one.ballot, lostIn);
  }
  return one.state === 'voted' && one.value === vote?.value && sameBallot(one.ballot, vote.ballot);
}

/** What the handler of 1a guarantees, whatever comes in. */
export const on1aClauses = {
  '1a-1 the promise never goes back (P1)': ({ before, after }) =>
    compareBallots(after.promised, before.promised) >= 0,
  '1a-2 a ballot below the promise is told the promise, and changes nothing (P1)': {
    when: isBelow,
    holds: ({ after, before, effects }) => {
      const [nack] = sentAtOnce(effects);
      if (effects.length !== 1 || nack?.kind !== 'nack') return false;
      return (
        sameBallot(nack.promised, before.promised) && sameBallot(after.promised, nack.promised)
      );
    },
  },
  '1a-3 a higher ballot becomes the promise (P1)': {
    when: isNew,
    holds: ({ after, message }) => sameBallot(after.promised, message.ballot),
  },
  '1a-4 the promise is one record, and every 1b waits for that very record (P2)': {
    when: isNew,
    holds: ({ effects, message }) => {
      const [persist] = persistsOf(effects);
      const [record] = persist?.records ?? [];
      if (effects.length !== 1 || persist?.records.length !== 1) return false;
      return record?.kind === 'promise' && sameBallot(record.ballot, message.ballot);
    },
  },
  '1a-5 the ballot already promised is answered again, behind a barrier, and writes nothing (P1)': {
    when: isRepeated,
    holds: ({ effects }) => effects.length === 1 && persistsOf(effects)[0]?.records.length === 0,
  },
  '1a-6 a promise changes no vote and forgets no slot': ({ before, after }) =>
    sameVotes(before, after) && before.firstSlot === after.firstSlot,
  '1a-7 nothing but a nack leaves beside the log (P2)': ({ effects }) =>
    sentAtOnce(effects).every(({ kind }) => kind === 'nack'),
  '1a-8 a 1b goes to the proposer of its ballot and speaks of that ballot': {
    when: isPromised,
    holds: ({ effects, message }) =>
      revealedBy(effects).every(({ to, message: answer }) => {
        return to === message.ballot.proposer && sameBallot(answer.ballot, message.ballot);
      }),
  },
  '1a-9 it tells of each known slot from fromSlot to nextSlot that is not released, once (P4)': {
    when: isPromised,
    holds: (step) => {
      const slots = reportedIn(step).map(({ slot }) => slot);
      return slots.join() === slotsToReport(step).filter(isTold(step)).join();
    },
  },
  '1a-10 the report is true: decided over lost or voted, the higher ballot of those two (P4, S3)': {
    when: (step) => reportedIn(step).length > 0,
    holds: (step) => reportedIn(step).every((one) => isTrue(one, step.before)),
  },
  '1a-11 a lost slot is never passed over in silence (S3)': {
    when: (step) => step.before.lost.size > 0 && isPromised(step),
    holds: (step) =>
      [...step.before.lost.keys()].every(
        (slot) =>
          slot < step.message.fromSlot ||
          slot <= step.before.releasedThrough ||
          !isTold(step)(slot) ||
          reportedIn(step).some((one) => one.slot === slot),
      ),
  },
  '1a-12 each part says where this log begins and through where it is decided (R7)': {
    when: isPromised,
    holds: ({ before, effects }) =>
      promisesIn(effects).every(
        ({ decidedThrough, firstSlot }) =>
          firstSlot === before.firstSlot && decidedThrough === before.releasedThrough,
      ),
  },
  '1a-13 one 1b, which tells of what was asked, and something of it (P4)': {
    when: isPromised,
    holds: (step) => {
      const [promise, ...more] = promisesIn(step.effects);
      if (promise === undefined || more.length > 0) return false;
      const { fromSlot, reported } = promise;
      return (
        fromSlot === step.message.fromSlot &&
        (reported.length > 0 || slotsToReport(step).length === 0)
      );
    },
  },
  '1a-14 nextSlot is the first known slot that the 1b leaves out, if it leaves out any (P4)': {
    when: isPromised,
    holds: (step) => nextSlotOf(step) === slotsToReport(step)[reportedIn(step).length],
  },
} satisfies Clauses<Step1a>;
