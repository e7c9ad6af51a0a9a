import { expect, test } from 'vitest';
import { Progress } from './progress.ts';

/** Of a follower that has answered in this ballot already. */
function answering(): Progress {
  const progress = new Progress(2, 1, 200, 0);
  progress.hasAnswered = true;
  return progress;
}

test('to a follower that never answered nothing is sent twice', () => {
  // It is probably away; its first answer says what it needs.
  const progress = new Progress(2, 1, 200, 0);
  progress.sent(1, 0);
  expect(progress.shouldResend(9_000)).toBe(false);
  progress.on2b(0, 9_000);
  expect(progress.shouldResend(9_001)).toBe(true);
});

test('a follower begins one below the base', () => {
  // What lies below is decided and is learned, not proposed (P6).
  const progress = new Progress(2, 5, 200, 0);
  expect([progress.id, progress.through, progress.next]).toEqual([2, 4, 5]);
});

test('a watermark moves forward only, and takes the next slot along', () => {
  // 2b's overtake each other; a restarted follower may know more than it was sent.
  const progress = new Progress(2, 1, 200, 0);
  progress.sent(1, 0);
  progress.on2b(3, 0);
  expect([progress.through, progress.next]).toEqual([3, 4]);
  progress.on2b(2, 0);
  expect([progress.through, progress.next]).toEqual([3, 4]);
});

test('what brought nothing is sent again, less and less often', () => {
  // From the first slot that is missing there, with a bounded interval (L6).
  const progress = answering();
  expect(progress.shouldResend(10_000)).toBe(false);
  let nowMs = 10_000;
  const intervals: number[] = [];
  for (let i = 0; i < 6; i += 1) {
    progress.sent(progress.next, nowMs);
    const sinceMs = nowMs;
    while (nowMs - sinceMs < 9_000 && !progress.shouldResend(nowMs)) nowMs += 10;
    intervals.push(nowMs - sinceMs);
    expect(progress.next).toBe(1);
  }
  expect(intervals).toEqual([200, 400, 800, 1600, 2000, 2000]);
});

test('progress makes it patient again', () => {
  const progress = answering();
  progress.sent(1, 0);
  expect(progress.shouldResend(200)).toBe(true);
  progress.sent(1, 200);
  progress.sent(2, 200);
  progress.on2b(1, 300);
  expect(progress.shouldResend(499)).toBe(false);
  expect(progress.shouldResend(500)).toBe(true);
  expect(progress.next).toBe(2);
});

test('the time-out of a 2a counts from when it was sent, not from long ago', () => {
  const progress = answering();
  progress.sent(1, 5_000);
  progress.sent(2, 5_100);
  expect(progress.shouldResend(5_199)).toBe(false);
  expect(progress.shouldResend(5_200)).toBe(true);
});

test.runIf(CONTRACTS)('slots are sent in order', () => {
  expect(() => new Progress(2, 1, 200, 0).sent(2, 0)).toThrow('slots are sent in order');
});

test('a log owes from the first thing that it was sent, however often it is sent again', () => {
  const progress = answering();
  expect(progress.outstandingMs(100)).toBe(0);
  progress.sent(1, 100);
  expect(progress.outstandingMs(400)).toBe(300);
  progress.shouldResend(9_000);
  progress.sent(1, 9_000);
  expect(progress.outstandingMs(9_100)).toBe(9_000);
  progress.on2b(1, 9_200);
  expect(progress.outstandingMs(9_300)).toBe(0);
});
