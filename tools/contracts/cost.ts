/**
 * What the contracts cost: the same seeds of the simulator with contracts and without, in turns, in
 * processor time. The last line is JSON. `--seeds 20` is the default.
 *
 *   node --conditions=@rsl/source --import ./tools/build/run-sources.mjs tools/contracts/cost.ts
 */
import { Simulation } from '@rsl/core/testing';
import { parseArgs } from 'node:util';

const { values: options } = parseArgs({ options: { seeds: { type: 'string', default: '20' } } });
const seeds = Number(options.seeds);
const short = { durationMs: 10_000, stormMs: 4_000 };

// The sources ask the global each time; in a build the calls are gone altogether.
const world = globalThis as { CONTRACTS?: boolean };

async function run(seed: number, contracts: boolean): Promise<{ ms: number; traceHash: string }> {
  world.CONTRACTS = contracts;
  const before = process.cpuUsage();
  const { traceHash } = await new Simulation({ seed, ...short }).run();
  const { user, system } = process.cpuUsage(before);
  return { ms: (user + system) / 1_000, traceHash: String(traceHash) };
}

await run(1, true);
await run(1, false);
let [withMs, withoutMs] = [0, 0];
for (let seed = 1; seed <= seeds; seed += 1) {
  const on = await run(seed, true);
  const off = await run(seed, false);
  if (on.traceHash !== off.traceHash) throw new Error(`contracts change what seed ${seed} does`);
  withMs += on.ms;
  withoutMs += off.ms;
}
const ratio = Math.round((10 * withMs) / withoutMs) / 10;
console.log(
  JSON.stringify({ seeds, withMs: Math.round(withMs), withoutMs: Math.round(withoutMs), ratio }),
);
