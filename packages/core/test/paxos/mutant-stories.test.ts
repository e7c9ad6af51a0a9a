import { expect, test } from 'vitest';
import { Acceptor, type AcceptorOptions } from '../../src/paxos/acceptor.ts';
import { zeroBallot } from '../../src/paxos/ballot.ts';
import { Executor } from '../../src/paxos/executor.ts';
import { Learner } from '../../src/paxos/learner.ts';
import type { Member, ReplicaId } from '../../src/paxos/membership.ts';
import type { Phase1b } from '../../src/paxos/messages.ts';
import { Outbox } from '../../src/paxos/outbox.ts';
import { Proposer } from '../../src/paxos/proposer.ts';
import { Quorum } from '../../src/paxos/quorum.ts';
import {
  ballot,
  batch,
  group,
  heldOf,
  member,
  only,
  phase1a,
  phase1b,
  phase2a,
  settingsOf,
} from './fixture.ts';

const of = ballot(1, 1);

/** The roles of replica 1 that a leader needs. */
function stage(change: Partial<AcceptorOptions> = {}, members?: readonly Member[]) {
  const settings = settingsOf(1);
  const membership = group(3, members === undefined ? {} : { members });
  const learner = new Learner(new Executor(membership, 0), new Map(), 1_000);
  const { voteAheadSlotsMax, partBytesMax } = settings.limits;
  const acceptor = new Acceptor({
    self: 1,
    firstSlot: 1,
    promised: zeroBallot,
    votes: new Map(),
    configuration: 1,
    lost: new Map(),
    voteAheadSlotsMax,
    partBytesMax,
    learner,
    ...change,
  });
  const quorum = new Quorum(membership);
  const proposer = new Proposer({ settings, membership, quorum, acceptor, learner });
  return { acceptor, learner, out: new Outbox(), proposer };
}

/** Leads in the ballot of this round, after a 1b of 2 like this. */
function lead({ proposer, out }: ReturnType<typeof stage>, round = 1, change = {}): void {
  proposer.startPhase1(round, 0, out);
  for (const [from, said] of [[1, {}] as const, [2, change as Partial<Phase1b>] as const]) {
    proposer.on1b(from, phase1b(ballot(round, 1), said), 0, out);
  }
  out.take();
}

const acknowledgement = (through: number, round = 1) =>
  ({ kind: '2b', ballot: ballot(round, 1), through, payload: 0n }) as const;

test('a vote of an earlier configuration is void, and is not told in a 1b (R1)', () => {
  // Slots after a stop belong to the next configuration: what was voted there before is nothing.
  const votes = new Map([
    [1, { ballot: ballot(9, 2, 1), value: batch('void') }],
    [2, { ballot: ballot(1, 2, 2), value: batch('ours') }],
  ]);
  const { acceptor, out } = stage({ configuration: 2, votes });
  acceptor.on1a(3, phase1a(ballot(2, 3, 2)), out);
  const [answer] = only(heldOf(out.take(), 3), '1b');
  expect(answer?.reported.map(({ slot }) => slot)).toEqual([2]);
});

test('a decided slot between two votes is no gap in a watermark (P6)', () => {
  // No vote is recorded over it: a watermark of votes alone would stand still there for ever.
  const { acceptor, learner, out } = stage();
  learner.decide(2, batch('b'));
  for (const slot of [1, 3]) acceptor.on2a(2, phase2a(ballot(1, 2), slot, `v${slot}`), out);
  const throughs = only(heldOf(out.take(), 2), '2b').map(({ through }) => through);
  expect(throughs).toEqual([2, 3]);
});

test('what a leader had proposed in an earlier ballot is not decided in a later one (P5)', () => {
  // It proposed "mine" in slot 1 and was deposed; the others decided another value there. It leads
  // again, from slot 2 on, and a watermark of 2 says nothing of its old proposal.
  const b = stage();
  lead(b);
  b.proposer.propose(batch('mine'), 0, b.out);
  b.proposer.stepDown();
  lead(b, 3, { decidedThrough: 1 });
  b.proposer.propose(batch('next'), 0, b.out);
  for (const from of [1, 2]) b.proposer.on2b(from, acknowledgement(2, 3), 0, b.out);
  b.proposer.countVotes();
  expect(b.learner.isDecided(2)).toBe(true);
  expect(b.learner.isDecided(1)).toBe(false);
});

function heirs({ proposer }: ReturnType<typeof stage>, answering: readonly ReplicaId[]) {
  const { ballot: of, reads } = proposer;
  const answer = { kind: 'heartbeat-answer', ballot: of, executedThrough: 0, full: false } as const;
  for (const from of answering) {
    proposer.onHeartbeatAnswer(from, { ...answer, round: reads?.round ?? 0 });
  }
  return proposer.successors(1).map(({ id }) => id);
}

test('only a voter is an heir (L3)', () => {
  const b = stage({}, [member(1), member(2), member(3), member(4, 'observer')]);
  lead(b);
  expect(heirs(b, [2, 4])).toEqual([2]);
});

test('only who holds everything that is decided is an heir (L3, L4)', () => {
  // Another would have to learn first, and nobody could be answered meanwhile.
  const b = stage();
  lead(b);
  b.proposer.propose(batch('a'), 0, b.out);
  for (const from of [1, 2]) b.proposer.on2b(from, acknowledgement(1), 0, b.out);
  b.proposer.countVotes();
  b.learner.release(b.acceptor.votes, b.out);
  expect(heirs(b, [2, 3])).toEqual([2]);
});

test('an answer to a heartbeat of an earlier ballot says nothing of this one (Q1, L2)', () => {
  // Whoever answered it may have promised more since; and rounds are counted anew in each ballot.
  const b = stage();
  lead(b);
  const early = { kind: 'heartbeat-answer', ballot: of, executedThrough: 0, full: false } as const;
  b.proposer.stepDown();
  lead(b, 3);
  b.proposer.onHeartbeatAnswer(2, { ...early, round: 1 });
  expect(b.proposer.successors(1)).toEqual([]);
});
