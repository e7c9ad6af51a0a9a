// How much of the protocol its own unit tests reach, with contracts taken out, so that none counts
// as a branch. Fails below 95 % of the branches. The last line is JSON.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const branchesMin = 95;
const root = fileURLToPath(new URL('../../', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'rsl-coverage-'));
const { status } = spawnSync(
  process.execPath,
  [
    'node_modules/vitest/vitest.mjs',
    'run',
    '--project=core',
    'packages/core/src/paxos',
    '--coverage.enabled',
    '--coverage.include=packages/core/src/paxos/*.ts',
    `--coverage.reportsDirectory=${folder}`,
    '--coverage.reporter=json-summary',
    '--coverage.reporter=text',
  ],
  {
    cwd: root,
    stdio: 'inherit',
    env: {
      ...process.env,
      RSL_BUILD: 'production',
      RSL_WITHOUT_CONTRACTS: 'yes',
      NODE_ENV: 'production',
    },
  },
);
if (status !== 0) process.exit(status ?? 1);
const { total } = JSON.parse(readFileSync(join(folder, 'coverage-summary.json'), 'utf8'));
rmSync(folder, { recursive: true });
const { branches, functions, lines } = total;
console.log(
  JSON.stringify({
    code: 'packages/core/src/paxos',
    branches: branches.pct,
    functions: functions.pct,
    lines: lines.pct,
    branchesMin,
  }),
);
process.exitCode = branches.pct >= branchesMin ? 0 : 1;
