import { CheckFailed, type Clocks, type Mix, Simulation } from '@rsl/core/testing';
import { expect, test } from 'vitest';

/** Leaders are cut off often, and many read: then a lease that lasts too long shows. */
function simulation(seed: number, clocks: Clocks): Simulation {
  return new Simulation({
    seed,
    clocks,
    replicas: 3,
    clients: 12,
    durationMs: 10_000,
    stormMs: 8_000,
    beyond: false,
    timings: {
      heartbeatMs: 50,
      tickMs: 10,
      electionTimeoutMsMin: 200,
      candidateTimeoutMsMin: 100,
    },
    faults: { ...none(seed), cut: 2, oneWay: 2, succession: 1, clockRate: 2 },
    client: async (turn) => {
      if (turn.random.chance(70)) await turn.read('linearizable', 300);
      else await turn.propose(Buffer.from('x'), { timeoutMs: 1_000 });
    },
  });
}

function none(seed: number): Mix {
  const { mix } = new Simulation({ seed, faults: 'none' });
  return mix;
}

const rates = [0.75, 1.25];
const clocksOf = (drift: number): Clocks => ({
  lease: { forMs: 199, drift },
  rates,
  changedRates: rates,
});

/** The first seed with a stale read, and what was found. */
async function stale(drift: number, seeds: number): Promise<string | undefined> {
  for (let seed = 1; seed <= seeds; seed += 1) {
    try {
      await simulation(seed, clocksOf(drift)).run();
    } catch (error) {
      if (error instanceof CheckFailed) return `seed ${seed}: ${error.message}`;
      throw error;
    }
  }
  return undefined;
}

test('a bound on clocks that is a lie is found out by a stale read', {
  timeout: 120_000,
}, async () => {
  // So the checker sees what a lease does wrong if anything is wrong with it.
  expect(await stale(0.00001, 60)).toMatch(/stale read at \d/);
});

test('the same clocks with a bound that is true give none', { timeout: 120_000 }, async () => {
  expect(await stale(0.25, 20)).toBeUndefined();
});
