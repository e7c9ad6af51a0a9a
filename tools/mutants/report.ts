/** What became of the mutants: for a terminal, for docs/mutants.md and for docs/contracts.md. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { documentOf, type Result } from './document.ts';
import type { Mutant } from './mutant.ts';
import type { Death, Verdict } from './verdict.ts';

export const resultsFile = 'tools/mutants/results.json';
export const documentFile = 'docs/mutants.md';

/** The contract that spoke first, or else the test. */
export const firstReport = ({ contract, test }: Death): string => contract ?? `“${test}”`;

export function described(verdict: Verdict): string {
  const { mutant, outcome, why, contracts, plain, seeds, seconds } = verdict;
  const took = `${seconds.toFixed(1)} s`;
  const head = `${mutant.name} (${mutant.rule}) → `;
  if (outcome === 'does not apply') return `${head}DOES NOT APPLY: ${why}`;
  const by = (death: Death | undefined): string =>
    death === undefined ? 'nobody' : firstReport(death);
  if (outcome === 'killed') {
    const bySeeds = seeds === undefined ? '' : `; seeds: ${seeds}`;
    const others = `without contracts by ${by(plain)}${bySeeds}`;
    return `${head}killed by ${by(contracts)}; ${others}, ${took}`;
  }
  const tried = mutant.killers.join(', ');
  return `${head}${outcome.toUpperCase()}: ${by(contracts)}; ${by(plain)}; of ${tried}, ${took}`;
}

export function summaryOf(verdicts: readonly Verdict[], seconds: number): Record<string, number> {
  const count = (outcome: Verdict['outcome']): number =>
    verdicts.filter((verdict) => verdict.outcome === outcome).length;
  const slowest = Math.max(0, ...verdicts.map((verdict) => verdict.seconds));
  return {
    mutants: verdicts.length,
    killed: count('killed'),
    survived: count('survived'),
    foundBySeeds: verdicts.filter(({ seeds }) => seeds === 'found').length,
    timedOut: count('timed out'),
    notApplied: count('does not apply'),
    seconds: Math.round(seconds),
    slowestSeconds: Math.round(slowest * 10) / 10,
  };
}

export function resultsOf(verdicts: readonly Verdict[]): Result[] {
  return verdicts.flatMap(({ mutant, contracts, plain, seeds }) => {
    if (contracts === undefined || plain === undefined) return [];
    const { name, rule, file } = mutant;
    return {
      mutant: name,
      rule,
      file,
      firstReport: firstReport(contracts),
      contract: contracts.contract ?? null,
      test: contracts.test,
      killer: contracts.file,
      plainTest: plain.test,
      plainKiller: plain.file,
      seeds: seeds ?? null,
    };
  });
}

/** Puts these results in the place of earlier ones of the same mutants, in the list's order. */
export function save(verdicts: readonly Verdict[], mutants: readonly Mutant[], root: string): void {
  const file = join(root, resultsFile);
  const before = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Result[]) : [];
  const anew = new Set(verdicts.map(({ mutant }) => mutant.name));
  const kept = before.filter(({ mutant }) => !anew.has(mutant));
  const byName = new Map([...kept, ...resultsOf(verdicts)].map((one) => [one.mutant, one]));
  const results = mutants.flatMap(({ name }) => byName.get(name) ?? []);
  writeFileSync(file, `${JSON.stringify(results, null, 2)}\n`);
  writeFileSync(join(root, documentFile), documentOf(results));
}
