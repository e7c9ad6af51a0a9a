import { expect, test } from 'vitest';
import { Acceptor } from '../../src/paxos/acceptor.ts';
import { zeroBallot } from '../../src/paxos/ballot.ts';
import { Executor } from '../../src/paxos/executor.ts';
import { Learner } from '../../src/paxos/learner.ts';
import type { ReplicaId } from '../../src/paxos/membership.ts';
import type { Message } from '../../src/paxos/messages.ts';
import { Outbox } from '../../src/paxos/outbox.ts';
import { Proposer } from '../../src/paxos/proposer.ts';
import { Quorum } from '../../src/paxos/quorum.ts';
import { batch, executedOf, group, heldOf, sentOf, settingsOf, textOf } from './fixture.ts';

/** The roles of one replica, without election, reads and catching up. */
function roles(self: ReplicaId) {
  const settings = settingsOf(self);
  const membership = group(3);
  const learner = new Learner(new Executor(membership, 0), new Map(), 1_000);
  const acceptor = new Acceptor({
    self,
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
  return { acceptor, learner, proposer, out: new Outbox(), executed: [] as string[] };
}

type Roles = ReturnType<typeof roles>;

/** Everything is durable at once, and everything arrives, but what goes to `away`. */
function run(all: ReadonlyMap<ReplicaId, Roles>, away?: ReplicaId): void {
  for (let busy = true; busy; ) {
    busy = false;
    for (const [from, role] of all) {
      const effects = role.out.take();
      for (const to of all.keys()) {
        for (const message of [...sentOf(effects, to), ...heldOf(effects, to)]) {
          busy = true;
          const other = all.get(to);
          if (other !== undefined && to !== away && from !== away) give(other, from, message);
        }
      }
    }
  }
}

function give({ acceptor, learner, proposer, out, executed }: Roles, from: ReplicaId, m: Message) {
  if (m.kind === '1a') acceptor.on1a(from, m, out);
  if (m.kind === '1b') proposer.on1b(from, m, 0, out);
  if (m.kind === '2a') acceptor.on2a(from, m, out);
  if (m.kind === '2b' && proposer.on2b(from, m, 0, out)) proposer.countVotes();
  if (m.kind === '2a' || m.kind === 'heartbeat') learner.hear(m.ballot, m.base, m.decidedThrough);
  const released = new Outbox();
  learner.release(acceptor.votes, released);
  executed.push(...executedOf(released.take()));
  acceptor.forgetReleased();
}

const three = () => new Map([1, 2, 3].map((id) => [id, roles(id)] as const));
const of = (all: ReadonlyMap<ReplicaId, Roles>, id: ReplicaId): Roles => all.get(id) ?? roles(id);

test('one proposer and three acceptors decide a value', () => {
  // Paxos Made Simple, 2.2: promise, propose, vote by vote.
  const all = three();
  const { proposer, out, learner } = of(all, 1);
  proposer.startPhase1(1, 0, out);
  run(all);
  expect(proposer.isLeading).toBe(true);
  proposer.propose(batch('x'), 0, out);
  run(all);
  expect(learner.releasedThrough).toBe(1);
  for (const id of [2, 3]) {
    expect([...of(all, id).acceptor.votes.values()].map((v) => textOf(v.value))).toEqual(['x']);
  }
});

test('a second proposer finds what the first one decided', () => {
  // One acceptor of the first quorum is in every other quorum, and it remembers.
  const all = three();
  const first = of(all, 1);
  first.proposer.startPhase1(1, 0, first.out);
  run(all, 3);
  first.proposer.propose(batch('x'), 0, first.out);
  run(all, 3);
  expect(first.executed).toEqual(['x']);

  const second = of(all, 3);
  second.proposer.startPhase1(2, 0, second.out);
  run(all, 1);
  expect(second.proposer.isLeading).toBe(true);
  expect(second.executed).toEqual(['x']);
  first.proposer.propose(batch('too late'), 0, first.out);
  run(all);
  expect(first.executed).toEqual(['x']);
});

test('learners hear what is decided, and all of them the same', () => {
  // A heartbeat names the last decided slot; votes of its ballot are then the decided values.
  const all = three();
  const { proposer, out } = of(all, 1);
  proposer.startPhase1(1, 0, out);
  run(all);
  for (const text of ['a', 'b', 'c']) proposer.propose(batch(text), 0, out);
  run(all);
  expect(of(all, 2).executed).not.toEqual(['a', 'b', 'c']);
  proposer.beat(0, out);
  run(all);
  for (const id of [1, 2, 3]) expect(of(all, id).executed).toEqual(['a', 'b', 'c']);
});
