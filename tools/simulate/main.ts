// Runs seeds of the simulator: production code on simulated time, network and disks. One seed, one
// trace. The last line is JSON; a failure prints the seed and the line that replays it.
// Exit codes: 127 contract or crash, 128 liveness, 129 safety.
import { fork } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { crc32 } from 'node:zlib';
import { CheckFailed, Simulation, type SimulationReport } from '@rsl/core/testing';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '100' },
    first: { type: 'string', default: '1' },
    jobs: { type: 'string', default: String(availableParallelism()) },
  },
});
const first = integer('first', values.first, 0);
const seeds = integer('seeds', values.seeds, 1);
const jobs = Math.min(seeds, integer('jobs', values.jobs, 1));

type Outcome =
  | { readonly seed: number; readonly report: SimulationReport }
  | { readonly seed: number; readonly kind: string; readonly error: string };

if (process.send === undefined) await lead();
else await follow();

/** Gives seeds to as many processes as there are cores, and adds up. */
async function lead(): Promise<void> {
  const startedMs = performance.now();
  const reports = new Map<number, SimulationReport>();
  let next = first;
  const failed = await new Promise<Outcome | undefined>((resolve) => {
    let running = jobs;
    for (let job = 0; job < jobs; job += 1) {
      const child = fork(fileURLToPath(import.meta.url), { execArgv: process.execArgv });
      const give = (): void => {
        if (next < first + seeds) child.send(next++);
        else child.disconnect();
      };
      child.on('message', (outcome: Outcome) => {
        if (!('report' in outcome)) return resolve(outcome);
        reports.set(outcome.seed, outcome.report);
        give();
      });
      child.on('exit', (code) => {
        running -= 1;
        if (code !== 0) resolve({ seed: next - 1, kind: 'contract', error: `exit code ${code}` });
        else if (running === 0) resolve(undefined);
      });
      give();
    }
  });
  if (failed !== undefined && 'kind' in failed) return fail(failed.seed, failed.kind, failed.error);
  summarize(reports, (performance.now() - startedMs) / 1_000);
}

function fail(seed: number, kind: string, error: string): never {
  console.error(`seed ${seed}: ${kind}: ${error}`);
  console.error(`replay: npm run simulate -- --first ${seed} --seeds 1`);
  process.exit(kind === 'safety' ? 129 : kind === 'liveness' ? 128 : 127);
}

function summarize(reports: ReadonlyMap<number, SimulationReport>, seconds: number): void {
  const totals: Record<string, number> = {};
  let traceHash = 0;
  const all = [...reports.entries()].sort(([a], [b]) => a - b);
  for (const [, report] of all) {
    const { faults, seed: _, traceHash: hash, ...figures } = report;
    traceHash = crc32(hash, traceHash);
    for (const [name, count] of Object.entries({ ...figures, ...faults })) {
      totals[name] = (totals[name] ?? 0) + count;
    }
  }
  const { simulatedMs = 0, ...rest } = totals;
  const simulatedSeconds = Math.round(simulatedMs / 1_000);
  const figures = { first, seeds, simulatedSeconds, seconds: Math.round(seconds), ...rest };
  console.log(JSON.stringify({ ...figures, traceHash: traceHash.toString(16).padStart(8, '0') }));
}

async function follow(): Promise<void> {
  process.on('message', (seed: number) => {
    void outcomeOf(seed).then((outcome) => process.send?.(outcome));
  });
}

async function outcomeOf(seed: number): Promise<Outcome> {
  try {
    return { seed, report: await new Simulation({ seed }).run() };
  } catch (error) {
    const kind = error instanceof CheckFailed ? error.kind : 'contract';
    return { seed, kind, error: error instanceof Error ? String(error.stack) : String(error) };
  }
}

function integer(name: string, text: string, min: number): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= min) return value;
  console.error(`--${name}: an integer from ${min}, not ${text}`);
  process.exit(2);
}
