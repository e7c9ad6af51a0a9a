import { expect, test } from 'vitest';
import { Outbox } from './outbox.ts';
import { Reads } from './reads.ts';
import { ballot } from '../../test/paxos/fixture.ts';

const led = (id: number, round = 1) => ({ id, ballot: ballot(round, id) });

const released = (reads: Reads, executedThrough: number): readonly unknown[] => {
  const out = new Outbox();
  reads.release(executedThrough, out);
  return out.take().map((e) => (e.kind === 'read-ready' ? e.read : e.kind));
};

test('one request covers all reads that waited when it was sent', () => {
  const reads = new Reads(300, 100);
  expect(reads.due(led(1), 0)).toBeUndefined();
  reads.add(1);
  reads.add(2);
  const number = reads.due(led(1), 0) ?? -1;
  reads.add(3);
  reads.onAnswer(number, 5);
  expect(released(reads, 4)).toEqual([]);
  expect(released(reads, 5)).toEqual([1, 2]);
  expect(released(reads, 9)).toEqual([]);
});

test('a read that came later waits for the next request', () => {
  // The leader's round may have begun before it (Q1).
  const reads = new Reads(300, 100);
  reads.add(1);
  const first = reads.due(led(1), 0) ?? -1;
  reads.add(2);
  expect(reads.due(led(1), 10)).toBeUndefined();
  reads.onAnswer(first, 0);
  const second = reads.due(led(1), 10) ?? -1;
  expect(second).not.toBe(first);
  expect(released(reads, 0)).toEqual([1]);
  reads.onAnswer(second, 0);
  expect(released(reads, 0)).toEqual([2]);
});

test('an answer to another request is of no use', () => {
  // From before a restart, or to a request that was given up: it may be about an older state.
  const reads = new Reads(300, 100);
  reads.onAnswer(100, 5);
  reads.add(1);
  const first = reads.due(led(1), 0) ?? -1;
  const again = reads.due(led(1), 300) ?? -1;
  expect(again).not.toBe(first);
  reads.onAnswer(first, 5);
  expect(released(reads, 9)).toEqual([]);
  reads.onAnswer(again, 6);
  expect(released(reads, 9)).toEqual([1]);
});

test('refused, unanswered, or with another leader now: it asks again', () => {
  const reads = new Reads(300, 100);
  reads.add(1);
  const first = reads.due(led(1), 0) ?? -1;
  reads.onAnswer(first, undefined);
  expect(reads.due(led(1), 10)).toBeDefined();
  expect(reads.due(led(1), 309)).toBeUndefined();
  expect(reads.due(led(1), 310)).toBeDefined();
  const other = reads.due(led(2), 311) ?? -1;
  reads.onAnswer(other, 2);
  expect(released(reads, 2)).toEqual([1]);
});

test('each read waits for its own slot', () => {
  const reads = new Reads(300, 100);
  for (const [read, slot] of [
    [1, 7],
    [2, 5],
  ] as const) {
    reads.add(read);
    reads.onAnswer(reads.due(led(1), 0) ?? -1, slot);
  }
  expect(released(reads, 6)).toEqual([2]);
  expect(released(reads, 7)).toEqual([1]);
});

test('what an earlier leader named is asked again of the next', () => {
  // The slot may never be filled: whoever named it was deposed.
  const reads = new Reads(300, 100);
  reads.add(1);
  reads.onAnswer(reads.due(led(1), 0) ?? -1, 9);
  expect(reads.due(led(1), 1)).toBeUndefined();
  const again = reads.due(led(1, 2), 2) ?? -1;
  expect(released(reads, 9)).toEqual([]);
  reads.onAnswer(again, 5);
  expect(released(reads, 5)).toEqual([1]);
});

test('a read that nobody waits for is forgotten, wherever it is', () => {
  const reads = new Reads(300, 100);
  for (const read of [1, 2]) reads.add(read);
  reads.onAnswer(reads.due(led(1), 0) ?? -1, 5);
  for (const read of [3, 4]) reads.add(read);
  const number = reads.due(led(1), 0) ?? -1;
  for (const read of [5, 6]) reads.add(read);
  for (const read of [1, 3, 5]) reads.forget(read);
  reads.onAnswer(number, 5);
  reads.onAnswer(reads.due(led(1), 0) ?? -1, 5);
  expect(released(reads, 5)).toEqual([2, 4, 6]);
});
