import { parseArgs } from 'node:util';
import { CheckFailed, Simulation } from '@rsl/core/testing';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '100' },
    first: { type: 'string', default: '1' },
  },
});
const first = Number(values.first);
const seeds = Number(values.seeds);
const startedMs = performance.now();
const totals: Record<string, number> = {};
let simulatedMs = 0;
const hashes: string[] = [];

for (let seed = first; seed < first + seeds; seed += 1) {
  try {
    const report = await new Simulation({ seed }).run();
    simulatedMs += report.simulatedMs;
    hashes.push(report.traceHash);
    const { executed, acknowledged, unknown, denied, reads, slots, faults } = report;
    for (const [name, count] of Object.entries({
      executed,
      acknowledged,
      unknown,
      denied,
      reads,
      slots,
      ...faults,
    })) {
      totals[name] = (totals[name] ?? 0) + count;
    }
  } catch (error) {
    const kind = error instanceof CheckFailed ? error.kind : 'contract';
    console.error(`seed ${seed}: ${kind}`, error);
    console.error(`replay: npm run simulate -- --first ${seed} --seeds 1`);
    process.exit(kind === 'safety' ? 129 : kind === 'liveness' ? 128 : 127);
  }
}
const seconds = (performance.now() - startedMs) / 1_000;
console.log(
  JSON.stringify({
    first,
    seeds,
    simulatedSeconds: Math.round(simulatedMs / 1_000),
    seconds: Math.round(seconds),
    ...totals,
    hash: hashes.length === 1 ? hashes[0] : undefined,
  }),
);
