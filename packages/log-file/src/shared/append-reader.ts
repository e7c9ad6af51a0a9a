/**
 * Reads single groups of a segment, of which it is known where they are. They are small and many,
 * and mostly in the page cache: the calling thread reads them, which is ten times as quick.
 */
import fs from 'node:fs';
import { CorruptionError } from '@rsl/core';
import { type Memory, memoryOf } from '../memory.ts';
import { groupHeaderBytes, readGroupHeader, type StoredGroupHeader } from '../record.ts';
import type { Segment } from '../segment.ts';
import { badBytes, nothingLost, shifted } from '../segment-reader.ts';

/** Appends that are near are read together. */
const readBytesMin = 16 * 1024;

/** Until the next one is asked for. */
export interface FoundGroup {
  readonly memory: Memory;
  readonly at: number;
  readonly header: StoredGroupHeader;
  /** Where in `memory` the headers of the records are whose values are lost (S3). */
  readonly lost: ReadonlySet<number>;
}

export class AppendReader {
  readonly segment: Segment;
  /** The caller counts them. */
  reads = 0;
  readonly #fd: number;
  #memory: Memory = memoryOf(new Uint8Array(readBytesMin));
  /** What of the file is in memory. */
  #from = 0;
  #to = 0;

  constructor(segment: Segment) {
    this.segment = segment;
    this.#fd = fs.openSync(segment.file, 'r');
  }

  /** The group at `offset`, which was good once: values of slots may be lost since. */
  groupAt(offset: number): FoundGroup {
    this.#hold(offset, groupHeaderBytes);
    const { seed, file } = this.segment;
    const header = readGroupHeader(this.#memory, offset - this.#from, offset, seed);
    if (header === undefined) throw new CorruptionError(file, offset, 'no group verifies here');
    this.#hold(offset, header.length);
    const at = offset - this.#from;
    const bad = badBytes(this.#memory, at, header);
    if (bad === undefined) return { memory: this.#memory, at, header, lost: nothingLost };
    if (bad.lost === undefined) throw new CorruptionError(file, offset + bad.offset, bad.problem);
    return { memory: this.#memory, at, header, lost: shifted(bad.lost, at) };
  }

  close(): void {
    fs.closeSync(this.#fd);
  }

  #hold(offset: number, bytes: number): void {
    if (this.#from <= offset && offset + bytes <= this.#to) return;
    const { size, file } = this.segment;
    const wanted = Math.min(Math.max(bytes, readBytesMin), size - offset);
    if (this.#memory.bytes.length < wanted) this.#memory = memoryOf(new Uint8Array(wanted));
    this.#from = offset;
    this.#to = offset;
    while (this.#to < offset + wanted) {
      const at = this.#to - offset;
      const read = fs.readSync(this.#fd, this.#memory.bytes, at, wanted - at, this.#to);
      if (read === 0) throw new CorruptionError(file, this.#to, 'it ends here');
      this.#to += read;
    }
    this.reads += 1;
  }
}
