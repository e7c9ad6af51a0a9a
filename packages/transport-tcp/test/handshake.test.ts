import { readFileSync } from 'node:fs';
import { FrameError } from '@rsl/core';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  decodeGreeting,
  encodeGreeting,
  type Greeting,
  GreetingReader,
  handshakeBytesMax,
  refusalOf,
  refusals,
} from '../src/handshake.ts';

const golden = (name: string): Buffer =>
  Buffer.from(
    readFileSync(new URL(`./fixtures/${name}.hex`, import.meta.url), 'utf8').replace(/#.*|\s/g, ''),
    'hex',
  );

const hello: Greeting = {
  kind: 'hello',
  versionMin: 1,
  versionMax: 1,
  lane: 'bulk',
  flags: 0,
  frameBytesMax: 8 * 1024 * 1024,
  link: 0x01020304,
  reason: 0,
  process: '0123456789abcdef',
};

test('a hello on the wire is what the golden bytes say', () => {
  // Whoever changes this has changed the wire format: raise the version.
  expect(encodeGreeting(hello).toString('hex')).toBe(golden('hello').toString('hex'));
  expect(decodeGreeting(golden('hello'))).toEqual(hello);
});

test('a refusal on the wire is what the golden bytes say', () => {
  const refusal: Greeting = {
    ...hello,
    kind: 'refusal',
    lane: 'votes',
    reason: refusals.connected.code,
  };
  expect(encodeGreeting(refusal).toString('hex')).toBe(golden('refusal').toString('hex'));
  expect(decodeGreeting(golden('refusal'))).toEqual(refusal);
});

test('a hello of a later version that is longer than ours is understood', () => {
  const bytes = golden('hello-longer');
  expect(decodeGreeting(bytes)).toEqual({ ...hello, versionMax: 2 });
});

const greetings: fc.Arbitrary<Greeting> = fc.record({
  kind: fc.constantFrom('hello', 'welcome', 'refusal'),
  versionMin: fc.nat(255),
  versionMax: fc.nat(255),
  lane: fc.constantFrom('votes', 'bulk'),
  flags: fc.nat(0xffff_ffff),
  frameBytesMax: fc.nat(0xffff_ffff),
  link: fc.nat(0xffff_ffff),
  reason: fc.nat(65_535),
  process: fc.stringMatching(/^[0-9a-f]{16}$/),
});

test('every greeting comes back, in any chunks, with what follows it', () => {
  fc.assert(
    fc.property(greetings, fc.nat(20), fc.array(fc.nat(100)), (greeting, more, cuts) => {
      const wire = Buffer.concat([encodeGreeting(greeting), Buffer.alloc(more, 7)]);
      const reader = new GreetingReader();
      let at = 0;
      for (const cut of [...cuts, wire.length]) {
        const whole = reader.push(wire.subarray(at, at + cut));
        at += cut;
        if (whole === undefined) continue;
        expect(whole.greeting).toEqual(greeting);
        const after = Buffer.concat([whole.rest, wire.subarray(at)]);
        expect(after.equals(Buffer.alloc(more, 7))).toBe(true);
        return;
      }
      expect.unreachable('it never came');
    }),
  );
});

test('a greeting with any one bit changed is no greeting', () => {
  const bytes = golden('hello');
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const changed = Buffer.from(bytes);
    changed.writeUInt8(changed.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
    expect(() => decodeGreeting(changed), `bit ${bit}`).toThrow(FrameError);
  }
});

test('what is no greeting is known by its first byte, and never collected', () => {
  expect(() => new GreetingReader().push(Buffer.from('G'))).toThrow(/magic/);
  expect(() => new GreetingReader().push(Buffer.from('GET / HTTP/1.1'))).toThrow(/magic/);
  const long = Buffer.from(golden('hello'));
  long.writeUInt32LE(handshakeBytesMax + 1, 8);
  expect(() => new GreetingReader().push(long)).toThrow(/length/);
});

test('every refusal has its own code, and codes of later versions are survived', () => {
  const codes = Object.values(refusals).map(({ code }) => code);
  expect(new Set(codes).size).toBe(codes.length);
  expect(refusalOf(refusals['wrong-id'].code)).toBe('wrong-id');
  expect(refusalOf(60_000)).toBeUndefined();
});
