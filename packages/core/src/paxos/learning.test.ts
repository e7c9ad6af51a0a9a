import { expect, test } from 'vitest';
import { Acceptor } from './acceptor.ts';
import { zeroBallot } from './ballot.ts';
import { Executor } from './executor.ts';
import { Learner } from './learner.ts';
import { Learning } from './learning.ts';
import { Outbox } from './outbox.ts';
import { batch, group, learnReply, only, sentOf, settingsOf } from '../../test/paxos/fixture.ts';

/** Replica 2, which has released these values; `cut`: its log begins there. */
function learning(texts: readonly string[] = [], cacheBytesMax = 1_000, cut = 1) {
  const settings = settingsOf(2, { limits: { partBytesMax: 7 } });
  const learner = new Learner(new Executor(group(3), 0), new Map(), cacheBytesMax);
  const acceptor = new Acceptor({
    self: 2,
    firstSlot: 1,
    promised: zeroBallot,
    votes: new Map(),
    lost: new Map(),
    voteAheadSlotsMax: 16,
    partBytesMax: 7,
    learner,
    random: settings.random,
  });
  const out = new Outbox();
  for (const [i, text] of texts.entries()) learner.decide(i + 1, batch(text));
  learner.release(new Map(), out);
  acceptor.truncate(cut);
  out.take();
  return { learning: new Learning(settings, [1, 3], acceptor, learner), learner, out };
}

const request = (fromSlot: number, bytesMax = 100) =>
  ({ kind: 'learn-request', fromSlot, bytesMax }) as const;

test('it asks for the first slot that is missing, its leader first', () => {
  const { learning: l, learner, out } = learning();
  l.ask(3, 0, 0, out);
  expect(out.take()).toEqual([]);
  learner.hearThrough(4);
  l.ask(3, 0, 0, out);
  expect(sentOf(out.take(), 3)).toEqual([request(1, 7)]);
  l.ask(3, 0, 100, out);
  expect(out.take()).toEqual([]);
  l.ask(3, 0, 200, out);
  expect(sentOf(out.take(), 1)).toEqual([request(1, 7)]);
});

test('without a leader it asks anybody', () => {
  const { learning: l, learner, out } = learning();
  learner.hearThrough(1);
  l.ask(undefined, 0, 0, out);
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

test('a reply tells how far there is something to learn', () => {
  const { learning: l, learner, out } = learning();
  expect(l.onReply(1, learnReply(1, ['a'], { decidedThrough: 9 }), out)).toBe(false);
  expect(learner.knownThrough).toBe(9);
  l.ask(1, 0, 0, out);
  out.take();
  expect(l.onReply(1, learnReply(1, ['a']), out)).toBe(true);
  expect(out.take()).toEqual([]);
});

test('an empty reply is bad news only if the slot is gone', () => {
  const { learning: l, out } = learning();
  l.onReply(1, learnReply(1, []), out);
  expect(out.take()).toEqual([]);
  l.onReply(1, learnReply(1, [], { firstSlot: 5, decidedThrough: 8 }), out);
  expect(out.take()).toEqual([{ kind: 'behind', need: 1, peer: 1 }]);
});
