import { expect, test } from 'vitest';
import type { Clock } from '../ports/clock.ts';
import { SuspendWatch } from './suspend-watch.ts';

/** Two clocks that the test moves; `between` runs once the first of them was read. */
function clocks() {
  const time = { monotonicMs: 1_000, wallMs: 1_700_000_000_000, between: () => {} };
  const clock: Clock = {
    nowMs() {
      const { monotonicMs } = time;
      time.between();
      return monotonicMs;
    },
    wallMs: () => Math.floor(time.wallMs),
    everyMs: () => () => undefined,
    soon: () => undefined,
  };
  const pass = (ms: number, wallToo = ms): void => {
    time.monotonicMs += ms;
    time.wallMs += wallToo;
  };
  const watch = new SuspendWatch(clock);
  const look = (): boolean => {
    watch.nowMs();
    return watch.take();
  };
  look();
  return { time, pass, look, watch };
}

test('both clocks go on: nothing has stood still', () => {
  const { pass, look } = clocks();
  for (let i = 0; i < 1_000; i += 1) {
    pass(17.3);
    expect(look()).toBe(false);
  }
});

test('the wall clock has run ahead: it tells so, once', () => {
  const { pass, look } = clocks();
  pass(5, 5_005);
  expect([look(), look()]).toEqual([true, false]);
  pass(5, 15);
  expect(look()).toBe(true);
});

test('short suspends do not add up to a long one', () => {
  // Each is within the margin; together they are not.
  const { pass, look } = clocks();
  pass(10, 14);
  expect(look()).toBe(false);
  pass(10, 14);
  expect(look()).toBe(true);
});

test('within the longest lease no more than the margin stays unnoticed', () => {
  // It stands still again and again, for so little that the wall clock, which is as slow as it may
  // be, hides it for as long as it can.
  const { pass, look } = clocks();
  let stoodMs = 0;
  for (let ms = 0; ms < 4_000 && !look(); ms += 10) {
    pass(10, 10 * 0.9995 + 0.026);
    stoodMs += 0.026;
  }
  expect(stoodMs).toBeGreaterThan(8);
  expect(stoodMs).toBeLessThanOrEqual(10);
});

test('a wall clock that is set back hides no later suspend', () => {
  const { pass, look } = clocks();
  pass(10, -3_600_000);
  expect(look()).toBe(false);
  pass(10, 1_000);
  expect(look()).toBe(true);
});

test('a wall clock that NTP makes run a little faster is no suspend', () => {
  const { pass, look } = clocks();
  for (let i = 0; i < 10_000; i += 1) {
    pass(1_000, 1_000.2);
    expect(look()).toBe(false);
  }
});

test('a thread that is held up between the two clocks did not stand still', () => {
  const { time, pass, look } = clocks();
  pass(10);
  time.between = () => {
    time.between = () => {};
    pass(40);
  };
  expect(look()).toBe(false);
});

test('what stands still after the time was read, and before the wall clock was, is found', () => {
  // The other way round it would be believed that the lease still runs.
  const { time, pass, look } = clocks();
  pass(10);
  time.between = () => {
    time.between = () => {};
    time.wallMs += 1_000;
  };
  expect(look()).toBe(true);
});
