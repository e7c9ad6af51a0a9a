import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ProtocolError } from '../../src/resp/protocol-error.ts';
import { RequestParser } from '../../src/resp/request-parser.ts';
import { type End, parse, type Parsed } from './reference-parser.ts';
import { patienceMs, runs } from './runs.ts';

const limits = { commandBytesMax: 300, argumentsMax: 8, inlineBytesMax: 120 };
/** What a number in a header may take until it is refused. */
const headerBytesMax = 64;

const byte = fc.integer({ min: 0, max: 255 }).map((b) => String.fromCharCode(b));
const word = fc.oneof(
  { weight: 6, arbitrary: fc.string({ unit: byte, maxLength: 12 }) },
  { weight: 1, arbitrary: fc.string({ unit: byte, minLength: 90, maxLength: 200 }) },
);
const encoded = (words: readonly string[]): string =>
  `*${words.length}\r\n${words.map((w) => `$${w.length}\r\n${w}\r\n`).join('')}`;

const command = fc.array(word, { minLength: 1, maxLength: 6 }).map(encoded);
const typed = fc
  .array(
    fc.constantFrom('get', 'a', ' ', '\t', '"x y"', "'it\\'s'", '"\\x41\\n"', '"', 'é', '\\'),
    {
      maxLength: 8,
    },
  )
  .map((parts) => `${parts.join('')}\r\n`);
const broken = fc.constantFrom(
  '*0\r\n',
  '*-1\r\n',
  '*9\r\n',
  '*1\r\n$301\r\n',
  '*1\r\nx',
  '$1\r\n',
  '\r\n',
);
const stream = fc
  .array(
    fc.oneof(
      { weight: 8, arbitrary: command },
      { weight: 3, arbitrary: typed },
      { weight: 1, arbitrary: broken },
      { weight: 1, arbitrary: fc.string({ unit: byte, maxLength: 20 }) },
    ),
    { maxLength: 10 },
  )
  .map((parts) => parts.join(''));
const change = fc.record({
  at: fc.nat({ max: 10_000 }),
  by: fc.oneof(byte, fc.constantFrom('*', '$', '\r', '\n', '1', '9', '-', '', '\r\n')),
});
const sizes = fc.array(fc.integer({ min: 1, max: 40 }), { size: 'max', maxLength: 60 });

function changed(text: string, changes: readonly { at: number; by: string }[]): string {
  return changes.reduce((now, { at, by }) => {
    const place = at % Math.max(1, now.length);
    return now.slice(0, place) + by + now.slice(place + 1);
  }, text);
}

/** What the parser makes of the text in chunks of these sizes; it holds no more than it may. */
function parsed(text: string, chunks: readonly number[]): Parsed {
  const parser = new RequestParser(limits);
  const bytes = Buffer.from(text, 'latin1');
  const commands: string[][] = [];
  let at = 0;
  try {
    for (const size of [...chunks, bytes.length]) {
      const chunk = bytes.subarray(at, at + size);
      at += chunk.length;
      if (chunk.length === 0) continue;
      // A socket gives a buffer that is written again later.
      parser.push(Buffer.from(chunk));
      while (parser.next()) commands.push(wordsOf(parser));
      const most = limits.commandBytesMax + headerBytesMax;
      expect(parser.heldBytes).toBeLessThanOrEqual(most);
      expect(parser.args.bytes.length).toBeLessThanOrEqual(2 * (most + chunk.length));
    }
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    return { commands, end: 'error' };
  }
  return { commands, end: parser.midway || parser.heldBytes > 0 ? 'more' : 'done' };
}

function wordsOf({ args, nameStart, nameEnd }: RequestParser): string[] {
  return [args.bytes.toString('latin1', nameStart, nameEnd), ...args.texts(0)];
}

test(
  'requests are what a reader of all bytes at once finds, however they are cut and changed',
  () => {
    const ends: Record<End, number> = { done: 0, more: 0, error: 0, 'open to choice': 0 };
    const changes = fc.oneof(fc.constant([]), fc.array(change, { maxLength: 3 }));
    fc.assert(
      fc.property(stream, changes, sizes, fc.nat({ max: 30 }), (whole, all, chunks, cut) => {
        const text = changed(whole, all).slice(0, cut < 10 ? -cut : undefined);
        const expected = parse(text, limits);
        const found = parsed(text, chunks);
        ends[expected.end] += 1;
        expect(found.commands.slice(0, expected.commands.length)).toEqual(expected.commands);
        if (expected.end !== 'open to choice') {
          expect(found).toEqual(expected);
        }
        expect(parsed(text, [])).toEqual(found);
      }),
      runs(601, 4_000),
    );
    for (const [end, count] of Object.entries(ends)) {
      expect(count, `${end}: ${JSON.stringify(ends)}`).toBeGreaterThan(100);
    }
  },
  patienceMs,
);

test(
  'any bytes are commands or a protocol error, in bounded memory',
  () => {
    const bytes = fc.string({ unit: byte, maxLength: 2_000, size: 'max' });
    const digits = fc.string({ unit: fc.constantFrom('*', '$', '1', '\r', '\n', '-', '0') });
    fc.assert(
      fc.property(fc.oneof(bytes, digits), sizes, (text, chunks) => {
        expect(parsed(text, [])).toEqual(parsed(text, chunks));
      }),
      runs(602, 1_500),
    );
  },
  patienceMs,
);
