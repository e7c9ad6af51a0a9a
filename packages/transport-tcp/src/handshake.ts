import { crc32 } from 'node:zlib';
import { FrameError } from '@rsl/core';
import type { Lane } from '@rsl/core/protocol';
import { requires } from '@rsl/contracts';

/**
 * What two processes say before the first frame: hello from the one who dials, then welcome or
 * refusal from the one who listens. One layout for all three; see docs/wire-format.md. What comes
 * before the length never changes, in any version. Groups join the link later (joining.ts).
 */
export interface Greeting {
  readonly kind: GreetingKind;
  /** Of the layout that follows the handshake. In a welcome both are the one that is used. */
  readonly versionMin: number;
  readonly versionMax: number;
  readonly lane: Lane;
  /** Bits 16 … 31 must be understood by the other side; bits 0 … 15 may be ignored. */
  readonly flags: number;
  readonly frameBytesMax: number;
  /** Counts the dialer's links; both lanes of a link carry the same number. */
  readonly link: number;
  /** 0 unless it is a refusal. */
  readonly reason: number;
  /** Names one life of the sender's transport: 16 hexadecimal digits. */
  readonly process: string;
}

export type GreetingKind = 'hello' | 'welcome' | 'refusal';

export const versionSpoken = 1;
export const flagsMustUnderstand = 0xffff_0000;

/** Why a hello is refused: the code on the wire, and what a human is told. */
export const refusals = {
  version: { code: 1, meaning: 'no version of the frame layout is spoken by both' },
  'no-such-group': { code: 2, meaning: 'this process serves no group of that name' },
  'wrong-id': { code: 3, meaning: 'the replica at this address has another id' },
  'own-id': { code: 4, meaning: 'the replica at this address has the id of the one who dials' },
  'duplicate-id': { code: 5, meaning: 'a live replica with another store or instance has that id' },
  'too-many-connections': { code: 6, meaning: 'connectionsMax is reached' },
  connected: { code: 7, meaning: 'the two are connected already' },
  busy: { code: 8, meaning: 'another replica of that id is being looked at' },
  'no-such-link': { code: 9, meaning: 'a bulk lane without a votes lane' },
  flags: { code: 10, meaning: 'a flag that must be understood is not' },
  'one-of-group': { code: 12, meaning: 'another replica of the group stands on this link' },
  'own-process': { code: 11, meaning: 'the address is that of the process that dials' },
} as const;

export type Refusal = keyof typeof refusals;

export function refusalOf(code: number): Refusal | undefined {
  return (Object.keys(refusals) as Refusal[]).find((name) => refusals[name].code === code);
}

const magic = 0x544c_5352; // 'RSLT' in the order of the bytes
const prefixBytes = 12;
const fixedBytes = 40;
const crcBytes = 4;
export const handshakeBytesMax = 512;
const kinds: readonly GreetingKind[] = ['hello', 'welcome', 'refusal'];
const lanes: readonly Lane[] = ['votes', 'bulk'];
const processPattern = /^[0-9a-f]{16}$/;

export function encodeGreeting(greeting: Greeting): Buffer {
  requires(() => processPattern.test(greeting.process), 'tcp-7 a process has a name');
  const length = fixedBytes + crcBytes;
  const bytes = Buffer.alloc(length);
  bytes.writeUInt32LE(magic, 0);
  bytes[4] = kinds.indexOf(greeting.kind) + 1;
  bytes[5] = greeting.versionMin;
  bytes[6] = greeting.versionMax;
  bytes[7] = lanes.indexOf(greeting.lane) + 1;
  bytes.writeUInt32LE(length, 8);
  bytes.writeUInt32LE(greeting.flags, 12);
  bytes.writeUInt32LE(greeting.frameBytesMax, 16);
  bytes.writeUInt32LE(greeting.link, 20);
  bytes.writeUInt16LE(greeting.reason, 24);
  bytes.write(greeting.process, 32, 'hex');
  bytes.writeUInt32LE(crc32(bytes.subarray(0, length - crcBytes)), length - crcBytes);
  return bytes;
}

/** Throws FrameError. A longer one than we know is a later version's: what it added is skipped. */
export function decodeGreeting(bytes: Buffer): Greeting {
  const length = guardPrefix(bytes);
  demand(length === bytes.length, 'length');
  const crcAt = length - crcBytes;
  demand(crc32(bytes.subarray(0, crcAt)) === bytes.readUInt32LE(crcAt), 'checksum');
  const kind = kinds[bytes.readUInt8(4) - 1];
  const lane = lanes[bytes.readUInt8(7) - 1];
  demand(kind !== undefined, 'kind');
  demand(lane !== undefined, 'lane');
  return {
    kind,
    lane,
    versionMin: bytes.readUInt8(5),
    versionMax: bytes.readUInt8(6),
    flags: bytes.readUInt32LE(12),
    frameBytesMax: bytes.readUInt32LE(16),
    link: bytes.readUInt32LE(20),
    reason: bytes.readUInt16LE(24),
    process: bytes.toString('hex', 32, 40),
  };
}

/** Collects one handshake, never more than `handshakeBytesMax` bytes of it. */
export class GreetingReader {
  #bytes = Buffer.alloc(0);

  /** The greeting and the bytes after it, or undefined while it is not whole. Throws FrameError. */
  push(chunk: Uint8Array): { greeting: Greeting; rest: Uint8Array } | undefined {
    const had = this.#bytes.length;
    this.#bytes = Buffer.concat([this.#bytes, chunk.subarray(0, handshakeBytesMax - had)]);
    // Whatever does not begin like us is no peer: it is not waited for.
    const begin = Math.min(4, this.#bytes.length);
    const expected = Buffer.from([0x52, 0x53, 0x4c, 0x54]);
    demand(this.#bytes.compare(expected, 0, begin, 0, begin) === 0, 'magic');
    if (this.#bytes.length < prefixBytes) return undefined;
    const length = guardPrefix(this.#bytes);
    if (this.#bytes.length < length) return undefined;
    return {
      greeting: decodeGreeting(this.#bytes.subarray(0, length)),
      rest: chunk.subarray(length - had),
    };
  }
}

/** The length that it claims, checked. */
function guardPrefix(bytes: Buffer): number {
  demand(bytes.length >= prefixBytes, 'length');
  demand(bytes.readUInt32LE(0) === magic, 'magic');
  const length = bytes.readUInt32LE(8);
  demand(length >= fixedBytes + crcBytes && length <= handshakeBytesMax, 'length');
  return length;
}

function demand(holds: boolean, what: string): asserts holds {
  if (!holds) throw new FrameError(`handshake: ${what}`);
}
