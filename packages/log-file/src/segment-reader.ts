/** Reads a segment from front to back in large pieces, and checks every group on the way. */
import { type FileHandle, open } from 'node:fs/promises';
import { CorruptionError } from '@rsl/core';
import { type Memory, memoryOf } from './memory.ts';
import {
  eachRecord,
  groupAlignment,
  groupHeaderBytes,
  isOfSlot,
  mayBeGroup,
  readGroupHeader,
  type StoredGroupHeader,
  valueVerifies,
} from './record.ts';
import type { Segment } from './segment.ts';

const pieceBytes = 1024 * 1024;

/**
 * A group that is `at` in `memory`, for as long as `visit` runs, or what it gives is not resolved.
 */
export type VisitGroup = (
  memory: Memory,
  at: number,
  header: StoredGroupHeader,
  /** Where in `memory` the headers of the records are whose values are lost (S3). */
  lost: ReadonlySet<number>,
) => void | Promise<void>;

export const nothingLost: ReadonlySet<number> = new Set();

/** Where the group is that says so, if there is one. */
export interface Synced {
  readonly through: number;
  readonly saidAt: number | undefined;
}

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
  /** What a group says that was found once stays true: it is asked for once. */
  #synced: Synced | undefined;

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

  /**
   * Visits the groups from `start` on, whose first has this number, up to the first bad one. A
   * group in front of `durableEnd` was synced: if nothing but values of slots fail in it, these
   * are lost, and the group is good. Unless `durableEnd` is known, later groups are asked.
   */
  async groups(
    start: number,
    firstNumber: number,
    visit: VisitGroup,
    durableEnd?: number,
  ): Promise<GroupsEnd> {
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
      const bad = badBytes(this.#memory, end - this.#from, header);
      if (bad !== undefined) {
        const durable = durableEnd ?? (await this.syncedBehind(end, number)).through;
        if (bad.lost === undefined || durable <= end) return over(bad.problem, end + bad.offset);
        if (!this.#holds(end, header.length)) await this.#load(end, header.length);
      }
      const at = end - this.#from;
      const lost = bad?.lost === undefined ? nothingLost : shifted(bad.lost, at);
      const visiting = visit(this.#memory, at, header, lost);
      if (visiting !== undefined) await visiting;
      end += header.length;
      number += 1;
    }
  }

  /**
   * How far the groups behind `end` say that the segment was synced. Their headers are enough for
   * that. A group of the same write proves nothing: a sync may persist its blocks in any order.
   */
  async syncedBehind(end: number, number: number): Promise<Synced> {
    this.#synced ??= await this.#findSynced(end, number);
    return this.#synced;
  }

  async #findSynced(end: number, number: number): Promise<Synced> {
    const { size, seed, sequence } = this.#segment;
    let synced: Synced = { through: 0, saidAt: undefined };
    for (let at = end; at + groupHeaderBytes <= size; at += groupAlignment) {
      if (!this.#holds(at, groupHeaderBytes)) await this.#load(at, groupHeaderBytes);
      if (!mayBeGroup(this.#memory.view, at - this.#from)) continue;
      const header = readGroupHeader(this.#memory, at - this.#from, at, seed);
      if (header === undefined || header.number < number) continue;
      if (header.markSegment === sequence && header.markOffset > synced.through) {
        synced = { through: header.markOffset, saidAt: at };
      }
    }
    return synced;
  }

  /** The first group from `from` on whose header verifies and has this number or a higher one. */
  async find(from: number, number: number): Promise<StoredGroupHeader | undefined> {
    const { size, seed } = this.#segment;
    for (let at = from; at + groupHeaderBytes <= size; at += groupAlignment) {
      if (!this.#holds(at, groupHeaderBytes)) await this.#load(at, groupHeaderBytes);
      if (!mayBeGroup(this.#memory.view, at - this.#from)) continue;
      const header = readGroupHeader(this.#memory, at - this.#from, at, seed);
      if (header !== undefined && header.number >= number) return header;
    }
    return undefined;
  }

  /** What comes next is read from the file anew. */
  forget(): void {
    this.#to = this.#from;
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

export interface Bad {
  readonly problem: string;
  /** From the group's beginning. */
  readonly offset: number;
  /** Record headers from the group's beginning, if nothing but values of slots is bad. */
  readonly lost: ReadonlySet<number> | undefined;
}

/** Undefined for a group that is as it was written. */
export function badBytes(memory: Memory, at: number, header: StoredGroupHeader): Bad | undefined {
  let first: { problem: string; offset: number } | undefined;
  let beyondRepair = false;
  const lost = new Set<number>();
  const sound = eachRecord(memory, at, header, (record) => {
    if (valueVerifies(memory.bytes, record)) return true;
    const what = isOfSlot(record) ? ` of slot ${record.slot}` : '';
    first ??= { problem: `a value${what} fails its checksum`, offset: record.valueAt - at };
    lost.add(record.at - at);
    beyondRepair ||= !isOfSlot(record);
    return true;
  });
  if (!sound) {
    const problem = 'the records of a group fail their checksum';
    return { problem, offset: groupHeaderBytes, lost: undefined };
  }
  return first && { ...first, lost: beyondRepair ? undefined : lost };
}

export const shifted = (offsets: ReadonlySet<number>, by: number): ReadonlySet<number> =>
  new Set([...offsets].map((offset) => offset + by));
