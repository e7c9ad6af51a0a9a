import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Envelope, FrameWriter, readFrame } from '../../src/codec/frame.ts';
import { readHostMessage } from '../../src/codec/host-codec.ts';
import { messageKinds, readMessage, writeMessage } from '../../src/codec/message-codec.ts';
import { FrameError } from '../../src/errors.ts';
import { defaultLimits } from '../../src/limits.ts';
import type { Message } from '../../src/paxos/messages.ts';
import { message } from './arbitrary-messages.ts';
import { documentedFrame, resealed } from './documented-frame.ts';
import { patienceMs, runs } from './runs.ts';

const envelope: Envelope = { group: '0123456789abcdef', configuration: 3, fingerprint: 0x89abcdef };

function frameOf(one: Message): Uint8Array {
  const out = new FrameWriter();
  const [channel, kind] = messageKinds[one.kind];
  out.begin(channel, kind, envelope);
  writeMessage(one, out);
  return Uint8Array.from(Buffer.concat(out.end()));
}

/** What a host makes of bytes from outside: a message, nothing, or a FrameError. */
function read(frame: Uint8Array): Message | 'refused' | 'not a message of the protocol' {
  try {
    const opened = readFrame(frame);
    const one = readMessage(opened);
    if (one !== undefined) return one;
    readHostMessage(opened, defaultLimits.membersMax);
    return 'not a message of the protocol';
  } catch (error) {
    if (error instanceof FrameError) return 'refused';
    throw error;
  }
}

test(
  'every message travels in the bytes that the document describes',
  () => {
    fc.assert(
      fc.property(message, (one) => {
        const frame = documentedFrame(one, envelope);
        expect(frame.equals(frameOf(one))).toBe(true);
        expect(readMessage(readFrame(Uint8Array.from(frame)))).toEqual(one);
      }),
      runs(201, 1_500),
    );
  },
  patienceMs,
);

/** What somebody with a wrong program, but the right checksum, may send. */
type Harm =
  | { readonly kind: 'byte'; readonly at: number; readonly by: number }
  | { readonly kind: 'word'; readonly at: number; readonly word: number }
  | { readonly kind: 'cut' | 'grow'; readonly by: number }
  | { readonly kind: 'insert' | 'remove'; readonly at: number; readonly count: number };

const at = fc.nat({ max: 10_000 });
const count = fc.integer({ min: 1, max: 12 });
const harm: fc.Arbitrary<Harm> = fc.oneof(
  fc.record({ kind: fc.constant('byte' as const), at, by: fc.integer({ min: 1, max: 255 }) }),
  fc.record({
    kind: fc.constant('word' as const),
    at,
    word: fc.constantFrom(0, 1, 0xff, 0xffff, 0xffffff, 0x7fffffff, 0xffffffff),
  }),
  fc.record({ kind: fc.constantFrom('cut' as const, 'grow' as const), by: count }),
  fc.record({ kind: fc.constantFrom('insert' as const, 'remove' as const), at, count }),
);

function harmed(frame: Uint8Array, what: Harm): Uint8Array {
  const bytes = Buffer.from(frame);
  if (what.kind === 'byte') bytes[what.at % bytes.length] = what.by;
  if (what.kind === 'word') bytes.writeUInt32LE(what.word, what.at % (bytes.length - 3));
  if (what.kind === 'cut') return bytes.subarray(0, Math.max(0, bytes.length - what.by));
  if (what.kind === 'grow') return Buffer.concat([bytes, Buffer.alloc(what.by, 7)]);
  if (what.kind === 'insert' || what.kind === 'remove') {
    const place = what.at % bytes.length;
    const rest = bytes.subarray(what.kind === 'insert' ? place : place + what.count);
    const put = Buffer.alloc(what.kind === 'insert' ? what.count : 0, 5);
    return Buffer.concat([bytes.subarray(0, place), put, rest]);
  }
  return bytes;
}

/** Lengths in the header that fit the frame, so that the harm gets as far as it can. */
function withLengths(frame: Uint8Array, headGrowth: number): Uint8Array {
  const bytes = Buffer.from(frame);
  if (bytes.length < 32) return bytes;
  const head = bytes.readUInt32LE(24) + headGrowth;
  if (head >= 0 && head <= bytes.length) bytes.writeUInt32LE(head, 24);
  bytes.writeUInt32LE(bytes.length, 28);
  return bytes;
}

test(
  'any harm done to a frame gives a message or a FrameError, and nothing that is not in it',
  () => {
    const outcomes = { message: 0, refused: 0 };
    fc.assert(
      fc.property(
        message,
        fc.array(harm, { minLength: 1, maxLength: 3 }),
        fc.boolean(),
        (one, harms, fits) => {
          const before = frameOf(one);
          let frame = harms.reduce(harmed, before);
          if (fits) frame = withLengths(frame, frame.length - before.length);
          frame = resealed(frame);
          const found = read(frame);
          if (typeof found === 'string') {
            outcomes.refused += 1;
            return;
          }
          outcomes.message += 1;
          expect(weightOf(found)).toBeLessThanOrEqual(frame.length);
          expect(read(frameOf(found))).toEqual(found);
        },
      ),
      runs(202, 6_000),
    );
    expect(outcomes.message).toBeGreaterThan(300);
    expect(outcomes.refused).toBeGreaterThan(300);
  },
  patienceMs,
);

/** Bytes and items that a message holds; each item takes more than one byte of a frame. */
function weightOf(one: Message): number {
  if (one.kind === '1a') return one.cookie.length;
  if (one.kind === '2a') return one.cookie.length + one.value.bytes.length;
  if (one.kind === 'learn-reply') return one.values.reduce((sum, v) => sum + v.bytes.length, 0);
  if (one.kind !== '1b') return 0;
  return one.reported.reduce((sum, r) => sum + (r.state === 'lost' ? 1 : r.value.bytes.length), 0);
}

test(
  'bytes at random, with a sound checksum, are refused or a message',
  () => {
    const codes = fc.constantFrom(...Object.values(messageKinds));
    fc.assert(
      fc.property(codes, fc.uint8Array({ maxLength: 120 }), ([channel, kind], fields) => {
        const frame = Buffer.concat([
          Buffer.from([0x52, 1, channel, kind]),
          Buffer.alloc(28),
          fields,
        ]);
        frame.writeUInt32LE(frame.length, 24);
        const found = read(resealed(withLengths(frame, 0)));
        if (typeof found !== 'string') expect(read(frameOf(found))).toEqual(found);
      }),
      runs(203, 3_000),
    );
  },
  patienceMs,
);

test(
  'a number in a frame never makes the reader allocate more than a frame may hold',
  () => {
    const bytesMax = 4 * 1024 * 1024;
    fc.assert(
      fc.property(message, (one) => {
        const frame = frameOf(one);
        const before = process.memoryUsage();
        for (let place = 32; place + 4 <= frame.length && place < 200; place += 1) {
          for (const word of [0xffffffff, 0x00ffffff]) {
            read(resealed(harmed(frame, { kind: 'word', at: place, word })));
          }
        }
        const after = process.memoryUsage();
        expect(after.arrayBuffers - before.arrayBuffers).toBeLessThan(bytesMax);
        expect(after.heapTotal - before.heapTotal).toBeLessThan(16 * bytesMax);
      }),
      runs(204, 100),
    );
  },
  patienceMs,
);
