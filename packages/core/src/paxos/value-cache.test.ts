import { expect, test } from 'vitest';
import { ValueCache } from './value-cache.ts';
import { batch } from '../../test/paxos/fixture.ts';

test('the newest values stay, within the bytes that are allowed', () => {
  // Whoever is further behind is served from the log.
  const cache = new ValueCache(4, 6);
  expect(cache.firstSlot).toBe(4);
  for (const slot of [4, 5, 6]) cache.add(slot, batch('x'));
  expect([cache.firstSlot, cache.bytes]).toEqual([4, 6]);
  cache.add(7, batch('yy'));
  expect([cache.firstSlot, cache.bytes]).toEqual([6, 5]);
  expect([4, 5, 6, 7, 8].map((slot) => cache.at(slot) !== undefined)).toEqual([
    false,
    false,
    true,
    true,
    false,
  ]);
});

test('the newest value stays, however large', () => {
  // Followers that are one slot behind would otherwise always cost a read of the log.
  const cache = new ValueCache(1, 4);
  cache.add(1, batch('a'));
  cache.add(2, batch('much too large'));
  expect(cache.at(2)).toEqual(batch('much too large'));
  expect(cache.firstSlot).toBe(2);
  cache.add(3, batch('b'));
  expect([cache.firstSlot, cache.bytes]).toEqual([3, 2]);
});

test('after an installed snapshot it begins anew', () => {
  const cache = new ValueCache(1, 100);
  cache.add(1, batch('a'));
  cache.skipTo(9);
  expect([cache.firstSlot, cache.bytes, cache.at(1)]).toEqual([10, 0, undefined]);
  cache.add(10, batch('b'));
  expect(cache.at(10)).toEqual(batch('b'));
});

test.runIf(CONTRACTS)('slots come in order', () => {
  expect(() => new ValueCache(1, 100).add(2, batch('a'))).toThrow('consecutive slots');
});
