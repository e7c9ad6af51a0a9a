import { expect, test } from 'vitest';
import {
  type Clauses,
  clauseHolds,
  contractsEnabled,
  ensures,
  ensuresAll,
  invariant,
  invariantAll,
  old,
  requires,
} from './index.ts';

const caught = (action: () => void): unknown => {
  try {
    action();
    return undefined;
  } catch (error) {
    return error;
  }
};

test.runIf(CONTRACTS)(
  'a violation says which contract broke, in its sentence and in the words of its source',
  () => {
    const slot = Math.min(3, 4);
    expect(caught(() => requires(() => slot > 3, 'x-1 far enough'))).toMatchObject({
      name: 'ContractViolation',
      code: 'RSL_CONTRACT_VIOLATION',
      kind: 'requires',
      contract: 'x-1 far enough',
      message: 'requires: x-1 far enough: slot > 3',
    });
    expect(caught(() => ensures(() => slot > 3, 'x-2 R7'))).toMatchObject({ kind: 'ensures' });
    expect(caught(() => invariant(() => slot > 3, 'x-3 so'))).toMatchObject({ kind: 'invariant' });
  },
);

const clauses: Clauses<number> = {
  'x-4 small': (n) => n < 10,
  'x-5 even numbers are positive': { when: (n) => n % 2 === 0, holds: (n) => n > 0 },
};

test.runIf(CONTRACTS)('a table is checked clause by clause, and names the one that fails', () => {
  expect(caught(() => ensuresAll(clauses, () => 12))).toMatchObject({
    kind: 'ensures',
    message: 'ensures: x-4 small: n < 10',
  });
  expect(caught(() => invariantAll(clauses, () => -2))).toMatchObject({
    kind: 'invariant',
    contract: 'x-5 even numbers are positive',
  });
});

test('a contract that holds, or that does not speak of the case, is silent', () => {
  expect(caught(() => requires(() => true, 'x-1 far enough'))).toBeUndefined();
  expect(
    caught(() =>
      ensures(
        () => false,
        'x-1 far enough',
        () => false,
      ),
    ),
  ).toBeUndefined();
  expect(caught(() => ensuresAll(clauses, () => -3))).toBeUndefined();
  expect(clauseHolds(clauses['x-5 even numbers are positive'] ?? (() => false), -3)).toBe(true);
});

test.runIf(CONTRACTS)('old remembers the value on entry', () => {
  let promised = 1;
  const before = old(() => promised);
  promised = 2;
  expect(before).toBe(1);
});

test.runIf(CONTRACTS)('a listener hears which contracts were checked, and which spoke', () => {
  const world = globalThis as { rslContractListener?: unknown };
  const known = world.rslContractListener;
  const heard: [string, boolean][] = [];
  world.rslContractListener = (contract: string, spoke: boolean) => heard.push([contract, spoke]);
  ensuresAll(clauses, () => 3);
  world.rslContractListener = known;
  expect(heard).toEqual([
    ['x-4 small', true],
    ['x-5 even numbers are positive', false],
  ]);
});

test.skipIf(CONTRACTS)('without contracts no predicate is ever called', () => {
  const never = (): boolean => {
    throw new Error('called');
  };
  expect(contractsEnabled).toBe(false);
  expect(
    caught(() => [
      requires(never, 'x-1 far enough'),
      ensures(never, 'x-1 far enough'),
      invariant(never, 'x-1 far enough'),
      ensuresAll({ 'x-1 far enough': never }, never),
      invariantAll({ 'x-1 far enough': never }, never),
      old(never),
    ]),
  ).toBeUndefined();
});
