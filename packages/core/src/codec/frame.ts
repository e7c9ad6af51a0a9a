/**
 * The frame: what core puts on a transport. Little-endian.
 *
 *   offset  bytes
 *        0      1  'R' (0x52)
 *        1      1  version, 1
 *        2      1  channel: 0 paxos, 1 learning, 2 requests, 3 forming, 4 clients; 16 and up are
 *                  layers'
 *        3      1  kind, within the channel
 *        4      4  CRC-32 of the head without this field
 *        8      8  group id; zero while no group is formed
 *       16      4  number of the sender's configuration
 *       20      4  fingerprint of that configuration
 *       24      4  length of the head, this header included
 *       28      4  length of the frame
 *       32      …  the head's fields: see message-codec.ts
 *        …      …  the bytes of the values that the head describes, each with a checksum of its own
 */
import { FrameError } from '../errors.ts';
import type { GroupId } from '../paxos/membership.ts';
import type { Value } from '../paxos/value.ts';
import { copied, Reader, Writer } from './bytes.ts';
import { checkedValue, crc32 } from './checksum.ts';

export const frameVersion = 1;
export const headerBytes = 32;
const magic = 0x52;

export const channels = { paxos: 0, learning: 1, requests: 2, forming: 3, clients: 4 } as const;
export type Channel = (typeof channels)[keyof typeof channels];

/** What every frame of a replica says of the group and configuration it is in. */
export interface Envelope {
  readonly group: GroupId;
  readonly configuration: number;
  readonly fingerprint: number;
}

export interface Frame extends Envelope {
  readonly channel: number;
  readonly kind: number;
  /** The head's fields, to be read in order. */
  readonly fields: Reader;
  /** Reads the values' bytes, in the order in which the head describes them; copies them. */
  readonly values: ValueReader;
}

/** Builds frames, one at a time. */
export class FrameWriter {
  readonly fields = new Writer();
  readonly #values: Uint8Array[] = [];
  #valueBytes = 0;
  /** Of most frames the same. */
  #group: GroupId = '';
  #groupBytes = idBytes('');

  /** A new frame; what was not ended is dropped. */
  begin(channel: number, kind: number, { group, configuration, fingerprint }: Envelope): void {
    this.fields.reset();
    this.#values.length = 0;
    this.#valueBytes = 0;
    this.fields.u8(magic);
    this.fields.u8(frameVersion);
    this.fields.u8(channel);
    this.fields.u8(kind);
    this.fields.u32(0);
    if (group !== this.#group) {
      this.#group = group;
      this.#groupBytes = idBytes(group);
    }
    this.fields.raw(this.#groupBytes);
    this.fields.u32(configuration);
    this.fields.u32(fingerprint);
    this.fields.u32(0);
    this.fields.u32(0);
  }

  /** Length and checksum go into the head, the bytes behind it, uncopied. */
  value(value: Pick<Value, 'bytes' | 'checksum'>): void {
    this.fields.u32(value.bytes.length);
    this.fields.u32(value.checksum);
    this.#values.push(value.bytes);
    this.#valueBytes += value.bytes.length;
  }

  /** The same for bytes that are no value. */
  bytes(bytes: Uint8Array): void {
    this.value({ bytes, checksum: crc32(bytes) });
  }

  /** The whole frame: its head, and the values as they were given. Its own, not reused. */
  end(): readonly Uint8Array[] {
    this.fields.patch32(24, this.fields.length);
    this.fields.patch32(28, this.fields.length + this.#valueBytes);
    this.fields.patch32(4, checksumOf(this.fields.peek()));
    return [this.fields.copy(), ...this.#values];
  }
}

/** FrameError for anything that is not a whole, undamaged frame of this version. */
export function readFrame(bytes: Uint8Array): Frame {
  if (bytes.length < headerBytes) throw new FrameError('shorter than a header');
  if (bytes[0] !== magic) throw new FrameError('no frame');
  if (bytes[1] !== frameVersion) throw new FrameError(`version ${bytes[1]}, not ${frameVersion}`);
  const header = new Reader(bytes, 2, headerBytes);
  const channel = header.u8();
  const kind = header.u8();
  const checksum = header.u32();
  const group = idText(header.raw(8));
  const configuration = header.u32();
  const fingerprint = header.u32();
  const headBytes = header.u32();
  if (headBytes < headerBytes || headBytes > bytes.length) throw new FrameError('a head too long');
  if (header.u32() !== bytes.length) throw new FrameError('not as long as it says');
  if (checksumOf(bytes.subarray(0, headBytes)) !== checksum) throw new FrameError('a damaged head');
  const fields = new Reader(bytes, headerBytes, headBytes);
  const values = new ValueReader(bytes, headBytes);
  return { channel, kind, group, configuration, fingerprint, fields, values };
}

class ValueReader {
  readonly #bytes: Uint8Array;
  #at: number;

  constructor(bytes: Uint8Array, at: number) {
    this.#bytes = bytes;
    this.#at = at;
  }

  /** The value that the next two fields describe, as a copy of its own (P12). */
  next(fields: Reader): Value {
    const bytes = this.#copy(fields.u32());
    return checkedValue(bytes, fields.u32());
  }

  /** The same for bytes that are no value. */
  nextBytes(fields: Reader): Uint8Array {
    const bytes = this.#copy(fields.u32());
    if (crc32(bytes) !== fields.u32()) throw new FrameError('bytes whose checksum does not fit');
    return bytes;
  }

  #copy(length: number): Uint8Array {
    if (length > this.#bytes.length - this.#at) throw new FrameError('a value past the end');
    const bytes = copied(this.#bytes, this.#at, this.#at + length);
    this.#at += length;
    return bytes;
  }

  end(): void {
    if (this.#at !== this.#bytes.length) throw new FrameError('bytes after the last value');
  }
}

const checksumOf = (head: Uint8Array): number =>
  crc32(head.subarray(8), crc32(head.subarray(0, 4)));

const idBytes = (id: GroupId): Uint8Array => Buffer.from(id, 'hex');
const idText = ({ buffer, byteOffset, length }: Uint8Array): GroupId =>
  Buffer.from(buffer, byteOffset, length).toString('hex');
