import ts from 'typescript';
import { expect, test } from 'vitest';
import { scan } from './scan.ts';

const file = (text: string, name = 'a.ts'): ts.SourceFile =>
  ts.createSourceFile(name, text, ts.ScriptTarget.ES2023, true);

const faultsOf = (text: string): readonly string[] => scan([file(text)]).faults;

test('a contract is known by its id, its sentence, its kind and its place', () => {
  const found = scan([
    file(`
      class Acceptor {
        vote() {
          const run = () => requires(() => a > 1, 'vote-1 not too low (P1)');
          ensures(() => a > 2, 'vote-2 kept', () => b);
        }
      }
      function rolesOf() { invariant(() => true, 'I3 so'); }
    `),
  ]);
  const common = { file: 'a.ts', isConditional: false };
  expect(found).toEqual({
    faults: [],
    contracts: [
      {
        ...common,
        id: 'vote-1',
        sentence: 'vote-1 not too low (P1)',
        kind: 'requires',
        place: 'Acceptor.vote',
      },
      {
        ...common,
        id: 'vote-2',
        sentence: 'vote-2 kept',
        kind: 'ensures',
        place: 'Acceptor.vote',
        isConditional: true,
      },
      { ...common, id: 'I3', sentence: 'I3 so', kind: 'invariant', place: 'rolesOf' },
    ],
  });
});

test('a table is found where it stands, and is what it is checked as, in whatever file', () => {
  const table = `export const clauses = {
    '2a-1 always': (s) => s.ok,
    '2a-2 at times': { when: (s) => s.now, holds: (s) => s.ok },
  } satisfies Clauses<Step>;`;
  const use = 'invariantAll(clauses, () => step);';
  const { contracts, faults } = scan([file(table), file(use, 'b.ts')]);
  expect(faults).toEqual([]);
  expect(contracts.map(({ id, isConditional, kind }) => [id, kind, isConditional])).toEqual([
    ['2a-1', 'invariant', false],
    ['2a-2', 'invariant', true],
  ]);
  expect(faultsOf(table)).toEqual(['a.ts:1 nobody checks the table clauses']);
});

test('a sentence is a plain string that begins with an id', () => {
  expect(faultsOf('requires(() => true);')).toEqual(['a.ts:1 a contract has no sentence']);
  expect(faultsOf('requires(() => true, sentence);')).toEqual([
    'a.ts:1 a sentence is no plain string',
  ]);
  expect(faultsOf('requires(() => true, `a-1 ${b}`);')).toEqual([
    'a.ts:1 a sentence is no plain string',
  ]);
  for (const sentence of [
    'not too low',
    'vote-1',
    'vote-01 so',
    'Vote-1 so',
    'I0 so',
    'vote 1 so',
  ]) {
    expect(faultsOf(`requires(() => true, '${sentence}');`)).toEqual([
      `a.ts:1 “${sentence}” does not begin with an id`,
    ]);
  }
});

test('an id is used once, in whatever file', () => {
  const one = `requires(() => a, 'x-1 so');`;
  expect(scan([file(one), file(one, 'b.ts')]).faults).toEqual(['b.ts: x-1 is also in a.ts']);
});

test('clauses that are not written out are not taken on trust', () => {
  const spread = `const c = { ...others } satisfies Clauses<S>; ensuresAll(c, () => s);`;
  expect(faultsOf(spread)).toEqual(['a.ts:1 a contract has no sentence']);
  const built = `const c: Clauses<S> = build(); ensuresAll(c, () => s);`;
  expect(faultsOf(built)).toEqual(['a.ts:1 the table c is not written out']);
});
