import { expect, test } from 'vitest';
import { CatchUp } from './catch-up.ts';
import { learnReply } from '../../test/paxos/fixture.ts';

const sources = [1, 3, 4];

test('a gap of a moment is not asked for', () => {
  // A 2a overtook another; the other comes at once (patience 25 ms).
  const catchUp = new CatchUp(200);
  expect(catchUp.due(5, sources, 25, 0)).toBeUndefined();
  expect(catchUp.due(5, sources, 25, 24)).toBeUndefined();
  expect(catchUp.due(6, sources, 25, 25)).toBeUndefined();
  expect(catchUp.due(6, sources, 25, 50)).toBe(1);
});

test('one request at a time, and another source if it is not answered', () => {
  // Nobody is asked for ever: the one asked may be gone (L6).
  const catchUp = new CatchUp(200);
  expect(catchUp.due(5, sources, 0, 0)).toBe(1);
  expect(catchUp.due(5, sources, 0, 199)).toBeUndefined();
  expect(catchUp.due(5, sources, 0, 200)).toBe(3);
  expect(catchUp.due(5, sources, 0, 400)).toBe(4);
  expect(catchUp.due(5, sources, 0, 600)).toBe(1);
});

test('whoever gave something is asked for more', () => {
  // It probably has the rest; no time is lost.
  const catchUp = new CatchUp(200);
  expect(catchUp.due(5, sources, 0, 0)).toBe(1);
  expect(catchUp.due(5, sources, 0, 200)).toBe(3);
  expect(catchUp.onReply(3, learnReply(5, ['a', 'b']))).toBe(true);
  expect(catchUp.due(7, sources, 0, 210)).toBe(3);
  expect(catchUp.due(7, sources, 0, 410)).toBe(4);
});

test('whoever gave nothing is not asked next', () => {
  const catchUp = new CatchUp(200);
  expect(catchUp.due(5, sources, 0, 0)).toBe(1);
  expect(catchUp.onReply(1, learnReply(5, []))).toBe(false);
  expect(catchUp.due(5, sources, 0, 1)).toBe(3);
});

test('a reply to something else is not the answer', () => {
  // From another source, or for another slot; the open request stays open.
  const catchUp = new CatchUp(200);
  expect(catchUp.onReply(1, learnReply(5, ['a']))).toBe(false);
  expect(catchUp.due(5, sources, 0, 0)).toBe(1);
  expect(catchUp.onReply(3, learnReply(5, ['a']))).toBe(false);
  expect(catchUp.onReply(1, learnReply(4, ['a']))).toBe(false);
  expect(catchUp.due(5, sources, 0, 100)).toBeUndefined();
});

test('alone there is nobody to ask', () => {
  expect(new CatchUp(200).due(5, [], 0, 0)).toBeUndefined();
});
