import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ChunkWindow } from '../../src/layer/chunk-window.ts';
import { runs } from './runs.ts';

const sizes = { chunkBytes: 100, windowChunks: 4 };
const bytes = (length: number): Uint8Array => new Uint8Array(length);
const offsets = (pieces: readonly { offset: number }[]): number[] =>
  pieces.map(({ offset }) => offset);

test('a window of chunks is asked for, from where the copy is; the last may be shorter', () => {
  const window = new ChunkWindow(750, 30, sizes);
  expect(window.ask(0)).toEqual([
    { offset: 30, bytes: 100 },
    { offset: 130, bytes: 100 },
    { offset: 230, bytes: 100 },
    { offset: 330, bytes: 100 },
  ]);
  expect(window.ask(0)).toEqual([]);
  for (const offset of [30, 130, 230, 330]) window.take(offset, bytes(100));
  window.hand();
  expect(window.ask(0)).toEqual([]);
  window.onWritten(430);
  expect(window.ask(0)).toEqual([
    { offset: 430, bytes: 100 },
    { offset: 530, bytes: 100 },
    { offset: 630, bytes: 100 },
    { offset: 730, bytes: 20 },
  ]);
});

test('whatever the order in which chunks come, they are handed on in theirs', () => {
  const window = new ChunkWindow(400, 0, sizes);
  window.ask(0);
  const parts = [1, 2, 3, 4].map((n) => bytes(100).fill(n));
  expect(window.take(200, parts[2] as Uint8Array)).toBe(true);
  expect(window.take(100, parts[1] as Uint8Array)).toBe(true);
  expect(window.hand()).toEqual([]);
  window.take(0, parts[0] as Uint8Array);
  expect(window.hand()).toEqual(parts.slice(0, 3));
});

test('what was not asked for, comes twice or does not fit is not taken', () => {
  const window = new ChunkWindow(400, 0, sizes);
  window.ask(0);
  expect(window.take(50, bytes(50))).toBe(false);
  expect(window.take(0, bytes(101))).toBe(false);
  expect(window.take(0, bytes(0))).toBe(false);
  expect(window.take(0, bytes(100))).toBe(true);
  expect(window.take(0, bytes(100))).toBe(false);
});

test('of a piece that came in part the rest is asked for', () => {
  const window = new ChunkWindow(400, 0, sizes);
  window.ask(0);
  window.take(0, bytes(30));
  expect(window.askAgain(1_000, 1)).toEqual([{ offset: 30, bytes: 70 }]);
  window.take(30, bytes(70));
  expect(window.hand().map(({ length }) => length)).toEqual([30, 70]);
});

test('only what was overtaken is asked for again, and not at once: the rest is on its way', () => {
  const window = new ChunkWindow(400, 0, sizes);
  window.ask(0);
  expect(window.askAgain(1_000, 60_000)).toEqual([]);
  window.take(200, bytes(100));
  expect(window.askAgain(1_000, 999)).toEqual([]);
  expect(offsets(window.askAgain(1_000, 1_000))).toEqual([0, 100]);
  expect(window.askAgain(1_000, 60_000)).toEqual([]);
});

test('somebody else is asked for all that has not come', () => {
  const window = new ChunkWindow(400, 0, sizes);
  window.ask(0);
  window.take(100, bytes(100));
  expect(offsets(window.askAnew(1))).toEqual([0, 200, 300]);
});

test.runIf(CONTRACTS)('what the store says out of turn breaks a contract', () => {
  const window = new ChunkWindow(400, 0, sizes);
  window.ask(0);
  window.take(0, bytes(100));
  expect(() => window.onWritten(1)).toThrow('fetch-4');
  window.hand();
  window.onWritten(100);
  expect(() => window.onWritten(99)).toThrow('fetch-4');
  expect(() => new ChunkWindow(10, 11, sizes)).toThrow('fetch-1');
});

test('whatever comes when, every byte is handed on once and the window is kept', () => {
  const come = fc.array(fc.tuple(fc.nat(), fc.nat(120), fc.boolean()), { maxLength: 200 });
  const property = fc.property(fc.nat(2_000), fc.nat(100), come, (total, begun, chunks) => {
    const content = Uint8Array.from({ length: total }, (_, i) => i & 255);
    const window = new ChunkWindow(total, Math.min(begun, total), sizes);
    const handed = [...content.subarray(0, Math.min(begun, total))];
    const open: { offset: number; bytes: number }[] = [];
    const takeIn = (offset: number, length: number): void => {
      window.take(offset, content.slice(offset, offset + length));
      for (const part of window.hand()) handed.push(...part);
    };
    for (const [nowMs, [at, length, writes]] of chunks.entries()) {
      open.push(...window.ask(nowMs), ...window.askAgain(5, nowMs));
      const piece = open[at % Math.max(1, open.length)];
      if (piece !== undefined) takeIn(piece.offset, Math.min(length, piece.bytes));
      if (writes) window.onWritten(handed.length);
      expect(window.openBytes).toBeLessThanOrEqual(400);
    }
    // Whatever is still missing comes in the end.
    for (let turns = 0; !window.isComplete && turns < 50; turns += 1) {
      window.ask(turns);
      for (const piece of window.askAnew(turns)) takeIn(piece.offset, piece.bytes);
      window.onWritten(handed.length);
    }
    expect(window.isComplete).toBe(true);
    expect(handed).toEqual([...content]);
  });
  fc.assert(property, runs(20266, 200));
});
