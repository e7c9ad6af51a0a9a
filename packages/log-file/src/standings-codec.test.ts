import { expect, test } from 'vitest';
import { decodeStandings, encodeStandings } from './standings-codec.ts';

const standing = { store: '0123456789abcdef', count: 3, nonce: 2 ** 48 - 1, position: 2 ** 53 - 1 };

test('standings are read as they were written', () => {
  for (const standings of [[], [standing], [standing, { ...standing, position: 0 }]]) {
    expect(decodeStandings(encodeStandings(standings))).toEqual(standings);
  }
});

test('anything else is none', () => {
  const { store } = standing;
  const wrong = [
    '',
    '{}',
    'null',
    '[1]',
    '[[]]',
    `[["${store}",1,2]]`,
    `[["${store}",1,2,3,4]]`,
    `[["${store}",-1,2,3]]`,
    `[["${store}",1,2,9007199254740992]]`,
    '[["0123",1,2,3]]',
    '[[1,1,2,3]]',
  ];
  for (const text of wrong) expect(decodeStandings(Buffer.from(text)), text).toBeUndefined();
  expect(decodeStandings(Uint8Array.of(0x5b, 0xff, 0x5d))).toBeUndefined();
});
