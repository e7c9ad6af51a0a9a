import { expect, test } from 'vitest';
import { compareSessions, sessionIdOf, sessionNameOf } from './session-name.ts';

test('an id is the slot and the offset of the command that opened the session', () => {
  expect(sessionIdOf({ slot: 12, offset: 0 })).toBe('12.0');
  expect(sessionNameOf('12.0')).toEqual({ slot: 12, offset: 0 });
});

test('every name comes back from its id, up to the largest', () => {
  for (const name of [
    { slot: 1, offset: 0 },
    { slot: 100, offset: 65_535 },
    { slot: Number.MAX_SAFE_INTEGER, offset: 2 ** 32 - 1 },
  ]) {
    expect(sessionNameOf(sessionIdOf(name))).toEqual(name);
  }
});

test.each([
  '',
  '1',
  '1.',
  '.1',
  '0.1',
  '01.1',
  '1.01',
  '1.00',
  '-1.0',
  '1.-1',
  '1.0 ',
  ' 1.0',
  '1.0\n',
  '1.0.0',
  '1,0',
  '1e3.0',
  '0x1.0',
  '١.٠',
  '1.4294967296',
  '9007199254740992.0',
  '99999999999999999.0',
  'constructor',
])('%j is no session’s id', (id) => {
  expect(sessionNameOf(id)).toBeUndefined();
});

test('sessions are in the order in which they were opened', () => {
  const names = [
    { slot: 10, offset: 0 },
    { slot: 9, offset: 11 },
    { slot: 9, offset: 2 },
  ];
  expect([...names].sort(compareSessions).map(sessionIdOf)).toEqual(['9.2', '9.11', '10.0']);
  expect(compareSessions({ slot: 1, offset: 2 }, { slot: 1, offset: 2 })).toBe(0);
});
