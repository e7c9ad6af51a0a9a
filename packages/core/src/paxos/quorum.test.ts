import { expect, test } from 'vitest';
import { nowhere } from './membership.ts';
import { Quorum, quorumOf } from './quorum.ts';
import { group, member } from '../../test/paxos/fixture.ts';

test('a quorum is any majority', () => {
  // One less, and two quorums might share nobody.
  expect([1, 2, 3, 4, 5, 6, 7].map(quorumOf)).toEqual([1, 2, 2, 3, 3, 4, 4]);
});

test('only voters count, and each once', () => {
  // Observers and strangers are no part of it (P5).
  const members = [member(1), member(2), member(3), member(4, 'observer')];
  const quorum = new Quorum(group(4, { members }));
  expect(quorum.voters).toEqual([1, 2, 3]);
  expect(quorum.includes(new Set([1]))).toBe(false);
  expect(quorum.includes(new Set([1, 4, 9]))).toBe(false);
  expect(quorum.includes(new Set([1, 3]))).toBe(true);
});

test('a member that is listed twice is one voter', () => {
  const quorum = new Quorum(group(2, { members: [member(1), member(1), member(2)] }));
  expect(quorum.size).toBe(2);
  expect(quorum.includes(new Set([1]))).toBe(false);
});

test('a quorum has reached what the majority has reached', () => {
  // Of three: the second highest. Of four: the third highest, because two are no majority.
  const reached = (count: number, through: readonly number[]) =>
    new Quorum(group(count)).reached((voter) => through[voter - 1] ?? 0);
  expect(reached(3, [5, 9, 2])).toBe(5);
  expect(reached(4, [5, 9, 2, 7])).toBe(5);
  expect(reached(5, [5, 9, 2, 7, 1])).toBe(5);
  expect(reached(1, [5])).toBe(5);
  expect(reached(3, [10, 9, 100])).toBe(10);
});

test('without voters there is no quorum', () => {
  // Whoever knows no configuration decides nothing (S10).
  const nobody = new Quorum(nowhere);
  expect(nobody.includes(new Set())).toBe(false);
  expect(nobody.reached(() => 7)).toBe(-Infinity);
});
