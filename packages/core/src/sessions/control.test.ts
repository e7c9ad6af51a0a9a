import { expect, test } from 'vitest';
import { FrameError } from '../errors.ts';
import { type Control, decodeControl, decodeName, encodeControl, encodeName } from './control.ts';

const name = { slot: 0x0102_0304_0506, offset: 0x0a0b_0c0d };
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const bytesOf = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'hex'));

const words: readonly (readonly [Control, string])[] = [
  [{ kind: 'open', ttlMs: 30_000 }, '01' + '30750000'],
  [{ kind: 'close', name }, '02' + '0605040302010000' + '0d0c0b0a'],
  [
    { kind: 'use', name, acknowledged: 2 ** 53 - 1 },
    '03' + '0605040302010000' + '0d0c0b0a' + 'ffffffffffff1f00',
  ],
];

test.each(words)('a word has the bytes that are written down: %j', (word, bytes) => {
  expect(hex(encodeControl(word))).toBe(bytes);
  expect(decodeControl(bytesOf(bytes))).toEqual(word);
});

test.each(words)('a word that is cut or too long is refused: %j', (_, bytes) => {
  for (let length = 0; length < bytes.length; length += 2) {
    expect(() => decodeControl(bytesOf(bytes.slice(0, length)))).toThrowError(FrameError);
  }
  expect(() => decodeControl(bytesOf(`${bytes}00`))).toThrowError(FrameError);
});

test.each([
  '00',
  '04',
  'ff',
  '02ffffffffffffffff00000000',
  '030100000000000000000000000000000000000020',
])('no word: %s', (bytes) => {
  expect(() => decodeControl(bytesOf(bytes))).toThrowError(FrameError);
});

test('a name is the answer to a word that opened a session', () => {
  expect(hex(encodeName(name))).toBe('06050403020100000d0c0b0a');
  expect(decodeName(encodeName(name))).toEqual(name);
  expect(() => decodeName(new Uint8Array(11))).toThrowError(FrameError);
});
