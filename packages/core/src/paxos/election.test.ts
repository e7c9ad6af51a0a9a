import { expect, test } from 'vitest';
import { Election } from './election.ts';
import { Quorum } from './quorum.ts';
import { group } from '../../test/paxos/fixture.ts';

/** Draws `part` of what is possible: 0 is the shortest time-out, 0.99 almost the longest. */
const election = (part = 0) =>
  new Election({
    quorum: new Quorum(group(3)),
    random: { below: (limit) => Math.floor(limit * part) },
    timings: { electionTimeoutMsMin: 300, candidateTimeoutMsMin: 200 },
    nowMs: 1_000,
  });

test('it stands after once to twice the time-out without a leader', () => {
  // Drawn by lot, so that not everybody stands at once (L5).
  expect([1_299, 1_300].map((ms) => election().isDue(ms))).toEqual([false, true]);
  const late = election(0.99);
  expect([1_596, 1_597].map((ms) => late.isDue(ms))).toEqual([false, true]);
});

test('whoever hears a leader does not stand', () => {
  const e = election();
  e.onLeaderHeard(1_299);
  expect([1_300, 1_598, 1_599].map((ms) => e.isDue(ms))).toEqual([false, false, true]);
});

test('whoever heard a leader lately wants no other', () => {
  // For the minimum election time-out (L1). Whoever never heard one has nothing against it.
  const e = election();
  expect(e.wouldGrant(1_000)).toBe(true);
  e.onLeaderHeard(2_000);
  expect([2_000, 2_299, 2_300].map((ms) => e.wouldGrant(ms))).toEqual([false, false, true]);
});

test('it stands when a quorum would have it, itself included', () => {
  const e = election();
  e.ask(1, 2_000);
  expect(e.isGranted()).toBe(false);
  e.onYouMay(9);
  e.onYouMay(1);
  expect(e.isGranted()).toBe(false);
  e.onYouMay(2);
  expect(e.isGranted()).toBe(true);
});

test('what was granted for one question does not help the next', () => {
  // Those who said yes may follow somebody by now.
  const e = election();
  e.ask(1, 2_000);
  e.onYouMay(2);
  e.ask(1, 3_000);
  expect(e.isGranted()).toBe(false);
  expect([3_199, 3_200].map((ms) => e.isDue(ms))).toEqual([false, true]);
});

test('whoever stands in vain waits longer each time, up to a bound', () => {
  // Promises on slow disks take longer than a time-out (L6). A leader that is heard ends it.
  const waits = (e: Election): number => {
    e.onStood(0);
    let ms = 0;
    while (ms < 60_000 && !e.isDue(ms)) ms += 100;
    return ms;
  };
  const e = election();
  expect([1, 2, 3, 4, 5, 6, 7, 8].map(() => waits(e))).toEqual([
    300, 600, 1_200, 2_400, 4_800, 9_600, 9_600, 9_600,
  ]);
  e.onLeaderHeard(0);
  expect(waits(e)).toBe(300);
  e.onLed();
  expect(waits(e)).toBe(300);
  e.onPromised(1_000);
  expect([1_299, 1_300].map((ms) => e.isDue(ms))).toEqual([false, true]);
});

test('standing, stepping down and a nack each say when to try again', () => {
  // All bounded, none at once (L6).
  const e = election();
  e.onStood(2_000);
  expect([2_199, 2_600].map((ms) => e.isDue(ms))).toEqual([false, true]);
  e.onSteppedDown(3_000);
  expect([3_299, 3_300].map((ms) => e.isDue(ms))).toEqual([false, true]);
  e.onNack(4_000);
  expect([4_009, 4_050].map((ms) => e.isDue(ms))).toEqual([false, true]);
});
