import { expect, test } from 'vitest';
import { contractsEnabled, ensures, invariant, old, requires } from './index.ts';

const caught = (action: () => void): unknown => {
  try {
    action();
    return undefined;
  } catch (error) {
    return error;
  }
};

test.runIf(CONTRACTS)(
  'a violation says which kind of promise broke, in the words of its source',
  () => {
    const slot = Math.min(3, 4);
    expect(caught(() => requires(() => slot > 3))).toMatchObject({
      name: 'ContractViolation',
      code: 'RSL_CONTRACT_VIOLATION',
      kind: 'requires',
      message: 'requires: slot > 3',
    });
    expect(caught(() => ensures(() => slot > 3, 'R7'))).toMatchObject({
      kind: 'ensures',
      message: 'ensures: R7: slot > 3',
    });
    expect(caught(() => invariant(() => slot > 3))).toMatchObject({ kind: 'invariant' });
  },
);

test('a contract that holds is silent', () => {
  expect(caught(() => requires(() => true))).toBeUndefined();
});

test.runIf(CONTRACTS)('old remembers the value on entry', () => {
  let promised = 1;
  const before = old(() => promised);
  promised = 2;
  expect(before).toBe(1);
});

test.skipIf(CONTRACTS)('without contracts no predicate is ever called', () => {
  const never = (): boolean => {
    throw new Error('called');
  };
  expect(contractsEnabled).toBe(false);
  expect(
    caught(() => [requires(never), ensures(never), invariant(never), old(never)]),
  ).toBeUndefined();
});
