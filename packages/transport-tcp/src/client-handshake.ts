import { crc32 } from 'node:zlib';
import { FrameError } from '@rsl/core';
import type { HelloReader } from './connection.ts';

/**
 * What either side of a client's connection says before its first frame: the client first, then
 * the replica. 16 bytes, little-endian: 'RSLC', version u8, three bytes of zero, frameBytesMax u32,
 * CRC-32 u32 of what is before it. Frames follow in the layout of framing.ts.
 */
export interface ClientHello {
  /** What its sender takes. */
  readonly frameBytesMax: number;
}

const magic = Buffer.from('RSLC');
const version = 1;
export const clientHelloBytes = 16;
const crcAt = 12;

export function encodeClientHello({ frameBytesMax }: ClientHello): Uint8Array {
  const bytes = Buffer.alloc(clientHelloBytes);
  magic.copy(bytes);
  bytes[4] = version;
  bytes.writeUInt32LE(frameBytesMax, 8);
  bytes.writeUInt32LE(crc32(bytes.subarray(0, crcAt)), crcAt);
  return bytes;
}

/** Throws FrameError. */
function decodeClientHello(bytes: Buffer): ClientHello {
  if (crc32(bytes.subarray(0, crcAt)) !== bytes.readUInt32LE(crcAt)) {
    throw new FrameError('handshake: checksum');
  }
  if (bytes[4] !== version || bytes.readUIntLE(5, 3) !== 0) {
    throw new FrameError(`handshake: version ${bytes[4]} of the other side, ${version} of ours`);
  }
  const frameBytesMax = bytes.readUInt32LE(8);
  if (frameBytesMax === 0) throw new FrameError('handshake: frameBytesMax is 0');
  return { frameBytesMax };
}

/** Collects one hello; whatever does not begin like one is not waited for. */
export class ClientHelloReader implements HelloReader<ClientHello> {
  readonly #bytes = Buffer.alloc(clientHelloBytes);
  #had = 0;

  push(chunk: Uint8Array): { greeting: ClientHello; rest: Uint8Array } | undefined {
    const taken = Math.min(chunk.length, clientHelloBytes - this.#had);
    this.#bytes.set(chunk.subarray(0, taken), this.#had);
    this.#had += taken;
    const begin = Math.min(this.#had, magic.length);
    if (this.#bytes.compare(magic, 0, begin, 0, begin) !== 0) {
      throw new FrameError('handshake: neither a client nor a port for clients');
    }
    if (this.#had < clientHelloBytes) return undefined;
    return { greeting: decodeClientHello(this.#bytes), rest: chunk.subarray(taken) };
  }
}
