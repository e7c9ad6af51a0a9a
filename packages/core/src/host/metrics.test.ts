import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { ManyResults } from '../api.ts';
import { ClosedError } from '../errors.ts';
import { defaultSlow } from '../limits.ts';
import { silentLogger } from '../ports/logger.ts';
import type { Batch, StateMachine } from '../ports/state-machine.ts';
import { Counters } from './counters.ts';
import { commandsPerSample, MeasuredMachine, Metrics } from './metrics.ts';
import { Quantity } from './quantity.ts';
import { SlowWarnings } from './slow.ts';

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
  const metrics = new Metrics(clock, slow, slotsInFlightMax);
  return {
    clock,
    metrics,
    warned,
    wait: (ms: number) => (nowMs += ms),
    looks: () => looks,
    now: (reset = false) => metrics.snapshot({}, reset),
  };
}

const sink: ManyResults = { result() {}, error() {} };
const empty = new Uint8Array(0);

test('one command in 64 is measured, however they are called', () => {
  const { metrics, now } = stage();
  const property = fc.property(fc.array(fc.integer({ min: 1, max: 300 })), (counts) => {
    now(true);
    let commands = 0;
    for (const count of counts) {
      const results = metrics.measured(sink, count);
      for (let i = 0; i < count; i += 1) results.result(i, empty);
      commands += count;
    }
    const { count } = now().commandUs;
    expect(Math.abs(count - commands / commandsPerSample)).toBeLessThanOrEqual(1);
  });
  fc.assert(property, { seed: 1, numRuns: 200 });
});

test('a command that is not measured costs no look at the clock and no object', () => {
  const { looks, metrics } = stage();
  expect(metrics.measured(sink, 1)).not.toBe(sink);
  const before = looks();
  for (let i = 1; i < commandsPerSample; i += 1) expect(metrics.measured(sink, 1)).toBe(sink);
  expect(looks()).toBe(before);
  expect(metrics.measured(sink, 1)).not.toBe(sink);
});

test('a command is measured from the call to its result, not to an error', () => {
  const { metrics, now, wait } = stage();
  const told: string[] = [];
  const results = metrics.measured(
    {
      result: (i, bytes) => void told.push(`${i} ${bytes.length}`),
      error: (i, { code }) => void told.push(`${i} ${code}`),
    },
    65,
  );
  wait(0.25);
  results.result(0, empty);
  wait(0.75);
  results.error(64, new ClosedError('the test says so'));
  results.result(1, empty);
  expect(told).toEqual(['0 0', '64 RSL_CLOSED', '1 0']);
  expect(now().commandUs).toMatchObject({ count: 1, min: 250, max: 250 });
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
  expect(now().appendUs).toMatchObject({ count: 1, min: 3_000, max: 3_001 });
});

test('a log that has stalled is told of at a tick; one that goes on is not', () => {
  const { clock, metrics, wait, warned } = stage();
  const begun = [metrics.appendBegan(), metrics.appendBegan(), metrics.appendBegan()];
  for (const each of begun) {
    wait(400);
    metrics.onTick(clock.nowMs());
    metrics.appendEnded(each, 0, 0);
  }
  wait(5_000);
  metrics.onTick(clock.nowMs());
  expect(warned).toEqual([]);
  metrics.appendBegan();
  wait(600);
  metrics.onTick(clock.nowMs());
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

test('turns are measured, and what they waited for the event loop', () => {
  const { clock, metrics, now, wait } = stage();
  const dueMs = clock.nowMs();
  wait(2);
  const beganMs = clock.nowMs();
  wait(1);
  metrics.turned(dueMs, beganMs);
  expect(now().turnDelayUs).toMatchObject({ count: 1, max: 2_000 });
  expect(now().turnUs).toMatchObject({ count: 1, max: 1_000 });
});

test('a reset begins anew, and what it gave is plain data', () => {
  const { metrics, now, wait } = stage();
  const dueMs = metrics.appendBegan();
  wait(10);
  metrics.turned(dueMs, dueMs);
  const first = now(true);
  expect(JSON.parse(JSON.stringify(first))).toEqual(first);
  expect([first.overMs, first.turnUs.count]).toEqual([10, 1]);
  const second = now();
  expect([second.overMs, second.turnUs.count, second.turnUs.mean]).toEqual([0, 0, 0]);
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
