import type { Clauses } from '@rsl/contracts';
import { type Ballot, compareBallots, sameBallot } from '../ballot.ts';
import type { Phase2a } from '../messages.ts';
import type { Slot } from '../slot.ts';
import { sameValue, type Value } from '../value.ts';
import {
  type AcceptorState,
  type AcceptorStep,
  acknowledgementsIn,
  isDecidedIn,
  persistsOf,
  revealedBy,
  sameVotes,
  sentAtOnce,
} from './acceptor-state.ts';

export interface Step2a extends AcceptorStep<Phase2a> {
  /** The decided value of the message's slot, if it was at hand. */
  readonly decided: Value | undefined;
  /** The last slot that a vote is taken in for. */
  readonly slotMax: Slot;
}

const isBelow = ({ message, before }: Step2a): boolean =>
  compareBallots(message.ballot, before.promised) < 0;

const isDecided = (step: Step2a): boolean =>
  !isBelow(step) && isDecidedIn(step.before, step.message.slot);

const isOther = ({ decided, message }: Step2a): boolean =>
  decided !== undefined && !sameValue(decided, message.value);

const isTooFar = (step: Step2a): boolean =>
  !isBelow(step) && !isDecided(step) && step.message.slot > step.slotMax;

const isOpen = (step: Step2a): boolean => !isBelow(step) && !isDecided(step) && !isTooFar(step);

const hadVoted = (step: Step2a): boolean => {
  const vote = step.before.votes.get(step.message.slot);
  return isOpen(step) && vote !== undefined && sameBallot(vote.ballot, step.message.ballot);
};

const isRepeated = (step: Step2a): boolean => hadVoted(step) && sameValueAsVoted(step);

const isSecond = (step: Step2a): boolean => hadVoted(step) && !sameValueAsVoted(step);

const isVote = (step: Step2a): boolean => isOpen(step) && !hadVoted(step);

function sameValueAsVoted({ before, message }: Step2a): boolean {
  const vote = before.votes.get(message.slot);
  return vote !== undefined && sameValue(vote.value, message.value);
}

const nothingWritten = ({ effects }: Step2a): boolean =>
  persistsOf(effects).every(({ records }) => records.length === 0);

const acknowledged = ({ effects }: Step2a): boolean => acknowledgementsIn(effects).length === 1;

const unchanged = ({ before, after }: Step2a): boolean =>
  sameBallot(before.promised, after.promised) && sameVotes(before, after);

/** True if every slot from `base` to `through` is voted for in `ballot`, or decided (P6). */
function covers(state: AcceptorState, ballot: Ballot, base: Slot, through: Slot): boolean {
  for (let slot = Math.max(base, state.releasedThrough + 1); slot <= through; slot += 1) {
    const vote = state.votes.get(slot);
    const voted = vote !== undefined && sameBallot(vote.ballot, ballot);
    if (!voted && !state.decided.has(slot)) return false;
  }
  return true;
}

/** What the handler of 2a guarantees, whatever comes in. */
export const on2aClauses = {
  '2a-1 the promise never goes back (P1)': ({ before, after }) =>
    compareBallots(after.promised, before.promised) >= 0,
  '2a-2 a ballot below the promise changes nothing (P1)': { when: isBelow, holds: unchanged },
  '2a-3 a ballot below the promise is told the promise, and nothing else leaves (P1)': {
    when: isBelow,
    holds: ({ before, effects, message }) => {
      const [nack] = sentAtOnce(effects);
      if (effects.length !== 1 || nack?.kind !== 'nack') return false;
      return sameBallot(nack.ballot, message.ballot) && sameBallot(nack.promised, before.promised);
    },
  },
  '2a-4 a vote raises the promise to its ballot (P1)': {
    when: isVote,
    holds: ({ after, message }) => sameBallot(after.promised, message.ballot),
  },
  '2a-5 a vote is for the proposed value in the proposed ballot': {
    when: isVote,
    holds: ({ after, message }) => {
      const vote = after.votes.get(message.slot);
      return vote?.value === message.value && sameBallot(vote.ballot, message.ballot);
    },
  },
  '2a-6 a vote is one record, and its 2b waits for that very record (P2)': {
    when: isVote,
    holds: ({ after, effects, message }) => {
      const [persist] = persistsOf(effects);
      const [record] = persist?.records ?? [];
      if (effects.length !== 1 || persist?.records.length !== 1) return false;
      if (record?.kind !== 'vote' || record.slot !== message.slot) return false;
      const same = record.vote === after.votes.get(message.slot);
      return same && persist.then.every((send) => send.message.kind === '2b');
    },
  },
  '2a-7 a vote is acknowledged once': { when: isVote, holds: acknowledged },
  '2a-8 the same value again in the same ballot writes nothing (P3)': {
    when: isRepeated,
    holds: (step) => unchanged(step) && nothingWritten(step),
  },
  '2a-9 the same value again in the same ballot is acknowledged again, behind a barrier (P2, P3)': {
    when: isRepeated,
    holds: (step) => acknowledged(step) && persistsOf(step.effects).length === 1,
  },
  '2a-10 a second value in the same ballot changes nothing and is not acknowledged (P3)': {
    when: isSecond,
    holds: (step) => unchanged(step) && revealedBy(step.effects).length === 0,
  },
  '2a-11 a second value in the same ballot is alarmed (P3)': {
    when: isSecond,
    holds: ({ effects }) => effects.some(({ kind }) => kind === 'alarm'),
  },
  '2a-12 no vote is recorded over a decided slot (P1)': {
    when: isDecided,
    holds: (step) => sameVotes(step.before, step.after) && nothingWritten(step),
  },
  '2a-13 the decided value counts as durable: acknowledged behind a barrier (P1, P6)': {
    when: (step) => isDecided(step) && !isOther(step),
    holds: acknowledged,
  },
  '2a-14 another value than the decided one is told the decided one, not acknowledged (P1)': {
    when: (step) => isDecided(step) && isOther(step),
    holds: ({ decided, effects, message }) => {
      const [reply] = sentAtOnce(effects);
      if (effects.length !== 1 || reply?.kind !== 'learn-reply') return false;
      return reply.fromSlot === message.slot && reply.values[0] === decided;
    },
  },
  '2a-15 what is too far ahead changes nothing and gets no answer': {
    when: isTooFar,
    holds: (step) => unchanged(step) && step.effects.length === 0,
  },
  '2a-16 no vote of another slot changes': ({ after, before, message }) =>
    [...before.votes].every(([s, vote]) => s === message.slot || after.votes.get(s) === vote) &&
    [...after.votes.keys()].every((s) => s === message.slot || before.votes.has(s)),
  '2a-17 nothing that reveals a vote leaves beside the log (P2)': ({ effects }) =>
    sentAtOnce(effects).every(({ kind }) => kind === 'nack' || kind === 'learn-reply'),
  '2a-18 a 2b goes to the proposer of its ballot and speaks of that ballot (P6)': {
    when: ({ effects }) => revealedBy(effects).length > 0,
    holds: ({ effects, message }) =>
      revealedBy(effects).every(({ to, message: answer }) => {
        return to === message.ballot.proposer && sameBallot(answer.ballot, message.ballot);
      }),
  },
  '2a-19 a 2b covers no gap: each slot is voted for in its ballot, or decided (P6)': {
    when: ({ effects }) => acknowledgementsIn(effects).length > 0,
    holds: ({ after, effects, message }) =>
      acknowledgementsIn(effects).every(({ ballot, through }) =>
        covers(after, ballot, message.base, through),
      ),
  },
  '2a-20 a 2b falls short of nothing: the slot after it is neither voted for nor decided (P6)': {
    when: ({ effects }) => acknowledgementsIn(effects).length > 0,
    holds: ({ after, effects, message }) =>
      acknowledgementsIn(effects).every(({ ballot, through }) => {
        const next = Math.max(message.base, through + 1);
        return through >= message.base - 1 && !covers(after, ballot, next, next);
      }),
  },
  '2a-21 a vote takes the place of what was lost in its slot (S3)': {
    when: (step) => isVote(step) && step.before.lost.has(step.message.slot),
    holds: ({ after, message }) => !after.lost.has(message.slot),
  },
  '2a-22 no vote stands below one that was lost in its slot (S3)': {
    when: (step) => isVote(step) && step.before.lost.has(step.message.slot),
    holds: ({ before, message }) =>
      compareBallots(message.ballot, before.lost.get(message.slot) ?? message.ballot) >= 0,
  },
  '2a-23 a vote decides nothing and forgets no slot': ({ after, before }) =>
    after.releasedThrough === before.releasedThrough &&
    after.decided.size === before.decided.size &&
    after.firstSlot === before.firstSlot,
} satisfies Clauses<Step2a>;
