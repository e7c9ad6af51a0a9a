import { expect, test } from 'vitest';
import { scan, shippedFiles } from '../contracts/scan.ts';
import { parse } from './source-files.ts';

const { contracts, faults } = scan(shippedFiles().map(parse));

test('every contract has a sentence that begins with an id of its own', () => {
  expect(faults).toEqual([]);
});

test('the handler of 2a has at least 16 contracts', () => {
  const on2a = contracts.filter(({ id }) => id.startsWith('2a-'));
  expect(on2a.length).toBeGreaterThanOrEqual(16);
});

/** What changes the state of the protocol, and where it says what it guarantees. */
const handlers = [
  'Acceptor.on2a',
  'Acceptor.stand',
  'Acceptor.vote',
  'Acceptor.truncate',
  'Executor.release',
  'Executor.onExecuted',
  'Learner.decide',
  'Learner.hear',
  'Learner.release',
  'Phase1.on1b',
  'Proposer.propose',
  'Proposer.on2b',
  'Proposer.countVotes',
  'on1aClauses',
  'on2aClauses',
  'adoptionClauses',
  'stepClauses',
  'stateInvariants',
  'stepInvariants',
];

test('what changes the state of the protocol keeps its contracts', () => {
  const places = new Set(contracts.map(({ place }) => place));
  expect(handlers.filter((place) => !places.has(place))).toEqual([]);
});
