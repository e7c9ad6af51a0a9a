import fc from 'fast-check';
import { expect, test } from 'vitest';
import { FrameError } from '../errors.ts';
import { copied, Reader, Writer } from './bytes.ts';

type Field = 'u8' | 'u16' | 'u32' | 'u64' | 'big64';
const widths: readonly (readonly [Field, number])[] = [
  ['u8', 1],
  ['u16', 2],
  ['u32', 4],
  ['u64', 8],
  ['big64', 8],
];
const samples = { u8: 0xfe, u16: 0xfedc, u32: 0xfedcba98, u64: 2 ** 53 - 2 };
const write = (to: Writer, field: Field): void =>
  field === 'big64' ? to.big64(0xfedc_ba98_7654_3210n) : to[field](samples[field]);

test.each(widths)('%s is whole wherever the bytes have to grow', (field, width) => {
  // The first room is 512 bytes. A view taken before the growth would write to the old memory.
  for (let before = 512 - width - 1; before <= 513; before += 1) {
    const writer = new Writer();
    for (let i = 0; i < before; i += 1) writer.u8(i & 0xff);
    write(writer, field);
    writer.u8(0x77);
    const reader = new Reader(writer.copy());
    for (let i = 0; i < before; i += 1) expect(reader.u8()).toBe(i & 0xff);
    const expected = field === 'big64' ? 0xfedc_ba98_7654_3210n : samples[field];
    expect(reader[field](), `${field} after ${before} bytes`).toBe(expected);
    expect(reader.u8()).toBe(0x77);
    reader.end();
  }
});

test('bytes and ballots are whole wherever the bytes have to grow', () => {
  const ballot = { configuration: 2 ** 32 - 1, round: 2 ** 32 - 2, proposer: 65_534 };
  const raw = Uint8Array.from({ length: 2_000 }, (_, i) => i % 251);
  for (let before = 500; before <= 513; before += 1) {
    const writer = new Writer();
    writer.raw(new Uint8Array(before));
    writer.ballot(ballot);
    writer.raw(raw);
    writer.patch32(0, 0x01020304);
    const reader = new Reader(writer.peek());
    expect(reader.u32()).toBe(0x01020304);
    reader.raw(before - 4);
    expect(reader.ballot()).toEqual(ballot);
    expect(reader.raw(raw.length)).toEqual(raw);
    reader.end();
  }
});

test('a writer that is used again begins anew', () => {
  const writer = new Writer();
  writer.u32(1);
  const first = writer.copy();
  writer.reset();
  writer.u32(2);
  expect(writer.length).toBe(4);
  expect([...first]).toEqual([1, 0, 0, 0]);
});

test('a copy of a Buffer is a copy', () => {
  // The `slice` of a Buffer is a view: a value taken from a frame that way would change with it.
  const input = Buffer.from([1, 2, 3, 4]);
  const copies = [copied(input), copied(input, 1, 3)];
  input.fill(9);
  expect(copies.map((copy) => [...copy])).toEqual([
    [1, 2, 3, 4],
    [2, 3],
  ]);
});

test('safe integers survive as 64 bits, larger ones are refused', () => {
  fc.assert(
    fc.property(fc.nat({ max: Number.MAX_SAFE_INTEGER }), (value) => {
      const writer = new Writer();
      writer.u64(value);
      expect(new Reader(writer.copy()).u64()).toBe(value);
    }),
  );
  const large = Uint8Array.of(0, 0, 0, 0, 0, 0, 0x20, 0);
  expect(() => new Reader(large).u64()).toThrow(FrameError);
});

test('reading past the end is a FrameError, wherever it ends', () => {
  const reads = ['u8', 'u16', 'u32', 'u64', 'big64', 'slot', 'ballot'] as const;
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 12 }), fc.constantFrom(...reads), (bytes, field) => {
      const reader = new Reader(bytes);
      try {
        for (;;) reader[field]();
      } catch (error) {
        expect(error).toBeInstanceOf(FrameError);
      }
    }),
  );
});
