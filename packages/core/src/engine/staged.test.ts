import { expect, test } from 'vitest';
import { encodeSegment } from '../codec/segment.ts';
import type { Ballot } from '../paxos/ballot.ts';
import { Staged, StagingCredit } from './staged.ts';

const ballot = (round: number): Ballot => ({ configuration: 1, round, proposer: 1 });

/** So many commands of one byte each. */
const segment = (firstSequence: number, count = 1): Uint8Array =>
  encodeSegment(
    { origin: 1, epoch: 7, firstSequence },
    Array.from({ length: count }, () => Uint8Array.of(1)),
  );

function stage(bytesMax = 1_000) {
  const memory = new SharedArrayBuffer(4);
  return { staged: new Staged(7, memory), credit: new StagingCredit(memory, bytesMax) };
}

test('commands taken for one leader are never given to another', () => {
  // Its application counts them as sent to the first, and sends them again by itself: given to the
  // second as well they would execute twice.
  const { staged } = stage();
  staged.add(ballot(1), segment(1));
  staged.add(ballot(2), segment(2));
  expect(staged.takeSegments(ballot(2), 10, 1_000)).toEqual([segment(2)]);
  staged.add(ballot(2), segment(3));
  expect(staged.takeSegments(ballot(3), 10, 1_000)).toEqual([]);
  expect(staged.dropped).toBe(2);
});

test('a batch sealed in a higher ballot ends what was taken for lower ones', () => {
  const { staged } = stage();
  staged.add(ballot(1), segment(1));
  staged.add(ballot(2), segment(2));
  staged.requeueBelow(ballot(2));
  expect(staged.takeSegments(ballot(2), 10, 1_000)).toEqual([segment(2)]);
});

test('as much is taken at once as fits, and at least one', () => {
  const { staged } = stage();
  for (const first of [1, 6, 11]) staged.add(ballot(1), segment(first, 5));
  expect(staged.takeSegments(ballot(1), 1, 1)).toHaveLength(1);
  expect(staged.takeSegments(ballot(1), 9, 1_000)).toHaveLength(1);
  expect(staged.takeSegments(ballot(1), 9, 1_000)).toHaveLength(1);
  expect(staged.takeSegments(ballot(1), 9, 1_000)).toEqual([]);
});

test('what is taken or dropped gives room again', () => {
  const { credit, staged } = stage(100);
  const give = (round: number, bytes: Uint8Array): void => {
    credit.take(bytes.length);
    staged.add(ballot(round), bytes);
  };
  const { length } = segment(1);
  give(1, segment(1));
  give(2, segment(2));
  expect(credit.left).toBe(100 - 2 * length);
  staged.takeSegments(ballot(2), 10, 1_000);
  expect(credit.left).toBe(100);
  expect(staged.bytes).toBe(0);
});
