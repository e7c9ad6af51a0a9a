/**
 * The bytes of a snapshot's file. Little-endian.
 *
 *   offset  bytes
 *        0      8  'RSLSNAP1'
 *        8      4  length of the header's text, at most 1 MiB
 *       12      4  CRC-32 of that text
 *       16      …  header: { version, group, slot, layout, chunkBytes, membership } as UTF-8 JSON,
 *                  then zeros up to a multiple of 4,096
 *        …      …  chunks: length (4), CRC-32 of the chunk's number (4 bytes) and its bytes (4),
 *                  the bytes; all but the last one have `chunkBytes`, none is empty
 *    end−56      8  'RSLSNEND'
 *    end−48      8  bytes of content
 *    end−40     32  SHA-256 of the content
 *     end−8      4  CRC-32 of the whole header, zeros included
 *     end−4      4  CRC-32 of the 52 bytes before
 *
 * The end is written last. So whatever has one that fits its header was written whole; whether the
 * medium has kept it is for the checksums of the chunks to say.
 */
import { crc32 } from 'node:zlib';
import { requires } from '@rsl/contracts';
import { parseMembership, type SnapshotAbout, type SnapshotMeta } from '@rsl/core/protocol';

export const version = 1;
export const prefixBytes = 16;
export const endBytes = 56;
export const chunkPrefixBytes = 8;
const alignment = 4_096;
export const headerTextBytesMax = 1024 * 1024;
export const chunkBytesMin = 512;
export const chunkBytesMax = 16 * 1024 * 1024;

const startMagic = Buffer.from('RSLSNAP1', 'latin1');
const endMagic = Buffer.from('RSLSNEND', 'latin1');

/** What a file says of itself at its start. */
export interface Header {
  readonly group: string;
  readonly chunkBytes: number;
  readonly about: SnapshotAbout;
}

/** What a file says of itself at its end. */
export interface End {
  readonly bytes: number;
  readonly digest: string;
}

export function encodeHeader({ about, chunkBytes, group }: Header): Uint8Array {
  const { layout, membership, slot } = about;
  const told = { version, group, slot, layout, chunkBytes, membership };
  const text = Buffer.from(JSON.stringify(told), 'utf8');
  requires(() => text.length <= headerTextBytesMax, 'snapshot-file-1 a header is read as written');
  const bytes = Buffer.alloc(dataStart(text.length));
  startMagic.copy(bytes, 0);
  bytes.writeUInt32LE(text.length, 8);
  bytes.writeUInt32LE(crc32(text), 12);
  text.copy(bytes, prefixBytes);
  return bytes;
}

const dataStart = (textBytes: number): number =>
  Math.ceil((prefixBytes + textBytes) / alignment) * alignment;

/** How long the header is that begins with these 16 bytes; undefined if none does. */
export function headerLength(prefix: Uint8Array): number | undefined {
  const bytes = Buffer.from(prefix.buffer, prefix.byteOffset, prefix.byteLength);
  if (bytes.length < prefixBytes || !bytes.subarray(0, 8).equals(startMagic)) return undefined;
  const textBytes = bytes.readUInt32LE(8);
  return textBytes <= headerTextBytesMax ? dataStart(textBytes) : undefined;
}

/** Undefined for anything that is not a whole header, and of another version. */
export function decodeHeader(header: Uint8Array): Header | undefined {
  if (headerLength(header) !== header.length) return undefined;
  const bytes = Buffer.from(header.buffer, header.byteOffset, header.byteLength);
  const textEnd = prefixBytes + bytes.readUInt32LE(8);
  const text = bytes.subarray(prefixBytes, textEnd);
  if (crc32(text) !== bytes.readUInt32LE(12)) return undefined;
  if (bytes.subarray(textEnd).some((byte) => byte !== 0)) return undefined;
  return parseHeader(text.toString('utf8'));
}

function parseHeader(text: string): Header | undefined {
  let parsed: Record<string, unknown>;
  try {
    parsed = JSON.parse(text) as Record<string, unknown>;
  } catch {
    return undefined;
  }
  if (parsed['version'] !== version) return undefined;
  const { chunkBytes, group, layout, slot } = parsed;
  const membership = parseMembership(parsed['membership']);
  if (membership === undefined || typeof group !== 'string' || group === '') return undefined;
  if (!isIn(slot, 0, Number.MAX_SAFE_INTEGER) || !isIn(layout, 1, 65_535)) return undefined;
  if (!isIn(chunkBytes, chunkBytesMin, chunkBytesMax)) return undefined;
  return { group, chunkBytes, about: { slot, membership, layout } };
}

const isIn = (value: unknown, min: number, max: number): value is number =>
  Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max;

export function encodeChunkPrefix(number: number, content: Uint8Array): Uint8Array {
  const prefix = Buffer.alloc(chunkPrefixBytes);
  prefix.writeUInt32LE(content.length, 0);
  prefix.writeUInt32LE(chunkChecksum(number, content), 4);
  return prefix;
}

/** The content of chunk `number`, prefix in front; undefined unless whole and of this place. */
export function decodeChunk(number: number, chunk: Uint8Array): Uint8Array | undefined {
  if (chunk.length <= chunkPrefixBytes) return undefined;
  const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  const content = chunk.subarray(chunkPrefixBytes);
  if (bytes.readUInt32LE(0) !== content.length) return undefined;
  return bytes.readUInt32LE(4) === chunkChecksum(number, content) ? content : undefined;
}

/** Its number is in it: a chunk that lies in another one's place is no chunk of that place. */
function chunkChecksum(number: number, content: Uint8Array): number {
  const place = Buffer.alloc(4);
  place.writeUInt32LE(number);
  return crc32(content, crc32(place));
}

export function encodeEnd(header: Uint8Array, { bytes, digest }: End): Uint8Array {
  const end = Buffer.alloc(endBytes);
  endMagic.copy(end, 0);
  end.writeBigUInt64LE(BigInt(bytes), 8);
  end.write(digest, 16, 'hex');
  end.writeUInt32LE(crc32(header), 48);
  end.writeUInt32LE(crc32(end.subarray(0, 52)), 52);
  return end;
}

/** Undefined unless it is the end of the file that begins with this header. */
export function decodeEnd(header: Uint8Array, given: Uint8Array): End | undefined {
  const end = Buffer.from(given.buffer, given.byteOffset, given.byteLength);
  if (end.length !== endBytes || !end.subarray(0, 8).equals(endMagic)) return undefined;
  if (end.readUInt32LE(52) !== crc32(end.subarray(0, 52))) return undefined;
  if (end.readUInt32LE(48) !== crc32(header)) return undefined;
  const bytes = Number(end.readBigUInt64LE(8));
  return { bytes, digest: end.toString('hex', 16, 48) };
}

/** Where things are in a file with this header, for content of so many bytes. */
export class Places {
  readonly #start: number;
  readonly chunkBytes: number;

  constructor(headerBytes: number, chunkBytes: number) {
    this.#start = headerBytes;
    this.chunkBytes = chunkBytes;
  }

  /** Which chunk has this byte of the content. */
  chunkOf(offset: number): number {
    return Math.floor(offset / this.chunkBytes);
  }

  /** Where chunk `number` begins, its prefix first. */
  startOf(number: number): number {
    return this.#start + number * (chunkPrefixBytes + this.chunkBytes);
  }

  /** How long chunk `number` is, its prefix included, of content of so many bytes. */
  lengthOf(number: number, bytes: number): number {
    return chunkPrefixBytes + Math.min(this.chunkBytes, bytes - number * this.chunkBytes);
  }

  /** Where the end begins. */
  endOf(bytes: number): number {
    const full = this.chunkOf(bytes);
    const rest = bytes - full * this.chunkBytes;
    return this.startOf(full) + (rest === 0 ? 0 : chunkPrefixBytes + rest);
  }
}

export const metaOf = (about: SnapshotAbout, { bytes, digest }: End): SnapshotMeta => ({
  ...about,
  bytes,
  digest,
});
