import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Pace } from './pace.ts';

test('without a rate nothing waits', () => {
  const pace = new Pace(0);
  pace.took(2 ** 40, 5);
  expect(pace.waitMs(5)).toBe(0);
});

test('what was taken is waited for', () => {
  const pace = new Pace(1_000);
  pace.took(100, 0);
  pace.took(100, 0);
  // 20 ms are the slack of whoever was late.
  expect(pace.waitMs(0)).toBe(180);
  expect(pace.waitMs(100)).toBe(80);
  expect(pace.waitMs(180)).toBe(0);
});

test('who waits as told keeps the rate over any time, and time that was lost is no burst', () => {
  const step = fc.record({
    bytes: fc.integer({ min: 1, max: 5_000 }),
    lateMs: fc.integer({ min: 0, max: 300 }),
  });
  const check = (perSecond: number, steps: { bytes: number; lateMs: number }[]): void => {
    const pace = new Pace(perSecond);
    const taken: { bytes: number; atMs: number }[] = [];
    let nowMs = 1_000;
    for (const { bytes, lateMs } of steps) {
      nowMs += pace.waitMs(nowMs) + lateMs;
      pace.took(bytes, nowMs);
      taken.push({ bytes, atMs: nowMs });
    }
    for (const [from, { atMs: fromMs }] of taken.entries()) {
      let bytes = 0;
      for (const { atMs, bytes: more } of taken.slice(from)) {
        const allowed = (perSecond * (atMs - fromMs + 20)) / 1_000;
        expect(bytes).toBeLessThanOrEqual(allowed + 1e-6);
        bytes += more;
      }
    }
  };
  const rate = fc.integer({ min: 100, max: 1_000_000 });
  fc.assert(fc.property(rate, fc.array(step, { maxLength: 20 }), check));
});

test('who is never late and asks for more than there is gets just that much', () => {
  const pace = new Pace(1_000_000);
  let [nowMs, bytes] = [0, 0];
  while (nowMs < 1_000) {
    pace.took(4_000, nowMs);
    bytes += 4_000;
    nowMs += Math.ceil(pace.waitMs(nowMs)) + 1;
  }
  expect(bytes).toBeGreaterThan(950_000);
  expect(bytes).toBeLessThanOrEqual(1_024_000);
});
