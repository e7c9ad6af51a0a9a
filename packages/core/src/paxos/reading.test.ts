import { expect, test } from 'vitest';
import { Acceptor } from './acceptor.ts';
import { zeroBallot } from './ballot.ts';
import { Executor } from './executor.ts';
import { Learner } from './learner.ts';
import { Outbox } from './outbox.ts';
import { Proposer } from './proposer.ts';
import { Quorum } from './quorum.ts';
import { Reading } from './reading.ts';
import {
  ballot,
  group,
  only,
  phase1b,
  sentOf,
  settingsOf,
  type Tuning,
} from '../../test/paxos/fixture.ts';

const of = ballot(1, 1);
const led = (id: number) => ({ id, ballot: ballot(1, id) });

/** Replica 1 of three: its reads, and the leader that it is once `lead` was called. */
function reading(members = 3, tuning: Tuning = {}) {
  const settings = settingsOf(1, tuning);
  const membership = group(members);
  const executor = new Executor(membership, 0);
  const learner = new Learner(executor, new Map(), 1_000);
  const acceptor = new Acceptor({
    self: 1,
    firstSlot: 1,
    promised: zeroBallot,
    votes: new Map(),
    configuration: 1,
    lost: new Map(),
    voteAheadSlotsMax: 16,
    partBytesMax: 1_000,
    learner,
  });
  const quorum = new Quorum(membership);
  const proposer = new Proposer({ settings, membership, quorum, acceptor, learner });
  const out = new Outbox();
  const lead = (): void => {
    proposer.startPhase1(1, 0, out);
    for (const id of quorum.voters) proposer.on1b(id, phase1b(of), 0, out);
    out.take();
  };
  return { reading: new Reading(settings, proposer, executor), proposer, out, lead };
}

const answer = (round: number) =>
  ({ kind: 'heartbeat-answer', ballot: of, round, executedThrough: 0, full: false }) as const;

test('without a leader a read waits', () => {
  const { reading: r, out } = reading();
  r.add(1);
  r.settle(undefined, 0, out);
  expect(out.take()).toEqual([]);
  r.settle(led(2), 0, out);
  expect(only(sentOf(out.take(), 2), 'read-request')).toHaveLength(1);
});

test('the answer of the leader frees its reads', () => {
  const { reading: r, out } = reading();
  r.add(1);
  r.settle(led(2), 0, out);
  const number = only(sentOf(out.take(), 2), 'read-request')[0]?.number ?? -1;
  r.onAnswer({ kind: 'read-answer', number, slot: 0 });
  r.settle(led(2), 0, out);
  expect(out.take()).toEqual([{ kind: 'read-ready', read: 1 }]);
});

test('whoever does not lead refuses', () => {
  const { reading: r, out } = reading();
  r.onRequest(3, 9, out);
  const refusal = { kind: 'read-answer', number: 9, slot: undefined };
  expect(sentOf(out.take(), 3)).toEqual([refusal]);
});

test('a leader answers others and itself by the same rounds', () => {
  const { reading: r, proposer, out, lead } = reading();
  lead();
  r.add(1);
  r.onRequest(3, 9, out);
  r.settle(led(1), 0, out);
  const [heartbeat] = only(sentOf(out.take(), 2), 'heartbeat');
  proposer.onHeartbeatAnswer(2, answer(heartbeat?.round ?? -1));
  r.settle(led(1), 0, out);
  const effects = out.take();
  expect(sentOf(effects, 3)).toEqual([{ kind: 'read-answer', number: 9, slot: 0 }]);
  expect(effects).toContainEqual({ kind: 'read-ready', read: 1 });
});

test('in a group of one a round is over when it begins', () => {
  const { reading: r, out, lead } = reading(1);
  lead();
  r.add(1);
  r.settle(led(1), 0, out);
  expect(out.take()).toEqual([{ kind: 'read-ready', read: 1 }]);
});

test('before it steps down it refuses what waits', () => {
  // Its own reads are asked again, of whoever leads next.
  const { reading: r, proposer, out, lead } = reading();
  lead();
  r.add(1);
  r.onRequest(3, 9, out);
  r.settle(led(1), 0, out);
  out.take();
  r.refuseAll(out);
  expect(sentOf(out.take(), 3)).toEqual([{ kind: 'read-answer', number: 9, slot: undefined }]);
  proposer.stepDown();
  r.settle(led(2), 0, out);
  expect(only(sentOf(out.take(), 2), 'read-request')).toHaveLength(1);
  r.refuseAll(out);
  expect(out.take()).toEqual([]);
});

test('while a lease lasts a leader answers at once, and without one it asks (Q2)', () => {
  const lease = { forMs: 200, drift: 0.001 };
  const { reading: r, proposer, out, lead } = reading(3, { lease });
  lead();
  proposer.beat(0, out);
  const round = only(sentOf(out.take(), 2), 'heartbeat')[0]?.round ?? 0;
  proposer.onGrant(2, { kind: 'grant', ballot: of, round });
  r.onRequest(3, 9, out);
  r.settle(led(1), 100, out);
  expect(only(sentOf(out.take(), 3), 'read-answer')).toMatchObject([{ number: 9, slot: 0 }]);
  r.onRequest(3, 10, out);
  r.settle(led(1), 300, out);
  const said = out.take();
  expect(only(sentOf(said, 3), 'read-answer')).toEqual([]);
  expect(only(sentOf(said, 2), 'heartbeat')).toHaveLength(1);
});
