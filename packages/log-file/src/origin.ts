/**
 * Which file it is that a segment was made in: device, inode and birth time stand in its header
 * (S2a). A file that was copied, or put back from a backup, is another one.
 */
import fs from 'node:fs';
import { crc32 } from 'node:zlib';
import { type Memory, memoryOf } from './memory.ts';

/** 0 where it is not known. */
export interface Origin {
  readonly device: bigint;
  readonly inode: bigint;
  readonly birthNs: bigint;
}

/**
 * `files`: another inode or birth time. `device`: only another number of the device, which the
 * same disk may have after a restart of the machine.
 */
export type Copied = 'no' | 'device' | 'files';

export const unknownOrigin: Origin = { device: 0n, inode: 0n, birthNs: 0n };

/** Where in a segment's header. */
const deviceAt = 56;
const inodeAt = 64;
const birthAt = 72;

export function setOrigin({ view }: Memory, { device, inode, birthNs }: Origin): void {
  view.setBigUint64(deviceAt, device, true);
  view.setBigUint64(inodeAt, inode, true);
  view.setBigUint64(birthAt, birthNs, true);
}

/** The same segment header, with its checksum, of this file. */
export function headerOfFile(block: Uint8Array, origin: Origin): Uint8Array {
  const memory = memoryOf(Uint8Array.from(block));
  setOrigin(memory, origin);
  memory.view.setUint32(4, crc32(memory.bytes.subarray(8)), true);
  return memory.bytes;
}

export const readOrigin = ({ view }: Memory): Origin => ({
  device: view.getBigUint64(deviceAt, true),
  inode: view.getBigUint64(inodeAt, true),
  birthNs: view.getBigUint64(birthAt, true),
});

/** A file system without birth times shows the time of the last change instead. */
export function originOf(fd: number): Origin {
  const { dev, ino, birthtimeNs, ctimeNs } = fs.fstatSync(fd, { bigint: true });
  return { device: dev, inode: ino, birthNs: birthtimeNs === ctimeNs ? 0n : birthtimeNs };
}

export function compareOrigins(recorded: Origin, now: Origin): Copied {
  if (differ(recorded.inode, now.inode) || differ(recorded.birthNs, now.birthNs)) return 'files';
  return differ(recorded.device, now.device) ? 'device' : 'no';
}

const differ = (a: bigint, b: bigint): boolean => a !== 0n && b !== 0n && a !== b;
