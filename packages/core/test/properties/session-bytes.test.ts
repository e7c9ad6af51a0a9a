import fc from 'fast-check';
import { expect, test } from 'vitest';
import { checkSegments, encodeSegment } from '../../src/codec/segment.ts';
import { FrameError } from '../../src/errors.ts';
import { decodeControl, encodeControl } from '../../src/sessions/control.ts';
import { Sessions } from '../../src/sessions/sessions.ts';
import { decodeSessions, encodeSessions } from '../../src/sessions/sessions-codec.ts';
import { patienceMs, runs } from './runs.ts';

interface Executed {
  readonly which: number;
  readonly sequence: number;
  /** Of its result; undefined: it is not kept. */
  readonly size: number | undefined;
}

const one = <K extends string>(kind: K) => fc.constant(kind);
const ttls = fc.array(fc.integer({ min: 1_000, max: 86_400_000 }), { maxLength: 5 });
const executed: fc.Arbitrary<readonly Executed[]> = fc.array(
  fc.record({
    which: fc.nat({ max: 4 }),
    sequence: fc.integer({ min: 1, max: 40 }),
    size: fc.option(fc.nat({ max: 30 }), { nil: undefined }),
  }),
  { maxLength: 12 },
);

/** The bytes of a table with these sessions, in which so much has executed. */
const saved = fc.tuple(ttls, executed).map(([opened, all]) => {
  const sessions = new Sessions();
  for (const [i, ttlMs] of opened.entries()) sessions.open({ slot: 1 + i, offset: 0 }, ttlMs);
  for (const { which, sequence, size } of all) {
    sessions.pass(1);
    const session = sessions.use({ slot: 1 + which, offset: 0 });
    if (session?.standingOf(sequence) !== 'new') continue;
    session.begin(sequence);
    sessions.finish(session, sequence, size === undefined ? size : new Uint8Array(size));
  }
  return encodeSessions(sessions);
});

const changes = fc.array(
  fc.record({
    at: fc.nat({ max: 4_000 }),
    width: fc.constantFrom(1, 4, 8),
    word: fc.oneof(fc.nat({ max: 70 }), fc.nat({ max: 2 ** 32 - 1 })),
  }),
  { maxLength: 3 },
);

function changed(
  bytes: Uint8Array,
  all: readonly { readonly at: number; readonly width: number; readonly word: number }[],
  cut: number,
): Uint8Array {
  const out = Buffer.from(bytes);
  for (const { at, width, word } of all) {
    if (width === 1) out[at % out.length] = word & 255;
    else if (out.length >= width) {
      const start = at % (out.length - width + 1);
      out.writeUInt32LE(word, start);
      if (width === 8) out.writeUInt32LE(word % 3 === 0 ? 0xffff_ffff : 0, start + 4);
    }
  }
  return Uint8Array.from(cut < 3 ? out.subarray(0, out.length - cut) : out);
}

/** FrameError, or what is read is written as the very same bytes: nobody else has written them. */
function readsOrRefuses(bytes: Uint8Array, again: (bytes: Uint8Array) => Uint8Array): boolean {
  let written: Uint8Array;
  try {
    written = again(bytes);
  } catch (error) {
    if (error instanceof FrameError) return false;
    throw error;
  }
  expect(Buffer.from(written).toString('hex')).toBe(Buffer.from(bytes).toString('hex'));
  return true;
}

test(
  'bytes that no table was saved as are refused as a frame is, and as nothing else',
  () => {
    fc.assert(
      fc.property(saved, changes, fc.nat({ max: 30 }), (bytes, all, cut) => {
        readsOrRefuses(changed(bytes, all, cut), (b) => encodeSessions(decodeSessions(b)));
      }),
      runs(913, 2_000),
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 120 }), (bytes) => {
        bytes[0] = 1;
        readsOrRefuses(bytes, (b) => encodeSessions(decodeSessions(b)));
      }),
      runs(914, 2_000),
    );
  },
  patienceMs,
);

const name = fc.record({
  slot: fc.nat({ max: Number.MAX_SAFE_INTEGER }),
  offset: fc.nat({ max: 2 ** 32 - 1 }),
});
const u53 = fc.nat({ max: Number.MAX_SAFE_INTEGER });
const word = fc.oneof(
  fc.record({ kind: one('open'), ttlMs: fc.nat({ max: 2 ** 32 - 1 }) }),
  fc.record({ kind: one('close'), name }),
  fc.record({ kind: one('use'), name, acknowledged: u53 }),
);

test('a word about a session comes back as it was said', () => {
  fc.assert(
    fc.property(word, (said) => {
      expect(decodeControl(encodeControl(said))).toEqual(said);
    }),
    runs(915, 500),
  );
});

test('bytes that are no word are refused as a frame is', () => {
  const counts = { read: 0, refused: 0 };
  fc.assert(
    fc.property(word, changes, fc.nat({ max: 30 }), (said, all, cut) => {
      const bytes = changed(encodeControl(said), all, cut);
      counts[readsOrRefuses(bytes, (b) => encodeControl(decodeControl(b))) ? 'read' : 'refused'] +=
        1;
    }),
    runs(916, 2_000),
  );
  expect(counts.read).toBeGreaterThan(100);
  expect(counts.refused).toBeGreaterThan(100);
});

const commands = fc.array(fc.uint8Array({ maxLength: 20 }), { minLength: 1, maxLength: 4 });
const segment = fc
  .record({
    origin: fc.integer({ min: 1, max: 65_535 }),
    epoch: fc.nat({ max: 2 ** 47 }),
    firstSequence: fc.nat({ max: 2 ** 50 }),
    isControl: fc.boolean(),
    session: fc.option(
      fc.record({
        slot: fc.nat({ max: 2 ** 50 }),
        offset: fc.nat({ max: 2 ** 32 - 1 }),
        firstSequence: fc.integer({ min: 1, max: 2 ** 50 }),
        acknowledged: fc.nat({ max: 2 ** 50 }),
      }),
      { nil: undefined },
    ),
    commands,
  })
  .map(({ isControl, session, ...rest }) => ({
    ...rest,
    isControl: isControl && session === undefined,
    session,
  }));

test(
  'segments come back as they were made, and others are refused as a frame is',
  () => {
    const counts = { read: 0, refused: 0 };
    const all = fc.array(segment, { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(all, changes, fc.nat({ max: 30 }), (made, edits, cut) => {
        const bytes = Buffer.concat(made.map((s) => encodeSegment(s, s.commands)));
        const headers = checkSegments(bytes);
        expect(headers).toMatchObject(
          made.map(({ commands: { length: count }, ...rest }) => ({ ...rest, count })),
        );
        const edited = changed(bytes, edits, cut);
        try {
          const read = checkSegments(edited);
          expect(read.reduce((sum, h) => sum + h.bytes, 0)).toBe(edited.length);
          counts.read += 1;
        } catch (error) {
          expect(error).toBeInstanceOf(FrameError);
          counts.refused += 1;
        }
      }),
      runs(917, 2_000),
    );
    expect(counts.read).toBeGreaterThan(100);
    expect(counts.refused).toBeGreaterThan(100);
  },
  patienceMs,
);
