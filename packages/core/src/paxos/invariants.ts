/**
 * What is true of every replica after every step, and of every step. Checked by `Replica.step` when
 * contracts are on, so in every unit test, script, property and simulation. Nobody switches one
 * off. The names are what a failure prints and what docs/invariants.md lists.
 */
import type { Clauses } from '@rsl/contracts';
import { type Ballot, compareBallots, sameBallot } from './ballot.ts';
import type { Acceptor } from './acceptor.ts';
import type { Executor } from './executor.ts';
import type { Grantor } from './grantor.ts';
import type { Learner } from './learner.ts';
import type { Membership } from './membership.ts';
import type { Proposer } from './proposer.ts';
import type { ReplicaView } from './protocol.ts';
import type { Slot } from './slot.ts';
import type { Vote } from './vote.ts';

/** A replica, as far as the invariants speak of it. */
export interface Parts {
  readonly acceptor: Acceptor;
  readonly executor: Executor;
  readonly grantor: Grantor;
  readonly learner: Learner;
  readonly membership: Membership;
  readonly proposer: Proposer;
  readonly view: ReplicaView;
}

/** One moment of a replica, as far as the invariants speak of it. */
export interface Moment {
  readonly promised: Ballot;
  readonly firstSlot: Slot;
  readonly releasedThrough: Slot;
  readonly executedThrough: Slot;
  readonly leading: Ballot | undefined;
  readonly proposedThrough: Slot;
  readonly barrier: Slot;
  readonly base: Slot;
  readonly stoppedAt: Slot | undefined;
  readonly votes: ReadonlyMap<Slot, Vote>;
  readonly lease: Granted;
}

/** What a replica has granted to leaders (Q2). */
export type Granted = Pick<Grantor, 'ballot' | 'untilMs' | 'rememberedMs'>;

/** Two moments, one step apart. */
export interface Passage {
  readonly before: Moment;
  readonly after: Moment;
}

export function momentOf(r: Parts): Moment {
  const { acceptor, executor, grantor, proposer } = r;
  const { ballot, rememberedMs, untilMs } = grantor;
  return {
    promised: acceptor.promised,
    firstSlot: acceptor.firstSlot,
    releasedThrough: executor.releasedThrough,
    executedThrough: executor.executedThrough,
    leading: proposer.isLeading ? proposer.ballot : undefined,
    proposedThrough: proposer.proposedThrough,
    barrier: proposer.barrier,
    base: proposer.base,
    stoppedAt: executor.stoppedAt,
    votes: new Map(acceptor.votes),
    lease: { ballot, rememberedMs, untilMs },
  };
}

const isActive = ({ proposer }: Parts): boolean => proposer.isLeading || proposer.isCandidate;
const isLeading = ({ proposer }: Parts): boolean => proposer.isLeading;
const hasStopped = ({ executor }: Parts): boolean => executor.stoppedAt !== undefined;

export const stateInvariants = {
  'I1 no vote exceeds the promise': ({ acceptor }) =>
    all(acceptor.votes.values(), (v) => compareBallots(v.ballot, acceptor.promised) <= 0),
  'I2 log pointers are in order': ({ acceptor, executor }) =>
    acceptor.firstSlot <= executor.executedThrough + 1 &&
    executor.executedThrough <= executor.releasedThrough,
  'I3 votes are kept only for slots that are not released': ({ acceptor, executor }) =>
    all(acceptor.votes.keys(), (slot) => slot > executor.releasedThrough),
  'I4 what is decided and at hand waits only for an earlier slot': {
    when: ({ executor }) => executor.stoppedAt === undefined,
    holds: ({ learner, executor }) => !learner.unreleased.has(executor.releasedThrough + 1),
  },
  'I5 votes belong to this configuration': ({ acceptor, membership }) =>
    all(acceptor.votes.values(), (v) => v.ballot.configuration === membership.number),
  'I6 whoever leads or stands has promised its own ballot, or a higher one': {
    when: isActive,
    holds: ({ acceptor, proposer }) => compareBallots(acceptor.promised, proposer.ballot) >= 0,
  },
  'I7 only a store that the configuration names leads or stands': {
    when: isActive,
    holds: ({ view }) => view.voter,
  },
  'I8 a leader proposes nothing below its base': {
    when: isLeading,
    holds: ({ proposer }) => proposer.proposedThrough >= proposer.base - 1,
  },
  'I9 the barrier of a leader lies between its base and its last proposal': {
    when: isLeading,
    holds: ({ proposer }) =>
      proposer.barrier >= proposer.base - 1 && proposer.barrier <= proposer.proposedThrough,
  },
  'I10 nothing is released past a stop': {
    when: hasStopped,
    holds: ({ executor }) => executor.releasedThrough === executor.stoppedAt,
  },
} satisfies Clauses<Parts>;

export const stepInvariants = {
  'I11 the promise never goes back': ({ before, after }) =>
    compareBallots(before.promised, after.promised) <= 0,
  'I12 firstSlot never goes back': ({ before, after }) => before.firstSlot <= after.firstSlot,
  'I13 the released prefix never shrinks': ({ before, after }) =>
    before.releasedThrough <= after.releasedThrough,
  'I14 the executed prefix never shrinks': ({ before, after }) =>
    before.executedThrough <= after.executedThrough,
  'I15 base and barrier are fixed while a ballot leads': {
    when: sameLeader,
    holds: ({ before, after }) => before.base === after.base && before.barrier === after.barrier,
  },
  'I16 a leader never takes a proposal back': {
    when: sameLeader,
    holds: ({ before, after }) => before.proposedThrough <= after.proposedThrough,
  },
  'I17 a vote gives way only to one of a higher ballot, or to a decision': {
    when: ({ before }) => before.votes.size > 0,
    holds: ({ before, after }) =>
      all(before.votes, ([slot, { ballot, value }]) => {
        const now = after.votes.get(slot);
        if (now === undefined) return true;
        const order = compareBallots(now.ballot, ballot);
        return order > 0 || (order === 0 && now.value === value);
      }),
  },
  'I18 what was granted goes only to higher ballots, and is remembered ever longer': ({
    before: { lease: a },
    after: { lease: b },
  }) => compareBallots(a.ballot, b.ballot) <= 0 && a.rememberedMs <= b.rememberedMs,
} satisfies Clauses<Passage>;

function sameLeader({ before: { leading: a }, after: { leading: b } }: Passage): boolean {
  return a !== undefined && b !== undefined && sameBallot(a, b);
}

function all<T>(items: Iterable<T>, holds: (item: T) => boolean): boolean {
  for (const item of items) if (!holds(item)) return false;
  return true;
}
