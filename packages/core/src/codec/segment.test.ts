import { expect, test } from 'vitest';
import { FrameError } from '../errors.ts';
import {
  checkSegment,
  checkSegments,
  commandsIn,
  encodeSegment,
  headerBytesOf,
  segmentBytesOf,
  segmentHeaderBytesMax,
  type SegmentOrigin,
} from './segment.ts';

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

const plain: SegmentOrigin = { origin: 0x0102, epoch: 0x0a0b0c0d0e0f, firstSequence: 2 ** 40 + 3 };
const part = { slot: 2 ** 33 + 5, offset: 6, firstSequence: 7, acknowledged: 4 };
const underSession: SegmentOrigin = { ...plain, session: part };
const words: SegmentOrigin = { ...plain, isControl: true };
const all: readonly SegmentOrigin[] = [plain, underSession, words];
const commands = ['first', '', 'third'].map(bytesOf);

const changed = (bytes: Uint8Array, change: (view: DataView) => void): Uint8Array => {
  const copy = Uint8Array.from(bytes);
  change(new DataView(copy.buffer));
  return copy;
};

test.each(all)('a segment tells what it was made of: %j', (origin) => {
  const bytes = encodeSegment(origin, commands);
  const header = checkSegment(bytes);
  const { isControl = false, session } = origin;
  expect(header).toEqual({ ...origin, isControl, session, count: 3, bytes: bytes.length });
  expect([...commandsIn(bytes, header)].map(textOf)).toEqual(['first', '', 'third']);
});

test('of a session it says which one, from which sequence on, and what is acknowledged', () => {
  const bytes = encodeSegment(underSession, commands);
  const view = new DataView(bytes.buffer);
  expect(view.getUint16(2, true)).toBe(1);
  expect([view.getBigUint64(32, true), view.getUint32(56, true)]).toEqual([2n ** 33n + 5n, 6]);
  expect(view.getBigUint64(40, true)).toBe(7n);
  expect(view.getBigUint64(48, true)).toBe(4n);
  expect(view.getUint32(60, true)).toBe(0);
});

test.each(all)('its length is known before it is made: %j', (origin) => {
  const wanted = commands.reduce((sum, { length }) => sum + segmentBytesOf(length), 0);
  expect(encodeSegment(origin, commands)).toHaveLength(headerBytesOf(origin) + wanted);
  expect(headerBytesOf(origin)).toBeLessThanOrEqual(segmentHeaderBytesMax);
});

test.each(all)('one that is cut anywhere is refused: %j', (origin) => {
  const bytes = encodeSegment(origin, commands);
  for (let length = 0; length < bytes.length; length += 1) {
    expect(() => checkSegment(bytes.subarray(0, length)), `${length} bytes`).toThrowError(
      FrameError,
    );
  }
});

test('segments follow each other, of each kind, and commands stay where they belong', () => {
  const made = all.map((origin, i) => encodeSegment(origin, [bytesOf(`command ${i}`)]));
  const bytes = Uint8Array.from(Buffer.concat(made));
  const headers = checkSegments(bytes);
  let at = 0;
  const found = headers.flatMap((header) => {
    const segment = bytes.subarray(at, at + header.bytes);
    at += header.bytes;
    return [...commandsIn(segment, header)].map(textOf);
  });
  expect(found).toEqual(['command 0', 'command 1', 'command 2']);
  expect(() => checkSegments(bytes.subarray(0, bytes.length - 1))).toThrowError(FrameError);
  expect(checkSegments(new Uint8Array(0))).toEqual([]);
});

test('a kind that nobody knows is refused', () => {
  for (const kind of [3, 4, 65_535]) {
    const bytes = changed(encodeSegment(plain, commands), (view) => view.setUint16(2, kind, true));
    expect(() => checkSegment(bytes)).toThrowError(FrameError);
  }
});

test.each([
  ['sequences begin at 1', 0n],
  ['and stay below 2^53', 2n ** 53n - 3n],
  ['in every bit', 2n ** 63n],
])('of a session: %s', (_, firstSequence) => {
  // A sum that is not exact would give two commands one number.
  const bytes = changed(encodeSegment(underSession, commands), (view) =>
    view.setBigUint64(40, firstSequence, true),
  );
  expect(() => checkSegment(bytes)).toThrowError(FrameError);
});

test('the highest sequences that are told apart are taken', () => {
  const firstSequence = Number.MAX_SAFE_INTEGER - 3;
  const bytes = encodeSegment({ ...plain, session: { ...part, firstSequence } }, commands);
  expect(checkSegment(bytes).session?.firstSequence).toBe(firstSequence);
});

test.each([32, 48])('of a session: no more than 53 bits in the field at %d', (at) => {
  const bytes = changed(encodeSegment(underSession, commands), (view) =>
    view.setBigUint64(at, 2n ** 53n, true),
  );
  expect(() => checkSegment(bytes)).toThrowError(FrameError);
});

test('commands that overlap, or leave bytes between them, are refused', () => {
  const bytes = encodeSegment(underSession, commands);
  const ends = headerBytesOf(underSession);
  for (const [i, end] of [
    [0, 11],
    [1, 4],
    [2, 9],
    [2, 11],
  ] as const) {
    const wrong = changed(bytes, (view) => view.setUint32(ends + 4 * i, end, true));
    expect(() => checkSegment(wrong), `end ${i} at ${end}`).toThrowError(FrameError);
  }
});
