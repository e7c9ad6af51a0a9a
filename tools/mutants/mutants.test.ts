import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { documentOf, type Result } from './document.ts';
import { Lane } from './lane.ts';
import { mutants } from './list/all.ts';
import { type Mutant, mutated } from './mutant.ts';
import { documentFile, resultsFile, summaryOf } from './report.ts';
import { type Asked, brokenKillers, verdictOf } from './verdict.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const read = (path: string): string => readFileSync(join(root, path), 'utf8');

test('every mutant applies, exactly once', () => {
  const problems = mutants.flatMap((mutant) => {
    try {
      mutated(read(mutant.file), mutant);
      return [];
    } catch (error) {
      return [String(error)];
    }
  });
  expect(problems).toEqual([]);
});

test('every mutant has a name of its own, and killers that are there', () => {
  const names = mutants.map(({ name }) => name);
  expect(names.filter((name, i) => names.indexOf(name) !== i)).toEqual([]);
  const named = mutants.flatMap(({ name, killers }) => killers.map((file) => ({ name, file })));
  expect(named.filter(({ file }) => !existsSync(join(root, file)))).toEqual([]);
  expect(mutants.filter(({ killers }) => killers.length === 0)).toEqual([]);
});

test('docs/mutants.md tells of these mutants and no others (npm run mutants -- --write)', () => {
  const results = JSON.parse(read(resultsFile)) as Result[];
  const said = results.map(({ mutant, rule, file }) => ({ name: mutant, rule, file }));
  expect(said).toEqual(mutants.map(({ name, rule, file }) => ({ name, rule, file })));
  expect(read(documentFile)).toBe(documentOf(results));
});

const ballots: Mutant = {
  name: 'equivalent',
  rule: 'none',
  file: 'packages/core/src/paxos/ballot.ts',
  find: 'compareBallots(a, b) === 0',
  replace: '(compareBallots(a, b) === 0)',
  killers: ['packages/core/src/paxos/ballot.test.ts'],
};

let lane: Lane;
beforeAll(() => {
  lane = new Lane(root, 60_000);
});
afterAll(() => lane.close());

test('the runner sees who dies and who does not', { timeout: 120_000 }, async () => {
  expect(await brokenKillers(ballots.killers, lane)).toEqual([]);
  expect((await verdictOf(ballots, lane)).outcome).toBe('survived');

  const deadly = { ...ballots, replace: 'compareBallots(a, b) !== 0' };
  const { outcome, contracts, plain } = await verdictOf(deadly, lane);
  expect(outcome).toBe('killed');
  expect([contracts?.file, plain?.file]).toEqual([...ballots.killers, ...ballots.killers]);

  // It leaves nothing behind: the next one begins with the sources as they are.
  expect(await brokenKillers(ballots.killers, lane)).toEqual([]);
});

test('a mutant that matches nothing, or changes nothing, does not apply', async () => {
  const missing = { ...ballots, find: 'nothing that is there' };
  expect((await verdictOf(missing, lane)).outcome).toBe('does not apply');
  const same = { ...ballots, replace: ballots.find };
  expect((await verdictOf(same, lane)).outcome).toBe('does not apply');
  const often = { ...ballots, find: 'Ballot' };
  expect((await verdictOf(often, lane)).outcome).toBe('does not apply');
});

/** Tests that give one answer each time. */
const answering = (answer: Awaited<ReturnType<Asked['ask']>>): Asked => ({
  with: (_, run) => run(),
  ask: () => Promise.resolve(answer),
});

test('a time-out is no kill', async () => {
  const message = 'Test timed out in 5000ms.';
  const waited = { passed: 3, failure: { test: 'it waits', message, contract: undefined } };
  expect((await verdictOf(ballots, answering(waited))).outcome).toBe('timed out');
  expect((await verdictOf(ballots, answering(undefined))).outcome).toBe('timed out');
});

test('what does not compile is no mutant', async () => {
  const failure = { test: undefined, message: 'no such word', contract: undefined };
  const verdict = await verdictOf(ballots, answering({ passed: 0, failure }));
  expect(verdict).toMatchObject({ outcome: 'does not apply' });
});

test('a killer that fails without a mutant, or has no test, is told', async () => {
  const failure = { test: 'it fails', message: 'anyway', contract: undefined };
  expect(await brokenKillers(['a'], answering({ passed: 1, failure }))).toHaveLength(2);
  expect(await brokenKillers(['a'], answering({ passed: 0, failure: undefined }))).toHaveLength(2);
  expect(await brokenKillers(['a'], answering(undefined))).toHaveLength(2);
});

test('who survives is counted as such', async () => {
  const survived = await verdictOf(ballots, answering({ passed: 1, failure: undefined }));
  expect(summaryOf([survived], 1)).toMatchObject({ mutants: 1, killed: 0, survived: 1 });
});
