/**
 * npm run contracts: finds every contract, runs the tests that reach them, fails for one that says
 * nothing, and writes docs/contracts.md.
 *
 *   --check            compares docs/contracts.md instead of writing it
 *   --reports FOLDER   takes what a run of the tests under RSL_CONTRACT_REPORTS=FOLDER left there
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { ContractReport } from '../test/hear-contracts.ts';
import * as source from '../tidy/source-files.ts';
import { contractsDocument, namedIn } from './document.ts';
import { heardTests, readReports, silentContracts, unknownSentences } from './heard.ts';
import { reportedMutants } from './mutants.ts';
import { scan, shippedFiles } from './scan.ts';

const projects = ['contracts', 'core', 'log-file', 'transport-tcp'];
const document = 'docs/contracts.md';

const { values: options } = parseArgs({
  options: { check: { type: 'boolean', default: false }, reports: { type: 'string' } },
});

const { contracts, faults: written } = scan(shippedFiles().map(source.parse));
const tests = heardTests(options.reports === undefined ? heard() : readReports(options.reports));
const faults = [
  ...written,
  ...silentContracts(contracts, tests),
  ...unknownSentences(contracts, tests),
];
const mutants = reportedMutants(join(source.root, 'tools/mutants/results.json'));
const path = join(source.root, document);
const there = existsSync(path) ? readFileSync(path, 'utf8') : '';
const text = contractsDocument(contracts, { tests, mutants, before: namedIn(there) });

if (options.check) faults.push(...differences(text));
else writeFileSync(path, text);
for (const fault of faults) console.error(fault);
console.log(`${contracts.length} contracts in ${tests.length} tests, ${faults.length} faults`);
process.exitCode = faults.length === 0 && contracts.length > 0 ? 0 : 1;

/** Runs the tests with somebody who listens. */
function heard(): readonly ContractReport[] {
  const folder = mkdtempSync(join(tmpdir(), 'rsl-contracts-'));
  const run = projects.flatMap((name) => ['--project', name]);
  const { status } = spawnSync(
    process.execPath,
    ['node_modules/vitest/vitest.mjs', 'run', '--reporter=dot', ...run],
    {
      cwd: source.root,
      stdio: 'inherit',
      env: { ...process.env, RSL_CONTRACT_REPORTS: folder },
    },
  );
  const reports = readReports(folder);
  rmSync(folder, { recursive: true });
  if (status !== 0) {
    console.error('the tests failed, so nothing is known of the contracts');
    process.exit(1);
  }
  return reports;
}

/** The first line of the document that should be another. */
function differences(wanted: string): readonly string[] {
  if (wanted === there) return [];
  const [lines, known] = [wanted.split('\n'), there.split('\n')];
  const at = lines.findIndex((line, i) => line !== known[i]);
  const wrong = `${document} is not what \`npm run contracts\` writes`;
  return at === -1 ? [`${wrong}: it goes on`] : [`${wrong}; line ${at + 1} should be ${lines[at]}`];
}
