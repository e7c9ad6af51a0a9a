import { expect, test } from 'vitest';
import { isSlot, noSlot } from './slot.ts';

test('a slot is a safe integer that is not negative', () => {
  // What comes from outside may be anything.
  for (const slot of [noSlot, 1, Number.MAX_SAFE_INTEGER]) expect(isSlot(slot)).toBe(true);
  for (const other of [-1, 0.5, NaN, Infinity, 2 ** 53, '1', undefined]) {
    expect(isSlot(other)).toBe(false);
  }
});
