import { expect, test } from 'vitest';
import { defaultSlow } from '../limits.ts';
import { type Logger, silentLogger } from '../ports/logger.ts';
import { Counters } from './counters.ts';
import { SlowWarnings } from './slow.ts';

function stage() {
  const counters = new Counters();
  const warned: object[] = [];
  const logger: Logger = { ...silentLogger, warn: (fields) => void warned.push(fields) };
  const clock = { now: 0, nowMs: () => clock.now, wallMs: () => 0 };
  const timer = { ...clock, nowMs: () => clock.now, everyMs: () => () => {}, soon: () => {} };
  return { clock, counters, warned, slow: new SlowWarnings(defaultSlow, timer, logger, counters) };
}

test('what takes as long as its bound is told, what is below it is not', () => {
  const { slow, warned } = stage();
  slow.executed(7, 49.9);
  slow.appended(499, 10);
  slow.turned(100, 49);
  expect(warned).toEqual([]);
  slow.executed(8, 50);
  slow.appended(500, 10);
  slow.turned(100, 50);
  expect(warned).toEqual([
    { slow: 'execute', slot: 8, ms: 50, leftOut: 0 },
    { slow: 'append', ms: 500, bytes: 10, leftOut: 0 },
    { slow: 'turn', delayMs: 100, tookMs: 50, leftOut: 0 },
  ]);
});

test('each kind is told once in a second, and says how many were left out', () => {
  // Whoever is slow already is not made slower by writing about it.
  const { clock, counters, slow, warned } = stage();
  for (let i = 0; i < 5; i += 1) slow.executed(i, 60);
  slow.appended(700, 1);
  clock.now = 999;
  slow.executed(8, 60);
  clock.now = 1_000;
  slow.executed(9, 60);
  clock.now = 2_000;
  slow.executed(10, 60);
  expect(warned).toMatchObject([
    { slow: 'execute', slot: 0, leftOut: 0 },
    { slow: 'append' },
    { slow: 'execute', slot: 9, leftOut: 5 },
    { slow: 'execute', slot: 10, leftOut: 0 },
  ]);
  const { slowExecutes, slowAppends, slowWarningsLeftOut } = counters.counts;
  expect([slowExecutes, slowAppends, slowWarningsLeftOut]).toEqual([8, 1, 5]);
});

test('a log that does not answer is told of while it does not, and counted when it does', () => {
  const { clock, counters, slow, warned } = stage();
  for (clock.now = 400; clock.now < 1_700; clock.now += 10) slow.appendOutstanding(clock.now);
  expect(warned).toEqual([
    { slow: 'append', ms: 500, outstanding: true, leftOut: 0 },
    { slow: 'append', ms: 1_500, outstanding: true, leftOut: 0 },
  ]);
  expect(counters.counts).toEqual({});
  slow.appended(1_700, 10);
  expect(counters.counts).toEqual({ slowAppends: 1, slowWarningsLeftOut: 1 });
});
