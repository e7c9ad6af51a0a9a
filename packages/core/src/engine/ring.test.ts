import { expect, test } from 'vitest';
import { RingReader, ringMemory, RingWriter } from './ring.ts';

function stage(bytes = 4_096) {
  const memory = ringMemory(bytes);
  const wakes = { count: 0 };
  const writer = new RingWriter(memory, () => void (wakes.count += 1));
  const reader = new RingReader(memory);
  const next = (): string | undefined => {
    let text: string | undefined;
    reader.read((kind, bytes) => {
      text = `${kind}:${Buffer.from(bytes).toString('latin1')}`;
    });
    return text;
  };
  return { writer, reader, wakes, next };
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

test('records come out as they went in, in parts or not', () => {
  const { writer, next } = stage();
  writer.offer(1, [bytes('one')]);
  writer.offer(2, [bytes('t'), bytes(''), bytes('wo')]);
  writer.offer(3, []);
  expect([next(), next(), next(), next()]).toEqual(['1:one', '2:two', '3:', undefined]);
  expect(writer.used).toBe(0);
});

test('what does not fit is not taken, until something was read', () => {
  const { writer, next } = stage();
  const record = new Uint8Array(1_016);
  const taken = Array.from({ length: 5 }, () => writer.offer(1, [record]));
  expect(taken).toEqual([true, true, true, true, false]);
  next();
  expect(writer.offer(1, [record])).toBe(true);
});

test('a record larger than all memory goes in pieces, and is one again', () => {
  const { writer, reader } = stage();
  const large = Uint8Array.from({ length: 100_000 }, (_, i) => i % 251);
  expect(writer.offer(7, [large.subarray(0, 10), large.subarray(10)])).toBe(true);
  // Nothing overtakes it.
  expect(writer.offer(8, [bytes('next')])).toBe(false);
  let whole: Uint8Array | undefined;
  for (let turns = 0; whole === undefined && turns < 1_000; turns += 1) {
    reader.read((kind, all) => {
      expect(kind).toBe(7);
      whole = all.slice();
    });
    writer.flush();
  }
  expect(whole).toEqual(large);
  expect(writer.offer(8, [bytes('next')])).toBe(true);
});

test('a reader that sleeps is woken once, and one that does not is not', () => {
  const { writer, reader, wakes, next } = stage();
  writer.offer(1, [bytes('a')]);
  expect(wakes.count).toBe(0);
  expect(reader.sleep()).toBe(false);
  next();
  expect(reader.sleep()).toBe(true);
  writer.offer(1, [bytes('b')]);
  writer.offer(1, [bytes('c')]);
  expect(wakes.count).toBe(1);
});
