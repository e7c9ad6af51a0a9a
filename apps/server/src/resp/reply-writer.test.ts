import { expect, test } from 'vitest';
import { ReplyWriter } from './reply-writer.ts';
import { Slab } from './slab.ts';

const written = (version: 2 | 3, write: (writer: ReplyWriter) => void): string => {
  const writer = new ReplyWriter(new Slab(), 1_000);
  writer.version = version;
  write(writer);
  return writer.take().toString('latin1');
};

test('every reply in both versions', () => {
  const write = (writer: ReplyWriter): void => {
    writer.simple('OK');
    writer.error('ERR two\r\nlines');
    writer.integer(-1234567890123);
    writer.integer(0);
    writer.digits('9223372036854775807');
    writer.bulk('é\r\n');
    writer.bulk('');
    writer.null();
    writer.nullArray();
    writer.array(2);
    writer.map(3);
    writer.set(10);
    writer.verbatim('text');
  };
  const common =
    '+OK\r\n-ERR two  lines\r\n:-1234567890123\r\n:0\r\n:9223372036854775807\r\n' +
    '$3\r\né\r\n\r\n$0\r\n\r\n';
  expect(written(2, write)).toBe(`${common}$-1\r\n*-1\r\n*2\r\n*6\r\n*10\r\n$4\r\ntext\r\n`);
  expect(written(3, write)).toBe(`${common}_\r\n_\r\n*2\r\n%3\r\n~10\r\n=8\r\ntxt:text\r\n`);
});

test('pieces of several writers on one slab do not touch', () => {
  const slab = new Slab();
  const writers = [1, 2, 3].map(() => new ReplyWriter(slab, 1_000_000));
  const expected = ['', '', ''];
  for (let i = 0; i < 3_000; i++) {
    const text = `${i}`.repeat(1 + (i % 13));
    writers[i % 3]?.bulk(text);
    expected[i % 3] += `$${text.length}\r\n${text}\r\n`;
  }
  expect(writers.map((writer) => writer.take().toString('latin1'))).toEqual(expected);
});

test('a reply that grows too large is dropped and said to be', () => {
  const writer = new ReplyWriter(new Slab(), 1_000);
  writer.bulk('x'.repeat(900));
  expect(writer.overflowed).toBe(false);
  writer.bulk('x'.repeat(200));
  writer.integer(1);
  expect(writer.overflowed).toBe(true);
  writer.clear();
  writer.integer(1);
  expect(writer.take().toString()).toBe(':1\r\n');
});
