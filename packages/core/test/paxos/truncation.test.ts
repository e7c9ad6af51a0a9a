import { expect, test } from 'vitest';
import { ballot, group, learnReply, phase1a, phase1b, phase2a, voted } from './fixture.ts';
import { Bench } from './bench.ts';

function candidate(): Bench {
  const b = new Bench({ played: [2, 3] });
  b.stand(1);
  b.sync(1);
  b.drop();
  return b;
}

test('nobody proposes below the highest firstSlot that was heard', () => {
  // 2 has truncated slots 1 … 9: they are decided, and no 1b can say what they hold. A new value
  // there would overwrite a decision that nobody in the quorum remembers (R7).
  const b = candidate();
  b.put(2, 1, phase1b(ballot(1, 1), { firstSlot: 10, decidedThrough: 9 }));
  b.propose(1, 'x');
  expect(b.mail('2a', { to: 3 }).map((l) => l.message)).toMatchObject([{ slot: 10, base: 10 }]);
});

test('a 1a below an acceptor’s firstSlot is answered with firstSlot', () => {
  // It cannot list what it does not have, and says where its log begins (R7).
  const b = new Bench({ played: [1, 3] });
  b.put(3, 2, learnReply(1, ['a', 'b', 'c']));
  b.step(2, { kind: 'truncate', before: 3 });
  b.put(1, 2, phase1a(ballot(1, 1)));
  b.sync(2);
  expect(b.take('1b').message).toMatchObject({ firstSlot: 3, decidedThrough: 3, reported: [] });
});

test('votes below the highest firstSlot heard are not proposed again', () => {
  // 1 itself voted there, for something that may have lost.
  const b = new Bench({ played: [2, 3] });
  b.put(2, 1, phase2a(ballot(1, 2), 1, 'old'));
  b.stand(1);
  b.sync(1);
  b.drop();
  b.put(2, 1, phase1b(b.replica(1).view.ballot, { firstSlot: 4, decidedThrough: 3 }));
  expect(b.mail('2a')).toEqual([]);
  expect(b.mail('heartbeat', { to: 2 }).map((l) => l.message)).toMatchObject([{ base: 4 }]);
});

test('a leader that cannot learn what lies below its first slot stands again', () => {
  // 2 had truncated slot 1 … 9 and is gone; 3 still has the votes. After learnStallMs what 2 said
  // binds no longer: in a higher ballot 1 and 3 finish those slots (R7).
  const b = candidate();
  b.put(2, 1, phase1b(ballot(1, 1), { firstSlot: 3, decidedThrough: 2 }));
  const answerOf3 = (): void => {
    if (b.mail('heartbeat', { to: 3 }).length > 0) b.answer(3, 1);
    b.drop('heartbeat');
    b.drop('learn-request');
  };
  for (let ms = 0; ms < 1_900; ms += 10) {
    b.nowMs += 10;
    b.tick(1);
    answerOf3();
  }
  expect(b.replica(1).view).toMatchObject({ role: 'phase2', ballot: ballot(1, 1) });
  for (let ms = 0; ms < 300; ms += 10) {
    b.nowMs += 10;
    b.tick(1);
    answerOf3();
    if (b.replica(1).view.role === 'phase1') break;
  }
  b.sync(1);
  const of = b.replica(1).view.ballot;
  expect(of).toEqual(ballot(2, 1));
  const reported = [voted(1, ballot(0, 2), 'a'), voted(2, ballot(0, 2), 'b')];
  b.put(3, 1, phase1b(of, { reported }));
  b.put(3, 1, { kind: '2b', ballot: of, through: 2, payload: 0n });
  b.sync(1);
  expect(b.replica(1).executed).toEqual(['a', 'b']);
});

test('a leader that learns below its first slot, however slowly, goes on', () => {
  // The stall is counted from the last slot that it learned.
  const b = candidate();
  b.put(2, 1, phase1b(ballot(1, 1), { firstSlot: 6, decidedThrough: 5 }));
  for (let slot = 1; slot <= 5; slot += 1) {
    for (let ms = 0; ms < 1_500; ms += 10) {
      b.nowMs += 10;
      b.tick(1);
      b.answer(2, 1);
    }
    b.put(2, 1, learnReply(slot, [`v${slot}`]));
  }
  expect(b.replica(1).view).toMatchObject({ role: 'phase2', ballot: ballot(1, 1) });
  expect(b.replica(1).executed).toHaveLength(5);
});

test('a leader asks for what lies below its base, and serves from there', () => {
  // It leads at once, and executes when it has caught up.
  const b = new Bench();
  b.elect(1);
  b.cutOff(3);
  for (const text of ['a', 'b']) b.propose(1, text);
  b.settle();
  b.wait(100);
  b.rejoin(3);
  b.stand(3);
  b.settle();
  b.elect(3);
  expect(b.replica(3).view.leader?.id).toBe(3);
  b.propose(3, 'c');
  b.wait(400);
  for (const id of [1, 2, 3]) expect(b.replica(id).executed).toEqual(['a', 'b', 'c']);
});

test('only what is executed here is truncated, and never twice', () => {
  // The host truncates behind a durable snapshot; an order beyond that is a mistake.
  const b = new Bench({ played: [1, 3] });
  b.replica(2).executes = false;
  b.put(3, 2, learnReply(1, ['a', 'b', 'c']));
  b.step(2, { kind: 'truncate', before: 3 });
  expect(b.replica(2).view.firstSlot).toBe(1);
  b.step(2, { kind: 'executed', through: 2 });
  expect(b.step(2, { kind: 'truncate', before: 3 })).toContainEqual({
    kind: 'truncate-log',
    before: 3,
  });
  expect(b.step(2, { kind: 'truncate', before: 2 })).toEqual([]);
  expect(b.replica(2).view.firstSlot).toBe(3);
});

test('truncation forgets slots and nothing else', () => {
  // The promise stays, and so do votes beyond (P11).
  const b = new Bench({ played: [1, 3] });
  b.put(3, 2, phase2a(ballot(3, 3), 2, 'b'));
  b.put(3, 2, learnReply(1, ['a']));
  b.step(2, { kind: 'truncate', before: 2 });
  b.put(1, 2, phase1a(ballot(2, 1)));
  expect(b.mail('nack', { to: 1 })).toHaveLength(1);
  b.put(1, 2, phase1a(ballot(4, 1)));
  b.sync(2);
  expect(b.take('1b').message).toMatchObject({ firstSlot: 2, reported: [{ slot: 2 }] });
});

test('whoever asks below firstSlot hears that it is gone', () => {
  // Then only a snapshot helps: `behind`, with the slot and whom to ask for it.
  const b = new Bench({ limits: { cacheBytesMax: 1 } });
  b.elect(1);
  b.cutOff(3);
  for (const text of ['a', 'b']) b.propose(1, text);
  b.settle();
  b.wait(100);
  for (const id of [1, 2]) b.step(id, { kind: 'truncate', before: 3 });
  b.rejoin(3);
  b.wait(400);
  expect(b.replica(3).events).toContainEqual({ kind: 'behind', need: 1, peer: 1 });
  expect(b.replica(3).executed).toEqual([]);

  b.step(3, { kind: 'snapshot-installed', slot: 2, membership: group(3) });
  b.propose(1, 'c');
  b.wait(100);
  expect(b.replica(3).executed).toEqual(['c']);
  expect(b.replica(3).view).toMatchObject({ firstSlot: 3, releasedThrough: 3 });
});

test('an installed snapshot keeps the promise and the votes beyond it', () => {
  // It replaces slots and nothing else (P11). One that is not ahead changes nothing.
  const b = new Bench({ played: [1, 3] });
  for (const slot of [1, 2, 3]) b.put(3, 2, phase2a(ballot(3, 3), slot, `v${slot}`));
  b.step(2, { kind: 'snapshot-installed', slot: 2, membership: group(3) });
  b.step(2, { kind: 'snapshot-installed', slot: 1, membership: group(3) });
  expect(b.replica(2).view).toMatchObject({ promised: ballot(3, 3), releasedThrough: 2 });
  b.put(3, 2, { kind: 'decided', ballot: ballot(3, 3), base: 1, decidedThrough: 3 });
  expect(b.replica(2).executed).toEqual(['v3']);
});

test('whoever installs a snapshot gives up its candidacy', () => {
  // What it asked the others for in its 1a began at a slot that is behind it now.
  const b = new Bench({ played: [2, 3] });
  b.stand(1);
  b.sync(1);
  b.step(1, { kind: 'snapshot-installed', slot: 7, membership: group(3) });
  b.drop();
  b.put(2, 1, phase1b(ballot(1, 1)));
  expect(b.replica(1).view.role).toBe('follower');
  expect(b.mail('2a')).toEqual([]);
});
