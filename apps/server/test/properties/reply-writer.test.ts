import fc, { type Arbitrary } from 'fast-check';
import { expect, test } from 'vitest';
import type { Reply } from '../../src/resp/reply.ts';
import { ReplyWriter } from '../../src/resp/reply-writer.ts';
import { Slab } from '../../src/resp/slab.ts';
import { type RespValue, RespError, RespReader } from '../resp-reader.ts';
import { patienceMs, runs } from './runs.ts';

const bytesMax = 400;
const numberBytesMax = 32;

/** One call of a reply, what it is on the wire in both versions, and how a client sees it. */
interface Part {
  readonly call: (reply: Reply) => void;
  readonly wire: readonly [resp2: string, resp3: string];
}

const byte = fc.integer({ min: 0, max: 255 }).map((b) => String.fromCharCode(b));
const line = fc.string({ unit: byte, maxLength: 40 }).map((s) => s.replace(/[\r\n]/g, '.'));
const bulk = fc.oneof(
  { weight: 5, arbitrary: fc.string({ unit: byte, maxLength: 60 }) },
  { weight: 1, arbitrary: fc.string({ unit: byte, minLength: 100, maxLength: 700, size: 'max' }) },
);
const both = (text: string): readonly [string, string] => [text, text];
const counts = fc.oneof(fc.nat({ max: 12 }), fc.nat({ max: 2 ** 32 }));

const part: Arbitrary<Part> = fc.oneof(
  line.map((t): Part => ({ call: (r) => r.simple(t), wire: both(`+${t}\r\n`) })),
  fc
    .string({ unit: byte, maxLength: 40 })
    .map(
      (t): Part => ({ call: (r) => r.error(t), wire: both(`-${t.replace(/[\r\n]/g, ' ')}\r\n`) }),
    ),
  fc.maxSafeInteger().map((n): Part => ({ call: (r) => r.integer(n), wire: both(`:${n}\r\n`) })),
  fc
    .bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
    .map((n): Part => ({ call: (r) => r.digits(`${n}`), wire: both(`:${n}\r\n`) })),
  bulk.map((t): Part => ({ call: (r) => r.bulk(t), wire: both(`$${t.length}\r\n${t}\r\n`) })),
  bulk.map((t): Part => ({ call: (r) => r.verbatim(t), wire: verbatimOf(t) })),
  fc.constant<Part>({ call: (r) => r.null(), wire: ['$-1\r\n', '_\r\n'] }),
  fc.constant<Part>({ call: (r) => r.nullArray(), wire: ['*-1\r\n', '_\r\n'] }),
  counts.map((n): Part => ({ call: (r) => r.array(n), wire: both(`*${n}\r\n`) })),
  counts.map((n): Part => ({ call: (r) => r.map(n), wire: [`*${2 * n}\r\n`, `%${n}\r\n`] })),
  counts.map((n): Part => ({ call: (r) => r.set(n), wire: [`*${n}\r\n`, `~${n}\r\n`] })),
);

const verbatimOf = (text: string): readonly [string, string] => [
  `$${text.length}\r\n${text}\r\n`,
  `=${text.length + 4}\r\ntxt:${text}\r\n`,
];

/** A writer beside the text that it should have written since it was taken or cleared. */
class Pair {
  readonly writer: ReplyWriter;
  readonly taken: { readonly bytes: Buffer; readonly text: string }[] = [];
  #text = '';
  #tooLong = false;

  constructor(slab: Slab) {
    this.writer = new ReplyWriter(slab, bytesMax);
  }

  add({ call, wire }: Part, version: 2 | 3): void {
    this.writer.version = version;
    call(this.writer);
    const text = wire[version - 2] as string;
    // Room for a number is asked for whole, so just below the bound it may say so already.
    const length = this.#text.length + text.length;
    const isOpen = length > bytesMax - numberBytesMax && length <= bytesMax;
    this.#tooLong ||= isOpen ? this.writer.overflowed : length > bytesMax;
    if (!this.#tooLong) this.#text += text;
    expect(this.writer.overflowed).toBe(this.#tooLong);
    if (!this.#tooLong) expect(this.writer.length).toBe(this.#text.length);
    expect(this.writer.length).toBeLessThanOrEqual(bytesMax);
  }

  /** One that overflowed is cleared, as its connection would do. */
  take(): void {
    if (this.#tooLong) {
      this.writer.clear();
      expect(this.writer.overflowed).toBe(false);
    } else {
      this.taken.push({ bytes: this.writer.take(), text: this.#text });
    }
    expect(this.writer.length).toBe(0);
    this.#text = '';
    this.#tooLong = false;
  }
}

test(
  'replies are what the protocol says, and nobody writes them again',
  () => {
    const step = fc.record({
      writer: fc.nat({ max: 2 }),
      part: fc.option(part, { freq: 8, nil: undefined }),
      version: fc.constantFrom(2 as const, 3 as const),
    });
    const outcomes = { whole: 0 };
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60, size: 'max' }), (steps) => {
        const slab = new Slab();
        const pairs = [new Pair(slab), new Pair(slab), new Pair(slab)];
        for (const { writer, part: one, version } of steps) {
          const pair = pairs[writer] as Pair;
          if (one === undefined) pair.take();
          else pair.add(one, version);
        }
        for (const pair of pairs) {
          pair.take();
          for (const { bytes, text } of pair.taken) {
            outcomes.whole += 1;
            expect(bytes.toString('latin1')).toBe(text);
          }
        }
      }),
      runs(611, 600),
    );
    expect(outcomes.whole).toBeGreaterThan(1_000);
  },
  patienceMs,
);

const value: Arbitrary<RespValue> = fc.letrec<{ value: RespValue }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.string({ unit: byte, maxLength: 30 }),
    fc.maxSafeInteger(),
    fc.constant(null),
    line.map((text) => new RespError(text)),
    fc.array(tie('value'), { maxLength: 4 }),
  ),
})).value;

function write(reply: Reply, one: RespValue): void {
  if (typeof one === 'string') reply.bulk(one);
  else if (typeof one === 'number') reply.integer(one);
  else if (one instanceof RespError) reply.error(one.text);
  else if (Array.isArray(one)) {
    reply.array(one.length);
    for (const item of one) write(reply, item as RespValue);
  } else reply.null();
}

test(
  'a client reads back any reply, in both versions',
  () => {
    fc.assert(
      fc.property(
        fc.array(value, { maxLength: 5 }),
        fc.constantFrom(2 as const, 3 as const),
        (all, version) => {
          const writer = new ReplyWriter(new Slab(), 1e6);
          writer.version = version;
          for (const one of all) write(writer, one);
          const reader = new RespReader();
          reader.push(writer.take());
          for (const one of all) expect(reader.next()).toEqual(one);
          expect(reader.hasRest).toBe(false);
        },
      ),
      runs(612, 800),
    );
  },
  patienceMs,
);

test('a reply is never longer than it may be', () => {
  // Not so yet: the bound is looked at only when the piece has to grow.
  const writer = new ReplyWriter(new Slab(), bytesMax);
  writer.bulk('x'.repeat(250));
  while (!writer.overflowed) {
    writer.integer(7);
    expect(writer.length).toBeLessThanOrEqual(bytesMax);
  }
});
