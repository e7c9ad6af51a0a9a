import { expect, test } from 'vitest';
import { memoryOf } from '../../src/memory.ts';
import { encodeGroup, groupHeaderBytes, groupOf, recordHeaderBytes } from '../../src/record.ts';
import { decodeOwner, encodeOwner, type OwnerEntry } from '../../src/shared/shared-record.ts';
import { vote } from '../stage.ts';

const entry: OwnerEntry = {
  group: 'wörk',
  replica: 3,
  store: '00112233445566ff',
  firstSlot: 7,
  position: 12,
  copied: true,
};
const ballot = { configuration: 1, round: 5, proposer: 2 };

test('what a shared log stores is stored in these bytes', () => {
  const group = groupOf(
    [
      vote(4, 3, 2),
      { kind: 'owner', owner: entry },
      { kind: 'first-slot', slot: 2 ** 40 },
      { kind: 'lost-vote', slot: 6, ballot },
      { kind: 'lost-decided', slot: 8 },
    ],
    [1, 2, 3, 0x01020304, 5],
    true,
  );
  const memory = memoryOf(new Uint8Array(group.bytes));
  const head = { number: 1, markSegment: 1, markOffset: 0, firstSlot: 1, keepFrom: 1 };
  encodeGroup(memory, 0, group, { ...head, carry: false, offset: 0 });
  const headers = Array.from({ length: 5 }, (_, i) => {
    const at = groupHeaderBytes + i * recordHeaderBytes;
    return Buffer.from(memory.bytes.subarray(at, at + recordHeaderBytes)).toString('hex');
  });
  expect(headers).toEqual([
    '02010200010000000300000002000000e547277b010000000400000000000000',
    '0a010000000000000000000062000000c9b2aecb020000000000000000000000',
    '0b01000000000000000000000000000000000000030000000000000000010000',
    '0c01020001000000050000000000000000000000040302010600000000000000',
    '0d01000000000000000000000000000000000000050000000800000000000000',
  ]);
  const value = Buffer.from(encodeOwner(entry)).toString();
  expect(value).toBe(
    '{"group":"wörk","replica":3,"store":"00112233445566ff","firstSlot":7,' +
      '"position":12,"copied":true}',
  );
});

test('an owner is what was written, or nothing', () => {
  expect(decodeOwner(encodeOwner(entry))).toEqual(entry);
  const broken = [
    { ...entry, group: 1 },
    { ...entry, replica: -1 },
    { ...entry, store: 'x' },
    { ...entry, firstSlot: 0 },
    { ...entry, position: 0.5 },
    { ...entry, copied: 'no' },
    null,
  ];
  for (const one of broken) {
    expect(decodeOwner(Buffer.from(JSON.stringify(one)))).toBeUndefined();
  }
  expect(decodeOwner(Buffer.from('{'))).toBeUndefined();
});
