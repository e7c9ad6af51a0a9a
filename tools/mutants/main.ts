// Breaks one rule after the other in a copy of the sources, and sees who notices: each mutant has
// to be killed by a test that it names, with contracts and without. The last line is JSON.
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { fixedSeeds } from './copy.ts';
import { mutants } from './list/all.ts';
import { Lane } from './lane.ts';
import type { Mutant } from './mutant.ts';
import { described, save, summaryOf } from './report.ts';
import { brokenKillers, isSimulated, type Verdict, verdictOf } from './verdict.ts';

const answerMsMax = 20_000;
const root = fileURLToPath(new URL('../../', import.meta.url));
const { values } = parseArgs({
  options: {
    only: { type: 'string', multiple: true },
    jobs: { type: 'string', default: String(Math.min(2, availableParallelism())) },
    json: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
  },
});

const { only } = values;
const chosen = mutants.filter(
  ({ name, file }) => only === undefined || only.some((part) => `${file} ${name}`.includes(part)),
);
process.exitCode = await main(chosen);

async function main(list: readonly Mutant[]): Promise<number> {
  const startedMs = performance.now();
  const lanes = Array.from({ length: Number(values.jobs) }, () => new Lane(root, answerMsMax));
  const close = async (): Promise<void> => {
    await Promise.all(lanes.map((lane) => lane.close()));
  };
  // Whoever is told to stop leaves no copies behind.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => void close().finally(() => process.exit(1)));
  }
  try {
    const seeds = list.some(isSimulated) ? [fixedSeeds] : [];
    const killers = [...new Set([...seeds, ...list.flatMap((mutant) => mutant.killers)])];
    const broken = await spread(killers, lanes, (file, lane) => brokenKillers([file], lane));
    for (const problem of broken.flat()) console.error(`fails without any mutant: ${problem}`);
    const verdicts = await spread(list, lanes, async (mutant, lane) => {
      const verdict = await verdictOf(mutant, lane);
      if (!values.json) console.log(described(verdict));
      return verdict;
    });
    const seconds = (performance.now() - startedMs) / 1_000;
    return finish(verdicts, seconds, broken.flat().length);
  } finally {
    await close();
  }
}

function finish(verdicts: readonly Verdict[], seconds: number, broken: number): number {
  const summary = summaryOf(verdicts, seconds);
  if (values.json) console.log(JSON.stringify(verdicts, null, 2));
  if (values.write) save(verdicts, mutants, root);
  console.log(JSON.stringify(summary));
  return verdicts.length > 0 && summary.killed === summary.mutants && broken === 0 ? 0 : 1;
}

/** Each lane takes the next one when it is free; the results are in the order of the items. */
async function spread<T, R>(
  items: readonly T[],
  lanes: readonly Lane[],
  run: (item: T, lane: Lane) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  const waiting = [...items.entries()];
  const work = async (lane: Lane): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const [i, item] = next;
      results[i] = await run(item, lane);
    }
  };
  await Promise.all(lanes.map(work));
  return results;
}
