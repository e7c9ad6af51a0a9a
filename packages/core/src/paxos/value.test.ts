import { crc32 } from 'node:zlib';
import { expect, test } from 'vitest';
import { kindOf, noOp, sameValue } from './value.ts';
import { batch, stop } from '../../test/paxos/fixture.ts';

test('the checksum of a no-op is that of zlib', () => {
  // It is written down as a number, so nobody would notice a wrong one before a log is read back.
  expect(noOp.checksum).toBe(crc32(noOp.bytes));
});

test('the first byte says what a value is', () => {
  expect([batch('x'), stop, noOp].map(kindOf)).toEqual(['batch', 'stop', 'no-op']);
});

test('two values are the same if length and checksum are', () => {
  // Copies from two frames are two arrays (P3).
  const x = batch('x');
  expect(sameValue(x, x)).toBe(true);
  expect(sameValue(x, batch('x'))).toBe(true);
  expect(sameValue(x, batch('y'))).toBe(false);
  expect(sameValue(x, { ...batch('xx'), checksum: x.checksum })).toBe(false);
});
