import fc from 'fast-check';
import { expect, test } from 'vitest';
import { defaultSlow } from '../limits.ts';
import { silentLogger } from '../ports/logger.ts';
import type { Batch, StateMachine } from '../ports/state-machine.ts';
import { Counters } from './counters.ts';
import { commandsPerSample, MeasuredMachine, Metrics } from './metrics.ts';
import { Quantity } from './quantity.ts';
import { SlowWarnings } from './slow.ts';

const tickMs = 10;

function stage(slotsInFlightMax = 4) {
  let nowMs = 1_000;
  let looks = 0;
  const clock = {
    nowMs: () => {
      looks += 1;
      return nowMs;
    },
    wallMs: () => 0,
    everyMs: () => () => {},
    soon: () => {},
  };
  const warned: object[] = [];
  const logger = { ...silentLogger, warn: (fields: object) => void warned.push(fields) };
  const slow = new SlowWarnings(defaultSlow, clock, logger, new Counters());
  const metrics = new Metrics(clock, slow, slotsInFlightMax, tickMs);
  return {
    clock,
    metrics,
    warned,
    wait: (ms: number) => (metrics.nowMs = nowMs += ms),
    looks: () => looks,
    now: (reset = false) => metrics.snapshot({}, reset),
  };
}

test('one command in 64 is measured, however they are called', () => {
  const { metrics, now } = stage();
  const property = fc.property(fc.array(fc.integer({ min: 1, max: 300 })), (counts) => {
    now(true);
    let commands = 0;
    for (const count of counts) {
      const sample = metrics.sample(count);
      for (let i = 0; i < count; i += 1) sample?.answered(i);
      commands += count;
    }
    const { count } = now().commandUs;
    expect(Math.abs(count - commands / commandsPerSample)).toBeLessThanOrEqual(1);
  });
  fc.assert(property, { seed: 1, numRuns: 200 });
});

test('a command that is not measured costs no look at the clock and no object', () => {
  const { looks, metrics } = stage();
  expect(metrics.sample(1)).toBeDefined();
  const before = looks();
  for (let i = 1; i < commandsPerSample; i += 1) expect(metrics.sample(1)).toBeUndefined();
  expect(looks()).toBe(before);
  expect(metrics.sample(1)).toBeDefined();
});

test('a command is measured from the call to its result', () => {
  const { metrics, now, wait } = stage();
  const sample = metrics.sample(65);
  wait(0.25);
  sample?.answered(0);
  wait(0.75);
  sample?.answered(1);
  expect(now().commandUs).toMatchObject({ count: 1, min: 250, max: 250 });
  sample?.answered(64);
  expect(now().commandUs).toMatchObject({ count: 2, min: 250, max: 1_000 });
});

test('a slot is measured from its proposal to its decision, while this replica leads', () => {
  const { metrics, now, wait } = stage();
  metrics.proposed(11);
  wait(1);
  metrics.proposed(12);
  // Nothing new was taken.
  metrics.proposed(12);
  wait(1);
  metrics.decided(11);
  metrics.decided(12);
  expect(now().decideUs).toMatchObject({ count: 2, min: 1_000, max: 2_000 });

  // What somebody else decides, or this replica did not propose, says nothing of the group.
  metrics.proposed(13);
  metrics.notLeading();
  metrics.decided(13);
  metrics.decided(14);
  expect(now().decideUs.count).toBe(2);
});

test('an append is measured until it is durable; a barrier without records is not', () => {
  const { metrics, now, wait } = stage();
  const first = metrics.appendBegan();
  wait(1);
  const second = metrics.appendBegan();
  wait(2);
  metrics.appendEnded(first, 1, 100);
  metrics.appendEnded(second, 0, 0);
  expect(now().appendUs).toMatchObject({ count: 1, min: 3_000, max: 3_000 });
});

test('a log that has stalled is told of at a tick; one that goes on is not', () => {
  const { clock, metrics, wait, warned } = stage();
  metrics.ticked();
  const begun = [metrics.appendBegan(), metrics.appendBegan(), metrics.appendBegan()];
  for (const each of begun) {
    wait(400);
    metrics.turnBegan(clock.nowMs());
    metrics.appendEnded(each, 0, 0);
  }
  wait(5_000);
  metrics.turnBegan(clock.nowMs());
  expect(warned).toEqual([]);
  metrics.appendBegan();
  wait(600);
  metrics.turnBegan(clock.nowMs());
  expect(warned).toEqual([{ slow: 'append', ms: 600, outstanding: true, leftOut: 0 }]);
});

test('slots are measured in the state machine, but not while the log is replayed', () => {
  const { clock, metrics, now, wait, warned } = stage();
  const machine = { execute: () => void wait(60) } as unknown as StateMachine;
  const measured = new MeasuredMachine(machine, clock, metrics);
  const batch = { slot: 5, live: true, count: 3, bytes: new Uint8Array(90) } as unknown as Batch;
  const results = { wanted: () => false, push() {} };
  measured.execute({ ...batch, live: false } as Batch, results);
  measured.execute(batch, results);
  measured.execute({ ...batch, count: 0, bytes: new Uint8Array(32) } as Batch, results);
  const { executeUs, batchCommands, batchBytes } = now();
  expect(executeUs.count).toBe(2);
  expect(batchCommands).toMatchObject({ count: 1, max: 3 });
  expect(batchBytes).toMatchObject({ count: 1, max: 90 });
  expect(warned).toMatchObject([{ slow: 'execute', slot: 5, ms: 60 }]);
});

test('turns of ticks are measured, and how late they begin', () => {
  const { clock, metrics, now, wait, warned } = stage();
  const tick = (lateMs: number, waitMs: number, tookMs: number): void => {
    wait(tickMs + lateMs);
    metrics.ticked();
    wait(waitMs);
    metrics.turnBegan(clock.nowMs());
    wait(tookMs);
    metrics.turnEnded();
    // The clock does not wait for a turn.
    wait(-waitMs - tookMs);
  };
  // A start may take long: the first tick is due when it comes.
  tick(5_000, 0, 0);
  tick(2, 1, 4);
  expect(now().turnDelayUs).toMatchObject({ count: 2, min: 1, max: 3_000 });
  expect(now().turnUs).toMatchObject({ count: 2, min: 1, max: 4_000 });
  expect(warned).toEqual([]);
  tick(0, 0, 160);
  expect(warned).toEqual([{ slow: 'turn', delayMs: 0, tookMs: 160, leftOut: 0 }]);
  wait(1_200 - tickMs);
  tick(140, 5, 6);
  expect(warned[1]).toMatchObject({ slow: 'turn', delayMs: 1_335 });
});

test('a reset begins anew, and what it gave is plain data', () => {
  const { metrics, now, wait } = stage();
  const beganMs = metrics.appendBegan();
  wait(10);
  metrics.appendEnded(beganMs, 1, 100);
  const first = now(true);
  expect(JSON.parse(JSON.stringify(first))).toEqual(first);
  expect([first.overMs, first.appendUs.count]).toEqual([10, 1]);
  const second = now();
  expect([second.overMs, second.appendUs.count, second.appendUs.mean]).toEqual([0, 0, 0]);
});

test('three figures of a distribution are exact', () => {
  const integer = fc.oneof(fc.integer({ min: 1, max: 5_000 }), fc.integer({ min: 1, max: 3e9 }));
  const property = fc.property(fc.array(integer, { minLength: 1, maxLength: 300 }), (values) => {
    const quantity = new Quantity();
    for (const value of values) quantity.record(value);
    const sorted = values.toSorted((a, b) => a - b);
    // The value at the nearest rank, and the least for the rank 0.
    const rank = (percent: number): number => Math.floor((percent / 100) * values.length + 0.5);
    const { count, min, mean, p50, p90, p99, p999, max } = quantity.distribution();
    const sum = values.reduce((a, b) => a + b, 0);
    const found = [min, p50, p90, p99, p999, max, mean];
    const expected = [0, 50, 90, 99, 99.9, 100].map((p) => sorted[Math.max(1, rank(p)) - 1]);
    expect(count).toBe(values.length);
    for (const [i, exact = 0] of [...expected, sum / values.length].entries()) {
      expect(Math.abs((found[i] ?? 0) - exact) / exact).toBeLessThan(0.001);
    }
  });
  fc.assert(property, { seed: 1, numRuns: 300 });
});

test('what is too small or too large to be counted is counted at the end of the range', () => {
  const quantity = new Quantity();
  for (const value of [0, 0.2, 1e12]) quantity.record(value);
  const { count, min, p50, max } = quantity.distribution();
  expect([count, min, p50]).toEqual([3, 1, 1]);
  expect(max / 3_600_000_000).toBeCloseTo(1, 3);
});
