import { Simulation } from '@rsl/core/testing';
import { expect, test } from 'vitest';

// So little memory between the halves that it is full whenever a state machine stands still.
const limits = { slotRingBytesMax: 4_096, stagedBytesMax: 4_096 };
const short = { durationMs: 10_000, stormMs: 4_000, isApart: true, limits };

test('with engines apart one seed gives one trace', { timeout: 60_000 }, async () => {
  const once = await new Simulation({ seed: 7, ...short }).run();
  const again = await new Simulation({ seed: 7, ...short }).run();
  expect(again).toEqual(once);
});

test('with engines apart seeds 1 to 20 hold', { timeout: 120_000 }, async () => {
  for (let seed = 1; seed <= 20; seed += 1) {
    const report = await new Simulation({ seed, ...short }).run();
    if (!report.beyond) expect(report.acknowledged, `seed ${seed}`).toBeGreaterThan(20);
  }
});
