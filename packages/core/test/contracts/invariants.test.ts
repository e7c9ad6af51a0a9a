import { type Clause, type Clauses, clauseHolds } from '@rsl/contracts';
import { expect, test } from 'vitest';
import {
  type Moment,
  momentOf,
  type Parts,
  type Passage,
  stateInvariants,
  stepInvariants,
} from '../../src/paxos/invariants.ts';
import { Outbox } from '../../src/paxos/outbox.ts';
import { restoredEmpty, type Restored } from '../../src/paxos/protocol.ts';
import { Replica } from '../../src/paxos/replica.ts';
import { ballot, batch, group, phase2a, settingsOf, stop } from '../paxos/fixture.ts';
import { leader as leaderOf } from '../paxos/replica-fixture.ts';

// Each invariant is shown to fail: on parts of two sound replicas that do not fit each other, and
// on two moments that no step connects.

const replica = (restored: Partial<Restored> = {}) =>
  new Replica(group(3), { ...restoredEmpty, ...restored }, settingsOf(1), 0);

/** It has voted in slot 1. */
function voting(): Replica {
  const r = replica();
  r.step({ kind: 'message', from: 2, message: phase2a(ballot(4, 2), 1, 'x') }, 0);
  return r;
}

/** It leads in ballot 1.1, and has proposed nothing. */
const leader = (): Replica => leaderOf().r;

/** Slot 1 is decided and at hand, and was not released. */
function holding(): Replica {
  const r = replica();
  r.learner.decide(1, batch('x'));
  return r;
}

/** It has released a stop in slot 1, and an installed snapshot beyond. */
function beyondItsStop(): Replica {
  const r = replica();
  r.executor.release(1, stop, new Outbox());
  r.executor.onInstalled(2);
  return r;
}

/** The parts of a replica, some of them another one's. */
function mixed(of: Replica, parts: Partial<Parts>): Parts {
  const { acceptor, executor, grantor, learner, membership, proposer, view } = of;
  return { acceptor, executor, grantor, learner, membership, proposer, view, ...parts };
}

/** A leader's proposer that says something else of itself. */
function proposerSaying(change: Partial<Parts['proposer']>): Parts {
  const { ballot: of, base, barrier, isCandidate, isLeading, proposedThrough } = leader().proposer;
  const said = { ballot: of, base, barrier, isCandidate, isLeading, proposedThrough, ...change };
  return mixed(leader(), { proposer: said as Parts['proposer'] });
}

/** It has voted in a ballot above the promise that it speaks of. */
function promisingLess(): Parts {
  const { firstSlot, votes } = voting().acceptor;
  const said = { promised: ballot(3, 1), firstSlot, votes };
  return mixed(voting(), { acceptor: said as Parts['acceptor'] });
}

const ahead = () => replica({ firstSlot: 5, decidedThrough: 7 });

const brokenStates = {
  'I1 no vote exceeds the promise': promisingLess,
  'I2 log pointers are in order': () => mixed(replica(), { acceptor: ahead().acceptor }),
  'I3 votes are kept only for slots that are not released': () =>
    mixed(voting(), { executor: ahead().executor }),
  'I4 what is decided and at hand waits only for an earlier slot': holding,
  'I5 votes belong to this configuration': () =>
    mixed(voting(), { membership: { ...group(3), number: 2 } }),
  'I6 whoever leads or stands has promised its own ballot, or a higher one': () =>
    mixed(leader(), { acceptor: replica().acceptor }),
  'I7 only a store that the configuration names leads or stands': () =>
    mixed(leader(), { view: { ...leader().view, voter: false } }),
  'I8 a leader proposes nothing below its base': () => proposerSaying({ base: 3, barrier: 2 }),
  'I9 the barrier of a leader lies between its base and its last proposal': () =>
    proposerSaying({ barrier: 1 }),
  'I10 nothing is released past a stop': beyondItsStop,
} satisfies Record<keyof typeof stateInvariants, () => Parts>;

/** The one that a failure would print. */
function firstBroken<T>(clauses: Clauses<T>, of: T): string | undefined {
  return Object.entries<Clause<T>>(clauses).find(([, clause]) => !clauseHolds(clause, of))?.[0];
}

test.each(Object.entries<() => Parts>(brokenStates))('%s', (name, broken) => {
  expect(firstBroken<Parts>(stateInvariants, broken())).toBe(name);
});

const low = ballot(1, 1);
const votes = (text: string) => new Map([[1, { ballot: low, value: batch(text) }]]);

/** A moment of a leader, and what came before it. */
const passage = (before: Partial<Moment>, after: Partial<Moment> = {}): Passage => {
  const now = momentOf(leader());
  return { before: { ...now, ...before }, after: { ...now, ...after } };
};

const brokenSteps = {
  'I11 the promise never goes back': passage({ promised: ballot(9, 1) }),
  'I12 firstSlot never goes back': passage({ firstSlot: 9 }),
  'I13 the released prefix never shrinks': passage({ releasedThrough: 9 }),
  'I14 the executed prefix never shrinks': passage({ executedThrough: 9 }),
  'I15 base and barrier are fixed while a ballot leads': passage({ base: 9 }),
  'I16 a leader never takes a proposal back': passage({ proposedThrough: 9 }),
  'I17 a vote gives way only to one of a higher ballot, or to a decision': passage(
    { votes: votes('x') },
    { votes: votes('y') },
  ),
  'I18 what was granted goes only to higher ballots, and is remembered ever longer': passage({
    lease: { ballot: low, untilMs: 0, rememberedMs: 250 },
  }),
} satisfies Record<keyof typeof stepInvariants, Passage>;

test.each(Object.entries<Passage>(brokenSteps))('%s', (name, broken) => {
  expect(firstBroken<Passage>(stepInvariants, broken)).toBe(name);
});
