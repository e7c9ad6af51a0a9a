/**
 * A set-up file of vitest, in use while RSL_CONTRACT_REPORTS names a folder: one report for each
 * test file, with the contracts that each of its tests checked and those that spoke.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ContractListener } from '@rsl/contracts';
import { afterAll, beforeEach, expect } from 'vitest';

/** What one test file heard. */
export interface ContractReport {
  /** From the root of the repository. */
  readonly file: string;
  readonly tests: readonly TestHearing[];
}

export interface TestHearing {
  readonly title: string;
  /** By sentence. */
  readonly contracts: Readonly<Record<string, Hearing>>;
}

/** How often a contract was checked, and how often the case was one that it speaks of. */
export interface Hearing {
  readonly checked: number;
  readonly spoke: number;
}

type Heard = Map<string, { checked: number; spoke: number }>;

const folder = process.env['RSL_CONTRACT_REPORTS'];
const root = fileURLToPath(new URL('../../', import.meta.url));

if (folder !== undefined) listen(folder);

function listen(reports: string): void {
  const tests: { title: string; heard: Heard }[] = [];
  // What is checked while a file loads belongs to no test.
  let heard: Heard = new Map();
  tests.push({ title: '', heard });

  const world = globalThis as { rslContractListener?: ContractListener };
  world.rslContractListener = (contract, spoke) => {
    const known = heard.get(contract) ?? { checked: 0, spoke: 0 };
    if (known.checked === 0) heard.set(contract, known);
    known.checked += 1;
    if (spoke) known.spoke += 1;
  };

  beforeEach(() => {
    heard = new Map();
    tests.push({ title: expect.getState().currentTestName ?? '', heard });
  });

  afterAll(() => {
    const file = relative(root, expect.getState().testPath ?? '');
    const report: ContractReport = {
      file,
      tests: tests.map(({ title, heard: of }) => ({ title, contracts: Object.fromEntries(of) })),
    };
    mkdirSync(reports, { recursive: true });
    const name = createHash('sha256').update(file).digest('hex').slice(0, 16);
    writeFileSync(join(reports, `${name}.json`), JSON.stringify(report));
  });
}
