import { expect, test } from 'vitest';
import { ballot, group, heartbeat, learnReply, member, phase1a, phase2a } from './fixture.ts';
import { Bench } from './bench.ts';

test('a store that the configuration does not name takes no part in deciding', () => {
  // It has the id of member 2 and an empty disk: the votes of the store before it are gone. If it
  // promised or voted, two quorums could share nobody who remembers (S2).
  const b = new Bench({ played: [1, 3], renewed: [2] });
  expect(b.replica(2).view.voter).toBe(false);
  b.put(1, 2, phase1a(ballot(1, 1)));
  b.put(1, 2, phase2a(ballot(1, 1), 1, 'x'));
  b.put(1, 2, heartbeat(ballot(1, 1)));
  b.put(3, 2, { kind: 'may-i', ballot: ballot(1, 3) });
  b.stand(2);
  b.propose(2, 'mine');
  for (let i = 0; i < 200; i += 1) {
    b.nowMs += 10;
    b.tick(2);
  }
  b.sync(2);
  expect(b.bag).toEqual([]);
  expect(b.replica(2).view).toMatchObject({ promised: ballot(0, 0, 0), role: 'follower', room: 0 });
});

test('it does not refuse anything in the name of the member that it is not either', () => {
  // A nack would make a leader stand again for nothing.
  const b = new Bench({ played: [1, 3], renewed: [2] });
  b.put(1, 2, heartbeat(ballot(5, 1)));
  b.put(3, 2, heartbeat(ballot(4, 3)));
  b.put(3, 2, phase1a(ballot(4, 3)));
  expect(b.bag).toEqual([]);
});

test('a store that is not named learns and executes all the same', () => {
  // It becomes useful again before it becomes a member again (S2).
  const b = new Bench({ renewed: [3] });
  b.elect(1);
  for (const text of ['a', 'b']) b.propose(1, text);
  b.settle();
  b.wait(400);
  expect(b.replica(3).executed).toEqual(['a', 'b']);
  b.step(3, { kind: 'read', read: 1 });
  b.settle();
  expect(b.replica(3).ready).toEqual([1]);
});

test('with one store renewed both others are needed', () => {
  // Two of three are a quorum; the third has no vote to give.
  const b = new Bench({ renewed: [3] });
  b.elect(1);
  b.crash(2);
  b.propose(1, 'x');
  b.settle();
  b.wait(200);
  expect(b.replica(1).executed).toEqual([]);
});

test('an observer executes and does not vote', () => {
  // It is a member, so it is told everything, but it is in no quorum.
  const members = [member(1), member(2), member(3, 'observer')];
  const b = new Bench({ membership: group(3, { members }) });
  expect(b.replica(3).view.voter).toBe(false);
  b.elect(1);
  b.propose(1, 'x');
  b.settle();
  b.wait(200);
  expect(b.replica(3).executed).toEqual(['x']);
  b.crash(2);
  b.propose(1, 'y');
  b.wait(100);
  expect(b.replica(1).executed).toEqual(['x']);
});

test('a group of one needs nobody', () => {
  // Its own durable promise and its own durable votes are quorums.
  const b = new Bench({ replicas: 1 });
  b.wait(700);
  expect(b.replica(1).view.role).toBe('phase2');
  b.propose(1, 'x');
  expect(b.replica(1).executed).toEqual([]);
  b.sync(1);
  expect(b.replica(1).executed).toEqual(['x']);
  b.step(1, { kind: 'read', read: 1 });
  b.step(1, { kind: 'read', read: 2 });
  expect(b.replica(1).ready).toEqual([1, 2]);
  b.wait(3_000);
  expect(b.replica(1).view.ballot).toEqual(ballot(1, 1));

  b.crash(1);
  b.restart(1);
  b.wait(700);
  expect(b.replica(1).executed).toEqual(['x']);
  expect(b.replica(1).view.ballot).toEqual(ballot(2, 1));
});

test('five members go on with three', () => {
  // And not with two.
  const b = new Bench({ replicas: 5 });
  b.elect(1);
  b.crash(4);
  b.crash(5);
  b.propose(1, 'x');
  b.wait(100);
  for (const id of [1, 2, 3]) expect(b.replica(id).executed).toEqual(['x']);
  b.crash(3);
  b.propose(1, 'y');
  b.wait(2_000);
  expect(b.replica(1).executed).toEqual(['x']);
  expect(b.replica(1).view.role).not.toBe('phase2');

  b.restart(4);
  b.wait(2_000);
  expect(b.replica(4).executed).toEqual(['x', 'y']);
});

test('a message of another configuration is not for this replica', () => {
  // Its ballots are compared by configuration first; to act on them would depose everybody (R1).
  const b = new Bench({ played: [1, 3] });
  b.put(1, 2, phase1a(ballot(9, 1, 2)));
  b.put(1, 2, phase2a(ballot(9, 1, 0), 1, 'x'));
  b.sync(2);
  expect(b.bag).toEqual([]);
  expect(b.replica(2).view.promised).toEqual(ballot(0, 0, 0));
});

test('decided values are served whoever asks, from the released prefix only', () => {
  // A range with a hole would be taken for consecutive slots (R1).
  const b = new Bench({ played: [1, 3] });
  b.put(3, 2, learnReply(1, ['a']));
  b.put(3, 2, learnReply(3, ['c']));
  b.put(1, 2, { kind: 'learn-request', fromSlot: 1, bytesMax: 1_000 });
  b.put(1, 2, { kind: 'learn-request', fromSlot: 3, bytesMax: 1_000 });
  expect(b.mail('learn-reply').map((l) => l.message)).toEqual([
    learnReply(1, ['a'], { decidedThrough: 1 }),
  ]);
});

test('what is not in memory any more is served from the log', () => {
  // The cache keeps the newest values only.
  const b = new Bench({ played: [1, 3], limits: { cacheBytesMax: 2 } });
  b.put(3, 2, learnReply(1, ['a', 'b', 'c']));
  b.put(1, 2, { kind: 'learn-request', fromSlot: 1, bytesMax: 4 });
  expect(b.take('learn-reply').message).toEqual(learnReply(1, ['a', 'b'], { decidedThrough: 3 }));
});

test('one reply holds no more than the limit, and at least one value', () => {
  // However much the asker would take.
  const b = new Bench({ played: [1, 3], limits: { partBytesMax: 5 } });
  b.put(3, 2, learnReply(1, ['abcdefghi', 'b', 'c', 'd']));
  b.put(1, 2, { kind: 'learn-request', fromSlot: 1, bytesMax: 1_000 });
  expect(b.take('learn-reply').message).toMatchObject({
    values: learnReply(1, ['abcdefghi']).values,
  });
  b.put(1, 2, { kind: 'learn-request', fromSlot: 2, bytesMax: 1_000 });
  expect(b.take('learn-reply').message).toMatchObject({ values: learnReply(2, ['b', 'c']).values });
});
