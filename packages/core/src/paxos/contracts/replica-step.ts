import { type Clauses, ensuresAll, invariantAll } from '@rsl/contracts';
import { compareBallots, sameBallot } from '../ballot.ts';
import type { Effect } from '../effect.ts';
import {
  type Moment,
  momentOf,
  type Parts,
  stateInvariants,
  stepInvariants,
} from '../invariants.ts';
import type { LogRecord } from '../log-record.ts';
import type { Message } from '../messages.ts';
import { persistsOf, revealedBy, sentAtOnce } from './acceptor-state.ts';

/** One step of a replica, from outside: how it was, how it is, what it asked its host for. */
export interface ReplicaStep {
  readonly before: Moment;
  readonly after: Parts;
  readonly effects: readonly Effect[];
  readonly nowMs: number;
}

const recordsOf = ({ effects }: ReplicaStep): readonly LogRecord[] =>
  persistsOf(effects).flatMap(({ records }) => records);

const messagesOf = ({ effects }: ReplicaStep): readonly Message[] => [
  ...sentAtOnce(effects),
  ...revealedBy(effects).map(({ message }) => message),
];

const ofKind = <K extends Effect['kind']>(
  { effects }: ReplicaStep,
  kind: K,
): readonly Extract<Effect, { kind: K }>[] =>
  effects.filter((effect): effect is Extract<Effect, { kind: K }> => effect.kind === kind);

const saying = <K extends Message['kind']>(
  step: ReplicaStep,
  kind: K,
): readonly Extract<Message, { kind: K }>[] =>
  messagesOf(step).filter((m): m is Extract<Message, { kind: K }> => m.kind === kind);

const recorded = <K extends LogRecord['kind']>(
  step: ReplicaStep,
  kind: K,
): readonly Extract<LogRecord, { kind: K }>[] =>
  recordsOf(step).filter((r): r is Extract<LogRecord, { kind: K }> => r.kind === kind);

/** Where the state machine was before the first slot of this step: a snapshot may have come. */
const startOf = (step: ReplicaStep): number =>
  Math.max(step.before.releasedThrough, ...ofKind(step, 'installed').map(({ slot }) => slot));

/** Every clause about a step and every invariant, when contracts are on. */
export function checkStep(
  after: Parts,
  before: Moment,
  effects: readonly Effect[],
  nowMs: number,
): void {
  ensuresAll(stepClauses, () => ({ before, after, effects, nowMs }));
  invariantAll(stateInvariants, () => after);
  invariantAll(stepInvariants, () => ({ before, after: momentOf(after) }));
}

/** Messages that only a member with a vote may say. */
const voting = new Set([
  '1a',
  '1b',
  '2a',
  '2b',
  'nack',
  'heartbeat',
  'heartbeat-answer',
  'grant',
  'you-may',
]);

/** What every step keeps to, whatever the input was. */
export const stepClauses = {
  'step-1 slots are released one after the other, each once (P7)': {
    when: (step) => ofKind(step, 'execute').length > 0,
    holds: (step) => {
      const from = startOf(step);
      return ofKind(step, 'execute').every(({ slot }, i) => slot === from + 1 + i);
    },
  },
  'step-2 what is released is handed to the state machine, all of it (P7)': {
    when: ({ before, after }) => after.executor.releasedThrough > before.releasedThrough,
    holds: (step) => {
      const released = step.after.executor.releasedThrough - startOf(step);
      return ofKind(step, 'execute').length === released;
    },
  },
  'step-3 a vote is written only in a ballot at or above the promise (P1)': {
    when: (step) => recorded(step, 'vote').length > 0,
    holds: (step) =>
      recorded(step, 'vote').every(
        ({ vote }) => compareBallots(vote.ballot, step.before.promised) >= 0,
      ),
  },
  'step-4 a promise is written only above the one before (P1)': {
    when: (step) => recorded(step, 'promise').length > 0,
    holds: (step) =>
      recorded(step, 'promise').every(
        ({ ballot }) => compareBallots(ballot, step.before.promised) > 0,
      ),
  },
  'step-5 what raises the promise is written in the same step (P2)': {
    when: ({ before, after }) => !sameBallot(before.promised, after.acceptor.promised),
    holds: (step) => {
      const { promised } = step.after.acceptor;
      const isPromised = recorded(step, 'promise').some(({ ballot }) =>
        sameBallot(ballot, promised),
      );
      return (
        isPromised || recorded(step, 'vote').some(({ vote }) => sameBallot(vote.ballot, promised))
      );
    },
  },
  'step-6 decided-through never passes what is released (P11)': {
    when: (step) => recorded(step, 'decided-through').length > 0,
    holds: (step) =>
      recorded(step, 'decided-through').every(
        ({ slot }) => slot <= step.after.executor.releasedThrough,
      ),
  },
  'step-7 a decided record is of a slot that is decided here (P11)': {
    when: (step) => recorded(step, 'decided').length > 0,
    holds: (step) =>
      recorded(step, 'decided').every(({ slot }) => step.after.learner.isDecided(slot)),
  },
  'step-8 nobody is told of a decision beyond what is released here (P8)': (step) =>
    messagesOf(step).every(
      (message) =>
        !('decidedThrough' in message) ||
        message.decidedThrough <= step.after.executor.releasedThrough,
    ),
  'step-9 values are proposed only by a leader, in its ballot, from its base on (P4)': {
    when: (step) => saying(step, '2a').length > 0,
    holds: (step) => {
      const { proposer } = step.after;
      return saying(step, '2a').every(
        ({ ballot, base, slot }) =>
          sameBallot(ballot, proposer.ballot) && base === proposer.base && slot >= base,
      );
    },
  },
  'step-10 whoever has no vote here says nothing that counts as one (S2)': {
    when: ({ after }) => !after.view.voter,
    holds: (step) => messagesOf(step).every(({ kind }) => !voting.has(kind)),
  },
  'step-11 a store without a vote here writes no promise and no vote (S2)': {
    when: ({ after }) => !after.view.voter,
    holds: (step) => recordsOf(step).every(({ kind }) => kind !== 'promise' && kind !== 'vote'),
  },
  'step-12 learners are served from the released prefix only (R1)': {
    when: (step) => ofKind(step, 'serve').length > 0,
    holds: (step) =>
      ofKind(step, 'serve').every(
        ({ fromSlot, through }) =>
          fromSlot >= step.after.acceptor.firstSlot &&
          through <= step.after.executor.releasedThrough,
      ),
  },
  'step-13 only executed slots are cut from the log': {
    when: (step) => ofKind(step, 'truncate-log').length > 0,
    holds: (step) =>
      ofKind(step, 'truncate-log').every(
        ({ before }) => before <= step.after.executor.executedThrough + 1,
      ),
  },
  'step-14 a leader is announced when it leads, in its ballot': {
    when: (step) => ofKind(step, 'leading').length > 0,
    holds: (step) =>
      ofKind(step, 'leading').every(({ ballot }) => sameBallot(ballot, step.after.proposer.ballot)),
  },
  'step-15 recovered means executed through the barrier (Q1)': {
    when: (step) => ofKind(step, 'recovered').length > 0,
    holds: ({ after }) => after.executor.executedThrough >= after.proposer.barrier,
  },
  'step-16 nothing is proposed once the stop is released (R9)': {
    when: ({ before }) => before.stoppedAt !== undefined,
    holds: (step) => saying(step, '2a').length === 0 && recorded(step, 'vote').length === 0,
  },
  'step-17 a heartbeat is answered only while nothing above its ballot is promised (Q1)': {
    when: (step) => saying(step, 'heartbeat-answer').length > 0,
    holds: (step) =>
      saying(step, 'heartbeat-answer').every(
        ({ ballot }) => compareBallots(ballot, step.after.acceptor.promised) >= 0,
      ),
  },
  'step-18 a nack tells a promise above the ballot that it refuses (P1)': {
    when: (step) => saying(step, 'nack').length > 0,
    holds: (step) =>
      saying(step, 'nack').every(({ ballot, promised }) => compareBallots(promised, ballot) > 0),
  },
  'step-19 a read is granted by a leader only, at its barrier or later (Q1)': {
    when: (step) => saying(step, 'read-answer').some(({ slot }) => slot !== undefined),
    holds: (step) =>
      saying(step, 'read-answer').every(
        ({ slot }) =>
          slot === undefined ||
          (step.after.proposer.isLeading && slot >= step.after.proposer.barrier),
      ),
  },
  'step-20 values go to others, each slot once to each in a step (P3)': {
    when: (step) => saying(step, '2a').length > 0,
    holds: (step) => {
      const places = step.effects.flatMap((effect) =>
        effect.kind === 'send' && effect.message.kind === '2a'
          ? [`${effect.to} ${effect.message.slot}`]
          : [],
      );
      return new Set(places).size === places.length;
    },
  },
  'step-21 recovered is said once in a ballot, by its leader (Q1)': {
    when: (step) => ofKind(step, 'recovered').length > 0,
    holds: (step) =>
      ofKind(step, 'recovered').length === 1 &&
      step.after.proposer.isLeading &&
      ofKind(step, 'recovered').every(({ ballot }) =>
        sameBallot(ballot, step.after.proposer.ballot),
      ),
  },
  'step-22 nobody is promised against a lease that was granted, itself included (Q2)': {
    when: ({ before, nowMs }) => nowMs < before.lease.untilMs,
    holds: (step) => {
      const { ballot: granted } = step.before.lease;
      const isReleased = step.after.grantor.untilMs === -Infinity;
      const promises = [...saying(step, '1b'), ...recorded(step, 'promise')];
      return isReleased || promises.every(({ ballot }) => ballot.proposer === granted.proposer);
    },
  },
  'step-23 a lease is granted only while nothing above its ballot is promised (Q2)': {
    when: (step) => saying(step, 'grant').length > 0,
    holds: (step) =>
      saying(step, 'grant').every(
        ({ ballot }) => compareBallots(ballot, step.after.acceptor.promised) >= 0,
      ),
  },
  'step-24 a lease is written before it is granted, if it is the longest so far (Q2, P2)': {
    when: ({ before, after }) => after.grantor.rememberedMs !== before.lease.rememberedMs,
    holds: (step) =>
      recorded(step, 'lease').some(({ leaseMs }) => leaseMs === step.after.grantor.rememberedMs),
  },
} satisfies Clauses<ReplicaStep>;
