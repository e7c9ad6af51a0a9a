import { expect, test } from 'vitest';
import { ballot, heartbeat, learnReply, phase2a } from './fixture.ts';
import { Bench } from './bench.ts';

const of = ballot(1, 1);
/** Replica 2 of three; the test plays 1, the leader, and 3. */
const follower = () => new Bench({ played: [1, 3] });
const throughs = (b: Bench) =>
  b.mail('2b').map(({ message }) => (message.kind === '2b' ? message.through : -1));

test('the lost first 2a of a ballot is not covered by the second', () => {
  // 2 never sees slot 1. A watermark from the first slot that it received would vouch for it, and
  // the leader would decide slot 1 with a vote that nobody cast (P6).
  const b = follower();
  b.put(1, 2, phase2a(of, 2, 'b'));
  b.sync(2);
  expect(throughs(b)).toEqual([0]);
  b.put(1, 2, phase2a(of, 1, 'a'));
  b.sync(2);
  expect(throughs(b)).toEqual([0, 2]);
});

test('a watermark begins at the base of the ballot, not at the first slot', () => {
  // Below the base everything is decided, whether it is here or not.
  const b = follower();
  b.put(1, 2, phase2a(of, 11, 'b', { base: 10 }));
  b.put(1, 2, phase2a(of, 10, 'a', { base: 10 }));
  b.sync(2);
  expect(throughs(b)).toEqual([9, 11]);
});

test('a watermark does not skip a gap', () => {
  // Slot 2 is lost on the way; 3 and 4 come. They are votes, but not "everything up to 4".
  const b = follower();
  for (const slot of [1, 3, 4]) b.put(1, 2, phase2a(of, slot, `v${slot}`));
  b.sync(2);
  expect(throughs(b)).toEqual([1, 1, 1]);
  b.put(1, 2, phase2a(of, 2, 'v2'));
  b.sync(2);
  expect(throughs(b).at(-1)).toBe(4);
});

test('a vote in an older ballot does not count for the watermark of a newer one', () => {
  // It may hold another value than the one that is proposed now.
  const b = follower();
  b.put(3, 2, phase2a(ballot(1, 3), 1, 'old'));
  b.put(1, 2, phase2a(ballot(2, 1), 2, 'b'));
  b.sync(2);
  b.drop('2b', { to: 3 });
  expect(throughs(b)).toEqual([0]);
});

test('the watermark of an earlier ballot is not remembered for a later one', () => {
  // A memo by slot alone would vouch for slots that were voted for in ballot 1 only.
  const b = follower();
  for (const slot of [1, 2, 3]) b.put(1, 2, phase2a(of, slot, `v${slot}`));
  b.put(3, 2, phase2a(ballot(2, 3), 1, 'v1'));
  b.sync(2);
  const last = b.mail('2b', { to: 3 });
  expect(last.map((l) => l.message)).toMatchObject([{ ballot: ballot(2, 3), through: 1 }]);
});

test('after a restart the watermark comes from the log', () => {
  // What was not durable is gone, so it is not vouched for; what was durable still is. A number
  // kept in memory, or begun anew at the first message, would be wrong one way or the other.
  const b = follower();
  b.put(1, 2, phase2a(of, 1, 'a'));
  b.put(1, 2, phase2a(of, 2, 'b'));
  b.sync(2);
  b.put(1, 2, phase2a(of, 3, 'c'));
  b.crash(2);
  b.drop();
  b.restart(2);
  b.put(1, 2, phase2a(of, 4, 'd'));
  b.put(1, 2, heartbeat(of));
  b.sync(2);
  expect(throughs(b)).toEqual([2, 2]);
});

test('what is known to be decided counts for the watermark like a vote', () => {
  // It was learned, and is in the log as decided: nothing can be voted for there any more (P1).
  const b = follower();
  b.put(3, 2, learnReply(1, ['a']));
  b.put(1, 2, phase2a(of, 2, 'b'));
  b.sync(2);
  expect(throughs(b)).toEqual([2]);
});

test('every heartbeat is answered with the watermark', () => {
  // The leader finds out what was lost, without guessing (P6).
  const b = follower();
  b.put(1, 2, heartbeat(of, { base: 5 }));
  b.sync(2);
  expect(b.take('2b', { to: 1 }).message).toMatchObject({ ballot: of, through: 4 });
  expect(b.mail('heartbeat-answer', { to: 1 })).toHaveLength(1);
});

test('a leader sends again what lies above a follower’s watermark', () => {
  // The first of two 2a's is lost. The follower stays at 0, and the leader begins there again.
  const b = new Bench();
  b.elect(1);
  b.crash(3);
  b.propose(1, 'a');
  b.propose(1, 'b');
  b.take('2a', { to: 2 });
  b.settle();
  expect(b.replica(1).executed).toEqual([]);
  b.wait(500);
  expect(b.replica(1).executed).toEqual(['a', 'b']);
  expect(b.replica(2).executed).toEqual(['a', 'b']);
});

test('a follower that forgot unsynced votes is sent them again', () => {
  // The leader counts what 2b's say, never what it has sent.
  const b = new Bench();
  b.elect(1);
  b.crash(3);
  b.propose(1, 'a');
  b.deliver('2a', { to: 2 });
  b.crash(2);
  b.restart(2);
  b.wait(1_000);
  expect(b.replica(1).executed).toEqual(['a']);
  expect(b.replica(2).executed).toEqual(['a']);
});
