import { expect, test } from 'vitest';
import { memberOf, nowhere, votersOf } from './membership.ts';
import { group, member, storeOf } from '../../test/paxos/fixture.ts';

test('a member is a store, not an id', () => {
  // A wiped store with the old id is not the member that it was (S2).
  expect(memberOf(group(3), 2, storeOf(2))).toEqual(member(2));
  expect(memberOf(group(3), 2, storeOf(3))).toBeUndefined();
  expect(memberOf(group(3), 4, storeOf(4))).toBeUndefined();
});

test('observers are members and no voters', () => {
  const members = [member(1), member(2, 'observer'), member(3)];
  expect(votersOf(group(3, { members })).map((m) => m.id)).toEqual([1, 3]);
  expect(votersOf(nowhere)).toEqual([]);
});
