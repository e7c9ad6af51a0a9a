/**
 * One file of the log: a header of one block, then append groups. Little-endian:
 *
 *    0 u32 magic "RSLs"               28 u32 writeBytesMax: no write of several groups was longer
 *    4 u32 checksum of bytes 8 … 4095 32 u64 size of the file
 *    8 u32 format version, 1          40 u64 number of its first group
 *   12 u32 sequence: 1, 2, 3 …        48 u64 end of the segment before it; 0 for the first
 *   16 8 bytes store                  56 u64 device, 64 u64 inode, 72 u64 birth time: which file
 *   24 u32 salt, drawn at random         this is (see origin.ts); 0 where it is not known
 *                                     80 zeros
 *
 * The header is written when everything in the segment before it is durable, so it is a mark for
 * that segment: what does not verify below the end that it names is damage, never a torn tail.
 */
import { crc32 } from 'node:zlib';
import type { StoreId } from '@rsl/core/protocol';
import { getUint53, memoryOf, setUint53 } from './memory.ts';
import { type Origin, readOrigin, setOrigin } from './origin.ts';
import { blockBytes } from './record.ts';

export const formatVersion = 1;
const segmentMagic = 0x73_4c_53_52;

export interface SegmentHeader {
  readonly sequence: number;
  readonly store: StoreId;
  /** Never leaves the store: nobody outside can make bytes that verify as a group. */
  readonly salt: number;
  readonly writeBytesMax: number;
  readonly size: number;
  readonly firstNumber: number;
  readonly previousEnd: number;
  /** Of the file that the header was written to; set when that is known. */
  readonly origin: Origin;
}

export function encodeSegmentHeader(header: SegmentHeader): Uint8Array {
  const memory = memoryOf(new Uint8Array(blockBytes));
  const { bytes, view } = memory;
  view.setUint32(0, segmentMagic, true);
  view.setUint32(8, formatVersion, true);
  view.setUint32(12, header.sequence, true);
  bytes.set(Buffer.from(header.store, 'hex'), 16);
  view.setUint32(24, header.salt, true);
  view.setUint32(28, header.writeBytesMax, true);
  setUint53(view, 32, header.size);
  setUint53(view, 40, header.firstNumber);
  setUint53(view, 48, header.previousEnd);
  setOrigin(memory, header.origin);
  view.setUint32(4, crc32(bytes.subarray(8)), true);
  return bytes;
}

/** The header, or in words why it is none. */
export function readSegmentHeader(block: Uint8Array): SegmentHeader | string {
  if (block.length < blockBytes) return 'the file is too short for a segment header';
  const memory = memoryOf(block);
  const { bytes, view } = memory;
  if (view.getUint32(0, true) !== segmentMagic) return 'this is no segment header';
  if (view.getUint32(4, true) !== crc32(bytes.subarray(8, blockBytes))) {
    return 'the segment header fails its checksum';
  }
  const version = view.getUint32(8, true);
  if (version !== formatVersion) return `format version ${version}, not ${formatVersion}`;
  return {
    sequence: view.getUint32(12, true),
    store: Buffer.from(bytes.subarray(16, 24)).toString('hex'),
    salt: view.getUint32(24, true),
    writeBytesMax: view.getUint32(28, true),
    size: getUint53(view, 32),
    firstNumber: getUint53(view, 40),
    previousEnd: getUint53(view, 48),
    origin: readOrigin(memory),
  };
}

/** What the checksum of every group of the segment goes on from. */
export function seedOf({ store, salt, sequence }: SegmentHeader): number {
  const { bytes, view } = memoryOf(new Uint8Array(16));
  bytes.set(Buffer.from(store, 'hex'), 0);
  view.setUint32(8, salt, true);
  view.setUint32(12, sequence, true);
  return crc32(bytes);
}
