import fc from 'fast-check';
import { expect, test } from 'vitest';
import { BatchReader, sealBatch } from '../../src/codec/batch.ts';
import { encodeSegment, type SessionPart } from '../../src/codec/segment.ts';
import { sealed } from '../../src/codec/checksum.ts';
import { FrameError } from '../../src/errors.ts';
import { ballot } from './arbitrary-messages.ts';
import { patienceMs, runs } from './runs.ts';

interface Segment {
  readonly origin: number;
  readonly epoch: number;
  readonly firstSequence: number;
  readonly isControl: boolean;
  readonly session: SessionPart | undefined;
  readonly commands: readonly string[];
}

const u48 = fc.nat({ max: 2 ** 48 - 1 });
const commands = fc.array(fc.uint8Array({ maxLength: 40 }), { minLength: 1, maxLength: 8 });
const session = fc.record({
  slot: u48,
  offset: fc.nat({ max: 2 ** 32 - 1 }),
  firstSequence: u48.map((n) => n + 1),
  acknowledged: u48,
});
const segment = fc
  .record({
    origin: fc.integer({ min: 1, max: 65_535 }),
    epoch: u48,
    firstSequence: u48,
    isControl: fc.boolean(),
    session: fc.option(session, { nil: undefined }),
    commands,
  })
  .map((one) => ({ ...one, isControl: one.isControl && one.session === undefined }));
const batch = fc.record({
  stampMs: u48,
  ballot,
  segments: fc.array(segment, { maxLength: 4 }),
  ledMs: fc.nat({ max: 2 ** 32 - 1 }),
});

const textOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** docs/wire-format.md, "batches", by the letter; undefined for what it does not describe. */
function documented(bytes: Buffer): readonly Segment[] | undefined {
  if (bytes.length < 32 || bytes[0] !== 1 || bytes[1] !== 1) return undefined;
  const segments: Segment[] = [];
  let at = 32;
  while (at < bytes.length) {
    if (at + 32 > bytes.length) return undefined;
    const [count, length] = [bytes.readUInt32LE(at + 4), bytes.readUInt32LE(at + 24)];
    const kind = bytes.readUInt16LE(at + 2);
    const ends = at + (kind === 1 ? 64 : 32);
    const start = ends + 4 * count;
    if (kind > 2 || at + length > bytes.length) return undefined;
    if (start > at + length) return undefined;
    const found: string[] = [];
    let from = 0;
    for (let i = 0; i < count; i += 1) {
      const end = bytes.readUInt32LE(ends + 4 * i);
      if (end < from || start + end > at + length) return undefined;
      found.push(textOf(bytes.subarray(start + from, start + end)));
      from = end;
    }
    if (start + from !== at + length) return undefined;
    const [origin, epoch] = [bytes.readUInt16LE(at), bytes.readBigUInt64LE(at + 8)];
    const firstSequence = Number(bytes.readBigUInt64LE(at + 16));
    const of = kind === 1 ? sessionAt(bytes, at) : undefined;
    if (of !== undefined && !fits(of, count)) return undefined;
    const head = { origin, epoch: Number(epoch), firstSequence, isControl: kind === 2 };
    segments.push({ ...head, session: of, commands: found });
    at += length;
  }
  const total = segments.reduce((sum, s) => sum + s.commands.length, 0);
  const counted = segments.length === bytes.readUInt16LE(2) && total === bytes.readUInt32LE(4);
  return counted ? segments : undefined;
}

function sessionAt(bytes: Buffer, at: number): SessionPart {
  const u64 = (offset: number): number => Number(bytes.readBigUInt64LE(at + offset));
  const offset = bytes.readUInt32LE(at + 56);
  return { slot: u64(32), offset, firstSequence: u64(40), acknowledged: u64(48) };
}

/** What cannot be, as the reader has it: not a slot, not a sequence. */
const fits = ({ slot, firstSequence, acknowledged }: SessionPart, count: number): boolean =>
  [slot, acknowledged, firstSequence + count].every(Number.isSafeInteger) && firstSequence > 0;

const reader = new BatchReader();

/** What the reader finds, or undefined if it refuses. */
function opened(bytes: Buffer): readonly Segment[] | undefined {
  try {
    reader.open(sealed(Uint8Array.from(bytes)));
  } catch (error) {
    if (error instanceof FrameError) return undefined;
    throw error;
  }
  let next = 0;
  const segments = reader.segments.map(({ count, ...rest }) => {
    const all = Array.from({ length: count }, (_, i) =>
      textOf(reader.bytes.subarray(reader.start(next + i), reader.end(next + i))),
    );
    next += count;
    const { origin, epoch, firstSequence, isControl, session: of } = rest;
    return { origin, epoch, firstSequence, isControl, session: of, commands: all };
  });
  expect(next).toBe(reader.count);
  return segments;
}

const sealedBytes = (
  one: { stampMs: number; ledMs: number; ballot: Parameters<typeof sealBatch>[1] } & {
    segments: readonly (Omit<Segment, 'commands'> & { commands: Uint8Array[] })[];
  },
): Buffer => {
  const segments = one.segments.map((s) => encodeSegment(s, s.commands));
  return Buffer.from(sealBatch(one.stampMs, one.ballot, segments, one.ledMs).bytes);
};

test(
  'a sealed batch is what the document describes, and gives everything back',
  () => {
    fc.assert(
      fc.property(batch, (one) => {
        const bytes = sealedBytes(one);
        const given = one.segments.map((s) => ({ ...s, commands: s.commands.map(textOf) }));
        expect(documented(bytes)).toEqual(given);
        expect(opened(bytes)).toEqual(given);
        expect(Number(bytes.readBigUInt64LE(8))).toBe(one.stampMs);
        expect(reader.stampMs).toBe(one.stampMs);
        expect(reader.ballot).toEqual(one.ballot);
        expect([bytes.readUInt16LE(26), bytes.readUInt32LE(28)]).toEqual([0, one.ledMs]);
        expect(reader.ledMs).toBe(one.ledMs);
      }),
      runs(211, 800),
    );
  },
  patienceMs,
);

test(
  'a damaged batch is refused, or read as the document says',
  () => {
    const change = fc.record({
      at: fc.nat({ max: 10_000 }),
      wide: fc.boolean(),
      word: fc.oneof(fc.nat({ max: 64 }), fc.nat({ max: 2 ** 32 - 1 })),
    });
    const changes = fc.array(change, { minLength: 1, maxLength: 3 });
    const outcomes = { read: 0, refused: 0 };
    fc.assert(
      fc.property(batch, changes, fc.nat({ max: 9 }), (one, all, cut) => {
        let bytes = sealedBytes(one);
        for (const { at, wide, word } of all) {
          if (wide) bytes.writeUInt32LE(word, at % (bytes.length - 3));
          else bytes[at % bytes.length] = word & 255;
        }
        if (cut < 3) bytes = bytes.subarray(0, bytes.length - 1 - cut);
        const found = opened(bytes);
        if (found === undefined) outcomes.refused += 1;
        else {
          outcomes.read += 1;
          expect(found).toEqual(documented(bytes));
        }
      }),
      runs(212, 3_000),
    );
    expect(outcomes.read).toBeGreaterThan(100);
    expect(outcomes.refused).toBeGreaterThan(100);
  },
  patienceMs,
);
