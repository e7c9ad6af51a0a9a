// Runs seeds of the simulator: production code on simulated time, network and disks. One seed, one
// trace. The last line is JSON; a failure prints the seed, the step and the line that replays it.
// Exit codes: 127 contract or crash, 128 liveness, 129 safety.
import { mkdirSync, writeFileSync } from 'node:fs';
import { type Arguments, parsedArguments } from './arguments.ts';
import { addToLedger } from './ledger.ts';
import { Pool } from './pool.ts';
import { type Case, outcomeOf, type Outcome, replayLine } from './seed.ts';
import { saved, shrunken } from './shrink.ts';
import { summaryOf } from './summary.ts';

const exitCodes = { contract: 127, liveness: 128, safety: 129 } as const;
const scripts = new URL('../../packages/core/test/scripts/', import.meta.url);

const given = parsedArguments();
const pool = new Pool(given.trace ? 0 : given.jobs, given.build);
process.exitCode = await main(given);
pool.close();

async function main(args: Arguments): Promise<number> {
  if (args.seed === undefined) return runMany(args);
  const one: Case = { ...args.with, seed: args.seed };
  const outcome = args.trace
    ? await outcomeOf(one, (line) => console.log(line))
    : await pool.run(one);
  if (outcome.failure === undefined) {
    console.log(JSON.stringify(summaryOf([outcome])));
    return 0;
  }
  return args.shrink ? shrink(outcome) : report(outcome);
}

/** Fixed seeds first, then fresh ones while there is time. */
async function runMany(args: Arguments): Promise<number> {
  const startedMs = performance.now();
  const seconds = (): number => (performance.now() - startedMs) / 1_000;
  const done: Outcome[] = [];
  let failed: Outcome | undefined;
  let taken = 0;
  const hasMore = (): boolean => {
    if (failed !== undefined) return false;
    return args.minutes === undefined ? taken < args.seeds : seconds() < args.minutes * 60;
  };
  const lane = async (): Promise<void> => {
    while (hasMore()) {
      const i = taken++;
      const seed = i < args.seeds ? args.first + i : args.fresh + i - args.seeds;
      const outcome = await pool.run({ ...args.with, seed });
      if (outcome.failure === undefined) done.push(outcome);
      else failed ??= outcome;
    }
  };
  await Promise.all(Array.from({ length: args.jobs }, lane));
  const { seeds, ...summary } = summaryOf(done);
  const fixed = `${args.first}–${args.first + Math.min(seeds, args.seeds) - 1}`;
  const fresh = seeds > args.seeds ? `, ${args.fresh}–${args.fresh + seeds - args.seeds - 1}` : '';
  const perSecond = Math.round(summary.simulatedSeconds / seconds() / args.jobs);
  const figures = { seeds, which: `${fixed}${fresh}`, seconds: Math.round(seconds()), ...summary };
  if (failed !== undefined) return report(failed);
  if (args.ledger) addToLedger({ seeds, ...summary }, figures.which, args.build);
  console.log(JSON.stringify({ ...figures, simulatedSecondsPerSecondAndJob: perSecond }));
  return 0;
}

async function shrink(failed: Outcome): Promise<number> {
  const found = await shrunken(
    failed,
    (one) => pool.run(one),
    (smaller) => console.log(`step ${smaller.failure?.step}: ${replayLine(smaller.case)}`),
  );
  mkdirSync(scripts, { recursive: true });
  const file = new URL(`seed-${failed.case.seed}.script`, scripts);
  writeFileSync(file, saved(found));
  console.log(`saved as ${file.pathname}`);
  return report(found);
}

function report({ case: one, failure }: Outcome): number {
  if (failure === undefined) return 0;
  const { kind, message, step, atMs } = failure;
  console.error(
    `seed ${one.seed}, step ${step}, ${(atMs / 1_000).toFixed(3)} s: ${kind}: ${message}`,
  );
  console.error(`replay: ${replayLine(one)}`);
  return exitCodes[kind];
}
