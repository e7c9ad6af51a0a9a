import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { FrameError } from '../errors.ts';
import { batchByte, noOpByte, stopByte, type Value } from '../paxos/value.ts';

export { crc32 };

/** Seals bytes as a value: they are never written again (P12). */
export const sealed = (bytes: Uint8Array): Value => ({ bytes, checksum: crc32(bytes) });

/** A value from outside: its kind and checksum are checked before anybody believes it. */
export function checkedValue(bytes: Uint8Array, checksum: number): Value {
  const first = bytes[0];
  if (first !== batchByte && first !== stopByte && first !== noOpByte) {
    throw new FrameError('a value of no known kind');
  }
  if (crc32(bytes) !== checksum) throw new FrameError('a value whose checksum does not fit');
  return { bytes, checksum };
}

/** The first 8 bytes of a SHA-256, as 16 hexadecimal digits. */
export const digest64 = (text: string): string =>
  createHash('sha256').update(text).digest('hex').slice(0, 16);
