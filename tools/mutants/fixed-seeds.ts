// A test file of every copy: a fixed range of seeds, short ones. What they catch stands beside what
// the killers say, and decides nothing: random seeds do not find every broken rule.
import { Simulation } from '@rsl/core/testing';
import { test } from 'vitest';

for (const seed of [1, 2, 3]) {
  test(`seed ${seed}`, { timeout: 60_000 }, async () => {
    await new Simulation({ seed, durationMs: 10_000, stormMs: 4_000 }).run();
  });
}
