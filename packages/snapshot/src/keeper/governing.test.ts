import { type Membership, noOp } from '@rsl/core/protocol';
import { expect, test } from 'vitest';
import { Governing } from './governing.ts';

const membershipOf = (number: number): Membership => ({
  group: 'feedfacefeedface',
  number,
  firstSlot: 1,
  members: [],
  previous: [],
});

const [one, two] = [membershipOf(1), membershipOf(2)];
const stop = { bytes: Uint8Array.of(2), checksum: 0 };

test('what is said of a slot counts from the slot before it on, however early it comes', () => {
  const governing = new Governing();
  governing.said({ from: 1, membership: one });
  // The engine is ahead: it has released the stop in slot 3, and what comes behind it.
  governing.said({ from: 4, membership: two });
  for (const [slot, value, expected] of [
    [1, noOp, one],
    [2, noOp, one],
    [3, stop, two],
    [4, noOp, two],
  ] as const) {
    governing.executed(slot, value);
    expect(governing.membership, `slot ${slot}`).toBe(expected);
  }
});

test('behind a stop nothing is known until it is said, however late', () => {
  const governing = new Governing();
  governing.said({ from: 1, membership: one });
  governing.executed(1, stop);
  expect(governing.membership).toBeUndefined();
  governing.executed(2, noOp);
  expect(governing.membership).toBeUndefined();
  governing.said({ from: 2, membership: two });
  expect(governing.membership).toBe(two);
});

test('what was said of slots up to a loaded snapshot counts no more, what follows does', () => {
  const governing = new Governing();
  governing.said({ from: 9, membership: one });
  governing.said({ from: 12, membership: one });
  governing.loaded(9, two);
  expect(governing.membership).toBe(two);
  governing.executed(10, noOp);
  expect(governing.membership).toBe(two);
  governing.executed(11, noOp);
  expect(governing.membership).toBe(one);
});

test('what is said late of a slot that a loaded snapshot has in it counts no more either', () => {
  const governing = new Governing();
  governing.loaded(9, two);
  governing.said({ from: 9, membership: one });
  expect(governing.membership).toBe(two);
  governing.said({ from: 10, membership: one });
  expect(governing.membership).toBe(one);
});

test.runIf(CONTRACTS)('governing-1 what governs is said in the order of the slots (R8)', () => {
  const governing = new Governing();
  governing.said({ from: 9, membership: one });
  expect(() => governing.said({ from: 8, membership: two })).toThrow('governing-1');
});
