import { expect, test } from 'vitest';
import { contractsDocument, namedIn } from './document.ts';
import type { HeardTest } from './heard.ts';
import { byContract } from './mutants.ts';
import type { Contract } from './scan.ts';

const contract: Contract = {
  id: 'x-1',
  sentence: 'x-1 a | b',
  kind: 'ensures',
  file: 'packages/core/src/paxos/x.ts',
  place: 'X.add',
  isConditional: true,
};
const [mine, other] = [contract.sentence, 'y-1 another'];

const heard = (file: string, title: string, ...spoke: string[]): HeardTest => ({
  file: `packages/core/${file}`,
  title,
  spoke: new Set(spoke),
  checked: new Set(spoke),
});

/** The cells of the contract's row. */
function cells(
  tests: readonly HeardTest[],
  mutants: ReadonlyMap<string, readonly string[]> = new Map(),
  before = '',
): string[] {
  const rows = contractsDocument([contract], { tests, mutants, before: namedIn(before) }).split(
    '\n',
  );
  return (rows.find((row) => row.startsWith('| x-1 ')) ?? '').split(' | ').slice(4);
}

test('a contract has a row below its file', () => {
  const text = contractsDocument([contract], { tests: [], mutants: new Map(), before: new Map() });
  expect(text).toContain('## core: paxos/x.ts\n');
  expect(text).toContain('| x-1 | `X.add` | a \\| b | ensures, *when* |  |  |  |\n');
});

test('the test with the sentence as its title comes before any that only gets there', () => {
  const targeted = heard('test/contracts/x.test.ts', mine, mine, other);
  expect(cells([heard('src/a.test.ts', 'short', mine), targeted])[0]).toBe('`contracts/x`');
});

test('else it is the test of that very file, or the one that reaches the fewest others', () => {
  const tests = [
    heard('src/host/a.test.ts', 'in real time', mine),
    heard('src/paxos/b.test.ts', 'far', mine, other),
    heard('src/paxos/c.test.ts', 'near', mine),
    heard('src/paxos/d.test.ts', 'past it', other),
    heard('test/properties/e.test.ts', 'random', mine),
  ];
  expect(cells(tests)[0]).toBe('*c: “near”*');
  expect(cells([...tests, heard('src/paxos/x.test.ts', 'own', mine, other)])[0]).toBe('*x: “own”*');
});

test('what was named before stays while it still reaches the contract', () => {
  const [a, b] = [heard('src/a.test.ts', 'one', mine), heard('src/b.test.ts', 'two', mine)];
  const before = contractsDocument([contract], {
    tests: [b],
    mutants: new Map(),
    before: new Map(),
  });
  expect(cells([a, b], new Map(), before)[0]).toBe('*b: “two”*');
  expect(cells([a], new Map(), before)[0]).toBe('*a: “one”*');
});

test('of the properties in which it spoke the most particular one is named', () => {
  const tests = [
    heard('test/properties/a.test.ts', 'one', mine),
    heard('test/properties/a.test.ts', 'two', other),
    heard('test/properties/b.test.ts', 'one', mine),
    heard('test/simulate.test.ts', 'seeds', mine),
  ];
  expect(cells(tests)[1]).toBe('`b`');
  expect(cells(tests.slice(-1))[1]).toBe('`simulate`');
});

test('mutants that it was the first to report are named, others are not', () => {
  const mutants = byContract([
    { mutant: 'vote below', contract: 'x-1 a | b' },
    { mutant: 'no raise', contract: 'x-1' },
    { mutant: 'by a test', contract: null },
  ]);
  expect(mutants).toEqual(new Map([['x-1', ['no raise', 'vote below']]]));
  expect(cells([], mutants)[2]).toBe('no raise, vote below |');
});
