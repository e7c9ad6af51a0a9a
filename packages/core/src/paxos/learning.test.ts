import { expect, test } from 'vitest';
import { Acceptor } from './acceptor.ts';
import { zeroBallot } from './ballot.ts';
import { Executor } from './executor.ts';
import { Learner } from './learner.ts';
import { Learning } from './learning.ts';
import { Outbox } from './outbox.ts';
import { Proposer } from './proposer.ts';
import { Quorum } from './quorum.ts';
import { batch, group, learnReply, only, sentOf, settingsOf } from '../../test/paxos/fixture.ts';

/** Replica 2, which has released these values; `cut`: its log begins there. */
function learning(texts: readonly string[] = [], cacheBytesMax = 1_000, cut = 1) {
  const settings = settingsOf(2, { limits: { partBytesMax: 7 } });
  const executor = new Executor(group(3), 0);
  const learner = new Learner(executor, new Map(), cacheBytesMax);
  const acceptor = new Acceptor({
    self: 2,
    firstSlot: 1,
    promised: zeroBallot,
    votes: new Map(),
    configuration: 1,
    lost: new Map(),
    voteAheadSlotsMax: 16,
    partBytesMax: 7,
    learner,
  });
  const out = new Outbox();
  for (const [i, text] of texts.entries()) learner.decide(i + 1, batch(text));
  learner.release(new Map(), out);
  acceptor.truncate(cut);
  out.take();
  const membership = group(3);
  const quorum = new Quorum(membership);
  const proposer = new Proposer({ settings, membership, quorum, acceptor, learner });
  const parts = { others: [1, 3], acceptor, executor, learner, proposer };
  return { learning: new Learning(settings, parts), learner, out };
}

const request = (fromSlot: number, bytesMax = 100) =>
  ({ kind: 'learn-request', fromSlot, bytesMax }) as const;

test('it asks for the first slot that is missing, its leader first', () => {
  const { learning: l, learner, out } = learning();
  l.onTick(3, 0, out);
  expect(out.take()).toEqual([]);
  learner.hearThrough(4);
  // A 2a that overtakes another leaves a gap for a moment.
  l.onTick(3, 10, out);
  expect(out.take()).toEqual([]);
  l.onTick(3, 35, out);
  expect(sentOf(out.take(), 3)).toEqual([request(1, 7)]);
  l.onTick(3, 135, out);
  expect(out.take()).toEqual([]);
  l.onTick(3, 235, out);
  expect(sentOf(out.take(), 1)).toEqual([request(1, 7)]);
});

test('without a leader it asks anybody', () => {
  const { learning: l, learner, out } = learning();
  learner.hearThrough(1);
  l.onTick(undefined, 0, out);
  l.onTick(undefined, 25, out);
  expect(sentOf(out.take(), 1)).toHaveLength(1);
});

test('it serves what it has in memory, within both limits', () => {
  const { learning: l, out } = learning(['a', 'b', 'c', 'ddddddddd']);
  const textsFor = (fromSlot: number, bytesMax?: number) => {
    l.onRequest(3, request(fromSlot, bytesMax), out);
    return only(sentOf(out.take(), 3), 'learn-reply')[0]?.values.length;
  };
  expect([textsFor(1), textsFor(1, 4), textsFor(1, 0), textsFor(4), textsFor(5)]).toEqual([
    3,
    2,
    1,
    1,
    undefined,
  ]);
});

test('what is in the log only is served by the host', () => {
  const { learning: l, out } = learning(['a', 'b', 'c'], 2);
  l.onRequest(3, request(1), out);
  expect(out.take()).toEqual([
    {
      kind: 'serve',
      to: 3,
      fromSlot: 1,
      through: 3,
      bytesMax: 7,
      firstSlot: 1,
      decidedThrough: 3,
    },
  ]);
});

test('what is truncated is served by nobody here', () => {
  // The answer says where the log begins, so that the other can ask for a snapshot.
  const { learning: l, out } = learning(['a', 'b', 'c'], 1_000, 3);
  l.onRequest(3, request(1), out);
  expect(sentOf(out.take(), 3)).toEqual([learnReply(1, [], { firstSlot: 3, decidedThrough: 3 })]);
});

test('a reply is learned durably, whoever asked, and tells how far there is more', () => {
  const { learning: l, learner, out } = learning();
  l.onReply(1, learnReply(1, ['a'], { decidedThrough: 9 }), 3, 0, out);
  expect(learner.knownThrough).toBe(9);
  expect(out.take().map((e) => e.kind)).toEqual(['persist']);
});

test('an answer that brings something is followed by the next request at once', () => {
  const { learning: l, learner, out } = learning();
  learner.hearThrough(9);
  l.onTick(1, 0, out);
  l.onTick(1, 25, out);
  expect(sentOf(out.take(), 1)).toEqual([request(1, 7)]);
  l.onReply(1, learnReply(1, ['a', 'b'], { decidedThrough: 9 }), 3, 26, out);
  expect(sentOf(out.take(), 1)).toEqual([request(3, 7)]);
});

test('an empty reply is bad news only if the slot is gone', () => {
  const { learning: l, out } = learning();
  l.onReply(1, learnReply(1, []), 3, 0, out);
  expect(out.take()).toEqual([]);
  l.onReply(1, learnReply(1, [], { firstSlot: 5, decidedThrough: 8 }), 3, 0, out);
  expect(out.take()).toEqual([{ kind: 'behind', need: 1, peer: 1 }]);
});
