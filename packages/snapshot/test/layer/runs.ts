const times = Math.max(1, Number(process.env['RSL_PROPERTY_RUNS'] ?? 1));

/** A property's runs: the same ones every time, and RSL_PROPERTY_RUNS times as many if asked. */
export const runs = (seed: number, count: number) => ({ seed, numRuns: count * times });

/** For a test that runs a property: more runs may take longer. */
export const patienceMs = 60_000 * times;
