import { FrameError } from '@rsl/core';
import { expect, test } from 'vitest';
import { ClientHelloReader, encodeClientHello } from '../src/client-handshake.ts';

const hello = encodeClientHello({ frameBytesMax: 1 << 20 });

test('a hello that was changed on its way is none', () => {
  for (let at = 0; at < hello.length; at++) {
    const changed = Buffer.from(hello);
    changed[at] = (changed[at] ?? 0) ^ 0x10;
    expect(() => new ClientHelloReader().push(changed), `byte ${at}`).toThrow(FrameError);
  }
});

test('another version is refused, and so is what this one says is zero', () => {
  expect(() => new ClientHelloReader().push(ofVersion(2))).toThrow(/version 2 of the other side/);
  const padded = Buffer.from(hello);
  padded[6] = 1;
  expect(() => new ClientHelloReader().push(withCrc(padded))).toThrow(FrameError);
  const nothing = encodeClientHello({ frameBytesMax: 0 });
  expect(() => new ClientHelloReader().push(nothing)).toThrow(/frameBytesMax is 0/);
});

/** The hello of another version, whole in itself. */
function ofVersion(version: number): Buffer {
  const bytes = Buffer.from(hello);
  bytes[4] = version;
  return withCrc(bytes);
}

function withCrc(bytes: Buffer): Buffer {
  // CRC-32 bit by bit, so that this is no copy of what it tests.
  let crc = 0xffff_ffff;
  for (const byte of bytes.subarray(0, 12)) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb8_8320 : 0);
  }
  bytes.writeUInt32LE((crc ^ 0xffff_ffff) >>> 0, 12);
  return bytes;
}

test('a hello is read whatever pieces it comes in, and what follows it is kept', () => {
  const expected = Buffer.from('52534c43010000000000100000000000', 'hex');
  expect(Buffer.from(hello).toString('hex')).toBe(withCrc(expected).toString('hex'));
  const bytes = Buffer.concat([hello, Buffer.from('rest')]);
  for (let cut = 1; cut < bytes.length; cut++) {
    const reader = new ClientHelloReader();
    const first = reader.push(bytes.subarray(0, cut));
    const whole = first ?? reader.push(bytes.subarray(cut));
    expect(first === undefined).toBe(cut < 16);
    expect(whole?.greeting).toEqual({ frameBytesMax: 1 << 20 });
    expect(whole?.rest.length).toBe(cut < 16 ? 4 : cut - 16);
  }
  expect(() => new ClientHelloReader().push(Buffer.from('X'))).toThrow(FrameError);
});
