/** What the tests heard of the contracts, put together from the reports of all test files. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ContractReport, TestHearing } from '../test/hear-contracts.ts';
import type { Contract } from './scan.ts';

/** One test, with the sentences that spoke in it. */
export interface HeardTest {
  readonly file: string;
  readonly title: string;
  readonly spoke: ReadonlySet<string>;
  readonly checked: ReadonlySet<string>;
}

/** Tests of packages, then of apps, in the order of their files and titles, whoever ran first. */
export function heardTests(reports: readonly ContractReport[]): readonly HeardTest[] {
  const own = reports.filter(({ file }) => /^(packages|apps)\//.test(file));
  const tests = own.flatMap(({ file, tests: of }) => of.map((test) => heardTest(file, test)));
  const isOfApp = (file: string): string => (file.startsWith('apps/') ? '1' : '0');
  const key = ({ file, title }: HeardTest): string => `${isOfApp(file)} ${file}\n${title}`;
  return tests.toSorted((a, b) => (key(a) < key(b) ? -1 : 1));
}

function heardTest(file: string, { title, contracts }: TestHearing): HeardTest {
  const heard = Object.entries(contracts);
  const spoke = heard.filter(([, each]) => each.spoke > 0).map(([sentence]) => sentence);
  const checked = heard.filter(([, each]) => each.checked > 0).map(([sentence]) => sentence);
  return { file, title, spoke: new Set(spoke), checked: new Set(checked) };
}

export function readReports(folder: string): readonly ContractReport[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .map((name) => JSON.parse(readFileSync(join(folder, name), 'utf8')) as ContractReport);
}

/** True if the test is about this contract: it shows that the contract can fail. */
export function isAbout({ title }: HeardTest, { id, sentence }: Contract): boolean {
  const last = title.split(' > ').at(-1) ?? '';
  return last === sentence || last.startsWith(`${id} `);
}

/**
 * Contracts that say nothing: no test checks them, or none has the case that they speak of. A test
 * that breaks a contract on purpose does not count: the rest of the code never gets there.
 */
export function silentContracts(
  contracts: readonly Contract[],
  tests: readonly HeardTest[],
): readonly string[] {
  return contracts.flatMap((contract) => {
    const { file, sentence } = contract;
    const others = tests.filter((test) => !isAbout(test, contract));
    if (!others.some(({ checked }) => checked.has(sentence))) {
      return [`${file}: no test reaches “${sentence}”`];
    }
    if (others.some(({ spoke }) => spoke.has(sentence))) return [];
    return [`${file}: in no test is there the case that “${sentence}” speaks of`];
  });
}

/** Sentences that a test of our own packages heard and the scan did not find: it is blind there. */
export function unknownSentences(
  contracts: readonly Contract[],
  tests: readonly HeardTest[],
): readonly string[] {
  const known = new Set(contracts.map(({ sentence }) => sentence));
  const heard = new Set(
    tests
      .filter(({ file }) => !file.startsWith('packages/contracts/'))
      .flatMap(({ checked }) => [...checked]),
  );
  return [...heard]
    .filter((sentence) => !known.has(sentence))
    .toSorted()
    .map((sentence) => `tests heard “${sentence}”, which no source has`);
}
