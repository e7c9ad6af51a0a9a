import { expect, test } from 'vitest';
import type { Hearing } from '../test/hear-contracts.ts';
import { type HeardTest, heardTests, silentContracts, unknownSentences } from './heard.ts';
import type { Contract } from './scan.ts';

const contract: Contract = {
  id: 'x-1',
  sentence: 'x-1 small numbers are even',
  kind: 'requires',
  file: 'x.ts',
  place: 'X.add',
  isConditional: true,
};

const heard = (title: string, contracts: Record<string, Hearing>): readonly HeardTest[] =>
  heardTests([{ file: 'packages/x/x.test.ts', tests: [{ title, contracts }] }]);

test('a contract that some test reaches, in the case that it speaks of, is fine', () => {
  const tests = heard('small ones', { [contract.sentence]: { checked: 4, spoke: 1 } });
  expect(silentContracts([contract], tests)).toEqual([]);
});

test('a contract that no test reaches is named', () => {
  const unreached = ['x.ts: no test reaches “x-1 small numbers are even”'];
  expect(silentContracts([contract], [])).toEqual(unreached);
  expect(silentContracts([contract], heard('others', {}))).toEqual(unreached);
});

test('a contract whose case never comes up is named', () => {
  const tests = heard('large ones', { [contract.sentence]: { checked: 4, spoke: 0 } });
  expect(silentContracts([contract], tests)).toEqual([
    'x.ts: in no test is there the case that “x-1 small numbers are even” speaks of',
  ]);
});

test('a test that breaks a contract on purpose is no proof that the code gets there', () => {
  for (const title of [contract.sentence, `breaking > ${contract.sentence}`, 'x-1 in short']) {
    const tests = heard(title, { [contract.sentence]: { checked: 1, spoke: 1 } });
    expect(silentContracts([contract], tests)).toHaveLength(1);
  }
  const other = heard('x-11 is another', { [contract.sentence]: { checked: 1, spoke: 1 } });
  expect(silentContracts([contract], other)).toEqual([]);
});

test('a sentence that was heard and is in no source shows that the scan is blind', () => {
  const tests = heard('any', { 'x-2 hidden': { checked: 1, spoke: 1 } });
  expect(unknownSentences([contract], tests)).toEqual([
    'tests heard “x-2 hidden”, which no source has',
  ]);
});
