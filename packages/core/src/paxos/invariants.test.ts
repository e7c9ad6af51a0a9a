import { expect, test } from 'vitest';
import { type Clause, clauseHolds } from '@rsl/contracts';
import {
  type Moment,
  momentOf,
  type Parts,
  type Passage,
  stateInvariants,
  stepInvariants,
} from './invariants.ts';
import { Outbox } from './outbox.ts';
import { restoredEmpty, type Restored } from './protocol.ts';
import { Replica } from './replica.ts';
import { ballot, batch, group, phase2a, settingsOf, stop } from '../../test/paxos/fixture.ts';
import { leader as leaderOf } from '../../test/paxos/replica-fixture.ts';

const replica = (restored: Partial<Restored> = {}) =>
  new Replica(group(3), { ...restoredEmpty, ...restored }, settingsOf(1), 0);

/** It leads in ballot 1.1, and has proposed nothing. */
const leader = (): Replica => leaderOf().r;

/** The name of the first invariant that does not hold. */
function firstBroken(r: Parts, before: Moment): string | undefined {
  for (const [name, clause] of Object.entries<Clause<Parts>>(stateInvariants)) {
    if (!clauseHolds(clause, r)) return name;
  }
  const passage = { before, after: momentOf(r) };
  for (const [name, clause] of Object.entries<Clause<Passage>>(stepInvariants)) {
    if (!clauseHolds(clause, passage)) return name;
  }
  return undefined;
}

/** A replica put together from the parts of two: none of them is broken, but they do not fit. */
const mixed = (a: Replica, parts: Partial<Parts>): Parts => ({
  acceptor: a.acceptor,
  executor: a.executor,
  grantor: a.grantor,
  learner: a.learner,
  membership: a.membership,
  proposer: a.proposer,
  view: a.view,
  ...parts,
});

const voting = () => {
  const r = replica();
  r.step({ kind: 'message', from: 2, message: phase2a(ballot(4, 2), 1, 'x') }, 0);
  return r;
};
const ahead = () => replica({ firstSlot: 5, decidedThrough: 7 });

test('replicas that follow, vote and lead keep every invariant', () => {
  for (const r of [replica(), voting(), ahead(), leader()]) {
    expect(firstBroken(r, momentOf(r))).toBeUndefined();
  }
});

/** Has released its stop in slot 1. */
function stopped(): Replica {
  const r = replica();
  r.executor.release(1, stop, new Outbox());
  return r;
}

test('after a stop nothing more is released, and what is decided beyond may wait for ever', () => {
  const r = stopped();
  r.learner.decide(2, batch('void'));
  expect(firstBroken(r, momentOf(r))).toBeUndefined();
  r.executor.onInstalled(2);
  expect(firstBroken(r, momentOf(r))).toMatch(/^I10 /);
});

test('parts that do not fit break the invariant that says so', () => {
  const unreleased = replica();
  unreleased.learner.decide(1, batch('x'));
  const other = { ...group(3), number: 2 };
  const cases: readonly (readonly [keyof typeof stateInvariants, Parts])[] = [
    ['I2 log pointers are in order', mixed(replica(), { acceptor: ahead().acceptor })],
    [
      'I3 votes are kept only for slots that are not released',
      mixed(voting(), { executor: ahead().executor }),
    ],
    [
      'I4 what is decided and at hand waits only for an earlier slot',
      mixed(replica(), { learner: unreleased.learner }),
    ],
    ['I5 votes belong to this configuration', mixed(voting(), { membership: other })],
    [
      'I6 whoever leads or stands has promised its own ballot, or a higher one',
      mixed(leader(), { acceptor: replica().acceptor }),
    ],
    [
      'I7 only a store that the configuration names leads or stands',
      mixed(leader(), { view: { ...replica().view, voter: false } }),
    ],
  ];
  for (const [name, parts] of cases) {
    expect(clauseHolds<Parts>(stateInvariants[name], parts), name).toBe(false);
  }
});

test('what goes back is named', () => {
  const r = leader();
  const now = momentOf(r);
  const cases: readonly (readonly [string, Partial<Moment>])[] = [
    ['I11', { promised: ballot(9, 1) }],
    ['I12', { firstSlot: 9 }],
    ['I13', { releasedThrough: 9 }],
    ['I14', { executedThrough: 9 }],
    ['I15', { base: 9 }],
    ['I15', { barrier: 9 }],
    ['I16', { proposedThrough: 9 }],
  ];
  for (const [name, before] of cases) {
    expect(firstBroken(r, { ...now, ...before })).toMatch(new RegExp(`^${name} `));
  }
  const another = { leading: ballot(0, 1), base: 9, proposedThrough: 9 };
  expect(firstBroken(r, { ...now, ...another })).toBeUndefined();
  expect(firstBroken(r, { ...now, ...another, leading: undefined })).toBeUndefined();
});
