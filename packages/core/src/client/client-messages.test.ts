import fc, { type Arbitrary } from 'fast-check';
import { expect, test } from 'vitest';
import { readFrame } from '../codec/frame.ts';
import { FrameError } from '../errors.ts';
import {
  clientFrame,
  type ClientMessage,
  clientMessageKinds,
  type Problem,
  type Question,
  readClientMessage,
} from './client-messages.ts';

const u16 = fc.nat({ max: 65_535 });
const u32 = fc.nat({ max: 2 ** 32 - 1 });
const u53 = fc.nat({ max: Number.MAX_SAFE_INTEGER });
const bytes = fc.uint8Array({ maxLength: 200 });
const text = fc.string({ maxLength: 60 });
const kind = <K extends string>(name: K): Arbitrary<K> => fc.constant(name);

const problem: Arbitrary<Problem> = fc.record({
  code: text,
  outcome: fc.constantFrom('not-executed', 'executed', 'unknown', 'none'),
  message: text,
});

const question: Arbitrary<Question> = fc.oneof(
  fc.record({ what: kind('open'), ttlMs: u32 }),
  fc.record({ what: kind('use'), session: text, acknowledged: u53 }),
  fc.record({ what: kind('close'), session: text }),
  fc.record({ what: kind('query'), level: fc.oneof(text, fc.record({ atLeast: fc.nat() })) }),
  fc.record({ what: kind('status') }),
  fc.record({ what: kind('watch'), on: fc.boolean() }),
);

const message: Arbitrary<ClientMessage> = fc.oneof(
  fc.record({ kind: kind('hello'), version: u16, group: text }),
  fc.record({ kind: kind('welcome'), replica: u16, leader: text, commandBytesMax: u32 }),
  fc.record({ kind: kind('refused'), reason: text }),
  fc.record({ kind: kind('leader'), address: text }),
  fc.record({ kind: kind('commands'), timeoutMs: u32, segment: bytes }),
  fc.record({ kind: kind('results'), segment: bytes }),
  fc.record({ kind: kind('failed'), slot: u53, offset: u32, sequence: u53, problem }),
  fc.record({ kind: kind('ask'), number: u32, timeoutMs: u32, question, bytes }),
  fc.record({ kind: kind('answer'), number: u32, slot: u53, bytes }),
  fc.record({ kind: kind('denied'), number: u32, problem }),
  fc.record({ kind: kind('status'), bytes }),
);

const frameOf = (one: ClientMessage): Uint8Array =>
  Uint8Array.from(Buffer.concat(clientFrame(one)));

test('every message between a client and a replica survives its frame', () => {
  const seen = new Set<string>();
  fc.assert(
    fc.property(message, (one) => {
      seen.add(one.kind);
      expect(readClientMessage(readFrame(frameOf(one)))).toEqual(one);
    }),
    { numRuns: 400 },
  );
  expect(seen.size).toBe(Object.keys(clientMessageKinds).length);
});

test('whatever else comes is refused, and nothing else happens', () => {
  fc.assert(
    fc.property(message, fc.nat(), fc.integer({ min: 1, max: 255 }), (one, at, by) => {
      const frame = Uint8Array.from(frameOf(one));
      const place = at % frame.length;
      frame[place] = (frame[place] as number) ^ by;
      try {
        readClientMessage(readFrame(frame));
      } catch (error) {
        expect(error).toBeInstanceOf(FrameError);
      }
    }),
  );
});

test('a question that nobody understands is refused', () => {
  const levels = [undefined, null, 7, {}, { atLeast: '7' }];
  for (const given of [
    { what: 'open' },
    { what: 'use', session: 'x' },
    { what: 'dance' },
    null,
    ...levels.map((level) => ({ what: 'query', level })),
  ]) {
    const ask = { kind: 'ask', number: 1, timeoutMs: 1, bytes: new Uint8Array(0) } as const;
    const frame = frameOf({ ...ask, question: given as unknown as Question });
    expect(() => readClientMessage(readFrame(frame))).toThrow(FrameError);
  }
});

test('a problem has a code, a message and a known outcome', () => {
  for (const given of [
    {},
    { code: 'A', message: 'b' },
    { code: 'A', message: 'b', outcome: 'c' },
  ]) {
    const frame = frameOf({ kind: 'denied', number: 1, problem: given as Problem });
    expect(() => readClientMessage(readFrame(frame))).toThrow(FrameError);
  }
});
