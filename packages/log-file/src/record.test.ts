import type { LogRecord } from '@rsl/core/protocol';
import { expect, test } from 'vitest';
import { vote } from '../test/records.ts';
import { memoryOf } from './memory.ts';
import {
  blockBytes,
  decodeRecord,
  eachRecord,
  encodeGroup,
  groupOf,
  readGroupHeader,
  sealGroup,
  type StoredGroupHeader,
} from './record.ts';

const seed = 0x1234_5678;
const head = {
  number: 2 ** 40 + 1,
  markSegment: 3,
  markOffset: 8192,
  firstSlot: 2 ** 33,
  keepFrom: 2,
  carry: false,
  offset: 12_288,
};

function encoded(records: readonly LogRecord[]) {
  const memory = memoryOf(new Uint8Array(2 * blockBytes).fill(255));
  const group = groupOf(records);
  encodeGroup(memory, 64, group, head);
  sealGroup(memory, 64, group.bytes, seed);
  return { memory, group };
}

test('a group is read as it was written', () => {
  const { memory, group } = encoded([vote(7), { kind: 'decided-through', slot: 6 }]);
  const header = readGroupHeader(memory, 64, head.offset, seed) as StoredGroupHeader;
  expect(header).toMatchObject({ ...head, count: 2, length: group.bytes });
  const read: unknown[] = [];
  expect(eachRecord(memory, 64, header, (r) => read.push(decodeRecord(memory, r)) > 0)).toBe(true);
  expect(read).toEqual(group.records);
});

test('a group vouches for its place: it does not verify anywhere else', () => {
  // A misdirected write, or the former life of a recycled file.
  const { memory } = encoded([vote(7)]);
  expect(readGroupHeader(memory, 64, head.offset, seed + 1)).toBeUndefined();
  expect(readGroupHeader(memory, 64, head.offset + blockBytes, seed)).toBeUndefined();
});

test('a group can be made longer, up to the end of its block', () => {
  const { memory } = encoded([vote(7)]);
  sealGroup(memory, 64, blockBytes, seed);
  expect(readGroupHeader(memory, 64, head.offset, seed)).toMatchObject({ length: blockBytes });
});

test('no flipped bit of the headers goes unseen', () => {
  const { memory, group } = encoded([vote(7), vote(8)]);
  for (let bit = 0; bit < (64 + 2 * 32) * 8; bit++) {
    const at = 64 + (bit >> 3);
    memory.bytes[at] = (memory.bytes[at] as number) ^ (1 << (bit & 7));
    const header = readGroupHeader(memory, 64, head.offset, seed);
    const sound = header !== undefined && eachRecord(memory, 64, header, () => true);
    expect(sound, `bit ${bit}`).toBe(false);
    memory.bytes[at] = (memory.bytes[at] as number) ^ (1 << (bit & 7));
  }
  expect(group.bytes % 64).toBe(0);
});
