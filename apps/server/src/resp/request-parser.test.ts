import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ProtocolError } from './protocol-error.ts';
import { RequestParser } from './request-parser.ts';

const limits = { commandBytesMax: 4_096, argumentsMax: 64, inlineBytesMax: 1_024 };

const encoded = (words: readonly string[]): string =>
  `*${words.length}\r\n${words.map((word) => `$${word.length}\r\n${word}\r\n`).join('')}`;

/** Every command in the chunks, and what the parser said in the end. */
function parse(chunks: readonly Buffer[]): { commands: string[][]; error: string | undefined } {
  const parser = new RequestParser(limits);
  const commands: string[][] = [];
  try {
    for (const chunk of chunks) {
      parser.push(chunk);
      while (parser.next()) commands.push(wordsOf(parser));
    }
    return { commands, error: undefined };
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    return { commands, error: error.message };
  }
}

function wordsOf({ args, nameStart, nameEnd }: RequestParser): string[] {
  return [args.bytes.toString('latin1', nameStart, nameEnd), ...args.texts(0)];
}

function cut(bytes: Buffer, sizes: readonly number[]): Buffer[] {
  const chunks: Buffer[] = [];
  let start = 0;
  for (const size of sizes) {
    chunks.push(bytes.subarray(start, start + size));
    start += size;
  }
  return [...chunks, bytes.subarray(start)].filter((chunk) => chunk.length > 0);
}

const bytesOf = (text: string): Buffer => Buffer.from(text, 'latin1');
const word = fc.string({
  unit: fc.integer({ min: 0, max: 255 }).map((b) => String.fromCharCode(b)),
});
const sizes = fc.array(fc.integer({ min: 1, max: 20 }), { size: 'max', maxLength: 200 });

test('commands come out as they went in, however the bytes are cut', () => {
  const command = fc.array(word, { minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(fc.array(command, { maxLength: 20 }), sizes, (commands, at) => {
      const bytes = bytesOf(commands.map(encoded).join(''));
      expect(parse(cut(bytes, at))).toEqual({ commands, error: undefined });
    }),
    { seed: 1, numRuns: 500 },
  );
});

test('any bytes give the same commands and the same error, however they are cut', () => {
  const piece = fc.oneof(
    word,
    fc.constantFrom('*1\r\n', '*2\r\n$3\r\n', '$4\r\nPING\r\n', '\r\n', '*-1\r\n', '"a\\x41', "'"),
    fc.array(word, { minLength: 1, maxLength: 4 }).map(encoded),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), sizes, (pieces, at) => {
      const bytes = bytesOf(pieces.join(''));
      expect(parse(cut(bytes, at))).toEqual(parse([bytes]));
    }),
    { seed: 2, numRuns: 1_000 },
  );
});

test('lines typed by hand are commands too', () => {
  const typed = 'PING\r\n\r\nset a "x \\x41\\n\\"" \n  get \'it\\\'s\'\r\n';
  expect(parse([bytesOf(typed)]).commands).toEqual([
    ['PING'],
    ['set', 'a', 'x A\n"'],
    ['get', "it's"],
  ]);
});

test('an empty array is nothing', () => {
  expect(parse([bytesOf(`*0\r\n*-1\r\n${encoded(['PING'])}`)]).commands).toEqual([['PING']]);
});

test('an array may begin with an empty word', () => {
  expect(parse([bytesOf(encoded(['', 'x']))]).commands).toEqual([['', 'x']]);
});

test.each([
  ['*x\r\n', 'invalid multibulk length'],
  ['*65\r\n', 'invalid multibulk length'],
  ['*99999999999999999999999999999999999', 'invalid multibulk length'],
  ['*1\r\nPING\r\n', "expected '$', got 'P'"],
  ['*1\r\n\0', "expected '$', got '\\x00'"],
  ['*1\r\n$x\r\n', 'invalid bulk length'],
  ['*1\r\n$-1\r\n', 'invalid bulk length'],
  ['*1\r\n$4097\r\n', 'invalid bulk length'],
  ['*1\r\n$4\nPING', 'invalid bulk length'],
  ['*1\r\n$4\r\nPINGS\r\n', 'expected the end of a line after a bulk string'],
  ['*2\r\n$4000\r\n', ''],
  [`*2\r\n$4000\r\n${'x'.repeat(4_000)}\r\n$200\r\n`, 'a command may have at most 4096 bytes'],
  ['x'.repeat(1_025), 'too big inline request'],
  ['get "a\r\n', 'unbalanced quotes in request'],
  ['get "a"b\r\n', 'unbalanced quotes in request'],
])('%j is answered with %j', (bytes, error) => {
  const expected = error === '' ? undefined : `ERR Protocol error: ${error}`;
  expect(parse([bytesOf(bytes)]).error).toBe(expected);
});

test('a large command in small chunks is copied a few times at most', () => {
  // Appending each chunk to one buffer would copy 128 MiB for this one.
  const parser = new RequestParser({ ...limits, commandBytesMax: 1024 * 1024 });
  const bytes = bytesOf(encoded(['SET', 'a', 'x'.repeat(512 * 1024)]));
  let copied = 0;
  let held = 0;
  for (const chunk of cut(bytes, new Array<number>(1_023).fill(512))) {
    parser.push(chunk);
    if (parser.args.bytes.length !== held) copied += parser.heldBytes;
    held = parser.args.bytes.length;
    if (parser.next()) expect(parser.args.length(1)).toBe(512 * 1024);
  }
  expect(copied).toBeGreaterThan(0);
  expect(copied).toBeLessThan(3 * bytes.length);
});

test('nothing is kept of commands that were taken', () => {
  const parser = new RequestParser(limits);
  parser.push(bytesOf(encoded(['SET', 'a', 'x'.repeat(2_000)])));
  expect(parser.next()).toBe(true);
  expect(parser.next()).toBe(false);
  expect(parser.heldBytes).toBe(0);
  expect(parser.midway).toBe(false);
  expect(parser.args.bytes.length).toBe(0);
});
