import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { BatchReader } from '../src/codec/batch.ts';
import { checkSegment } from '../src/codec/segment.ts';
import { readFrame } from '../src/codec/frame.ts';
import { hostMessageKinds, readHostMessage } from '../src/codec/host-codec.ts';
import {
  decodeMembership,
  encodeMembership,
  fingerprintOf,
} from '../src/codec/membership-codec.ts';
import { crc32 } from '../src/codec/checksum.ts';
import { messageKinds, readMessage } from '../src/codec/message-codec.ts';
import { defaultLimits } from '../src/limits.ts';
import { batch, envelope, frameOf, frameOfHost } from './frame-samples.ts';
import { founded, hostMessages, membership, messages, segment } from './frame-samples.ts';

// The bytes of a released version never change: replicas of two versions talk to each other, and a
// log outlives the program that wrote it. A change here is a new format, with a new number.
const file = new URL('fixtures/frames.json', import.meta.url);
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const now: Record<string, string> = Object.fromEntries([
  ...messages.map((message) => [message.kind, hex(frameOf(message))]),
  ...hostMessages.map((message) => [message.kind, hex(frameOfHost(message))]),
  ['batch (no frame)', hex(batch.bytes)],
  ['membership (no frame)', hex(encodeMembership(membership))],
  ['membership that began with a backup (no frame)', hex(encodeMembership(founded))],
]);
if (process.env['RSL_WRITE_FIXTURES'] === 'yes') {
  writeFileSync(file, `${JSON.stringify(now, null, 2)}\n`);
}
const golden = JSON.parse(readFileSync(file, 'utf8')) as Record<string, string>;
const goldenBytes = (name: string): Uint8Array =>
  Uint8Array.from(Buffer.from(golden[name] ?? '', 'hex'));

test('there is a golden frame of every kind of message', () => {
  const kinds = [...Object.keys(messageKinds), ...Object.keys(hostMessageKinds)];
  const others = [
    'batch (no frame)',
    'membership (no frame)',
    'membership that began with a backup (no frame)',
  ];
  expect(Object.keys(golden).toSorted()).toEqual([...kinds, ...others].toSorted());
});

test('no two kinds share their numbers', () => {
  const codes = [...Object.values(messageKinds), ...Object.values(hostMessageKinds)].map(String);
  expect(new Set(codes).size).toBe(codes.length);
});

describe('messages of the protocol', () => {
  test.each(messages.map((message) => [message.kind, message] as const))('%s', (kind, message) => {
    expect(hex(frameOf(message))).toBe(golden[kind]);
    const frame = readFrame(goldenBytes(kind));
    expect([frame.channel, frame.kind]).toEqual(messageKinds[kind]);
    expect(frame).toMatchObject(envelope);
    expect(readMessage(frame)).toEqual(message);
  });
});

describe('messages of the hosts', () => {
  test.each(hostMessages.map((one) => [one.kind, one] as const))('%s', (kind, message) => {
    expect(hex(frameOfHost(message))).toBe(golden[kind]);
    const frame = readFrame(goldenBytes(kind));
    expect([frame.channel, frame.kind]).toEqual(hostMessageKinds[kind]);
    expect(readHostMessage(frame, defaultLimits.membersMax)).toEqual(message);
  });
});

test('a batch', () => {
  const bytes = goldenBytes('batch (no frame)');
  expect(hex(batch.bytes)).toBe(hex(bytes));
  const reader = new BatchReader();
  reader.open({ bytes, checksum: crc32(bytes) });
  const texts = Array.from({ length: reader.count }, (_, i) =>
    Buffer.from(bytes.subarray(reader.start(i), reader.end(i))).toString(),
  );
  expect(texts).toEqual(['one', '', 'three']);
  expect(reader.stampMs).toBe(1_700_000_000_123);
  expect(reader.ballot).toEqual({ configuration: 7, round: 257, proposer: 2 });
  expect(reader.segments).toEqual([checkSegment(segment)]);
});

test('a membership, and a fingerprint that addresses do not change', () => {
  const bytes = goldenBytes('membership (no frame)');
  expect(hex(encodeMembership(membership))).toBe(hex(bytes));
  expect(decodeMembership(bytes, defaultLimits.membersMax)).toEqual(membership);
  const other = goldenBytes('membership that began with a backup (no frame)');
  expect(hex(encodeMembership(founded))).toBe(hex(other));
  expect(decodeMembership(other, defaultLimits.membersMax)).toEqual(founded);
  const elsewhere = membership.members.map((m) => ({ ...m, addresses: { tcp: 'moved:1' } }));
  expect(fingerprintOf({ ...membership, members: elsewhere })).toBe(fingerprintOf(membership));
  const renewed = membership.members.map((m) => ({ ...m, store: 'ffffffffffffffff' }));
  expect(fingerprintOf({ ...membership, members: renewed })).not.toBe(fingerprintOf(membership));
});
