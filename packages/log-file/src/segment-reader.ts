/** Reads a segment from front to back in large pieces, and checks every group on the way. */
import { type FileHandle, open } from 'node:fs/promises';
import { CorruptionError } from '@rsl/core';
import { type Memory, memoryOf } from './memory.ts';
import {
  eachRecord,
  groupAlignment,
  groupHeaderBytes,
  mayBeGroup,
  readGroupHeader,
  type StoredGroupHeader,
  valueVerifies,
} from './record.ts';
import type { Segment } from './segment.ts';

const pieceBytes = 1024 * 1024;

/** A group that is `at` in `memory`, for as long as `visit` runs. */
export type VisitGroup = (memory: Memory, at: number, header: StoredGroupHeader) => void;

/** Where the good groups end, and what is there instead of another. */
export interface GroupsEnd {
  readonly end: number;
  /** Of the group that would be next. */
  readonly number: number;
  readonly problem: string;
  /** Of the problem: at or behind `end`. */
  readonly offset: number;
}

export class SegmentReader {
  readonly #file: FileHandle;
  readonly #segment: Segment;
  #memory: Memory = memoryOf(new Uint8Array(pieceBytes));
  /** What of the file is in memory. */
  #from = 0;
  #to = 0;

  private constructor(file: FileHandle, segment: Segment) {
    this.#file = file;
    this.#segment = segment;
  }

  static async open(segment: Segment): Promise<SegmentReader> {
    return new SegmentReader(await open(segment.file, 'r'), segment);
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  /** Visits the groups from `start` on, whose first has this number, up to the first bad one. */
  async groups(start: number, firstNumber: number, visit: VisitGroup): Promise<GroupsEnd> {
    const { size, seed } = this.#segment;
    let end = start;
    let number = firstNumber;
    const over = (problem: string, offset = end) => ({ end, number, problem, offset });
    for (;;) {
      if (end + groupHeaderBytes > size) return over('the segment is full');
      if (!this.#holds(end, groupHeaderBytes)) await this.#load(end, groupHeaderBytes);
      const header = readGroupHeader(this.#memory, end - this.#from, end, seed);
      if (header === undefined) return over('no group verifies here');
      if (header.number !== number) return over(`group ${header.number} follows ${number - 1}`);
      if (end + header.length > size) return over('a group is longer than its segment');
      if (!this.#holds(end, header.length)) await this.#load(end, header.length);
      const at = end - this.#from;
      const bad = firstBadByte(this.#memory, at, header);
      if (bad !== undefined) return over(bad.problem, end + bad.offset);
      visit(this.#memory, at, header);
      end += header.length;
      number += 1;
    }
  }

  /**
   * The offset of a group, behind `end`, that says that something from `end` on was synced. Its
   * header is enough for that. A group of the same write proves nothing: a sync may persist its
   * blocks in any order.
   */
  async proofOfSync(end: number, number: number): Promise<number | undefined> {
    const { size, seed, sequence } = this.#segment;
    for (let at = end; at + groupHeaderBytes <= size; at += groupAlignment) {
      if (!this.#holds(at, groupHeaderBytes)) await this.#load(at, groupHeaderBytes);
      if (!mayBeGroup(this.#memory.view, at - this.#from)) continue;
      const header = readGroupHeader(this.#memory, at - this.#from, at, seed);
      if (header === undefined || header.number < number) continue;
      if (header.markSegment === sequence && header.markOffset > end) return at;
    }
    return undefined;
  }

  #holds(offset: number, bytes: number): boolean {
    return this.#from <= offset && offset + bytes <= this.#to;
  }

  /** Everything up to the length that the file is known to have can be read, or reading fails. */
  async #load(offset: number, bytes: number): Promise<void> {
    const wanted = Math.min(Math.max(bytes, pieceBytes), this.#segment.size - offset);
    if (this.#memory.bytes.length < wanted) this.#memory = memoryOf(new Uint8Array(wanted));
    this.#from = offset;
    this.#to = offset;
    while (this.#to < offset + wanted) {
      const at = this.#to - offset;
      const { bytesRead } = await this.#file.read(this.#memory.bytes, at, wanted - at, this.#to);
      if (bytesRead === 0) throw new CorruptionError(this.#segment.file, this.#to, 'it ends here');
      this.#to += bytesRead;
    }
  }
}

function firstBadByte(
  memory: Memory,
  at: number,
  header: StoredGroupHeader,
): { readonly problem: string; readonly offset: number } | undefined {
  let bad: { problem: string; offset: number } | undefined;
  const sound = eachRecord(memory, at, header, (record) => {
    if (valueVerifies(memory.bytes, record)) return true;
    const what = record.slot > 0 ? ` of slot ${record.slot}` : '';
    bad = { problem: `a value${what} fails its checksum`, offset: record.valueAt - at };
    return false;
  });
  if (sound) return undefined;
  return bad ?? { problem: 'the records of a group fail their checksum', offset: groupHeaderBytes };
}
