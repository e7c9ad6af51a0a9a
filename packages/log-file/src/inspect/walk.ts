/**
 * One segment from front to back, also behind what is damaged: the next header that verifies is
 * gone on from. What does not verify is read a second time before it is called damage: who looks
 * into a log that is in use may have met a write half way.
 */
import { CorruptionError } from '@rsl/core';
import { blockBytes, type StoredGroupHeader } from '../record.ts';
import type { Segment } from '../segment.ts';
import type { SegmentHeader } from '../segment-header.ts';
import { type GroupsEnd, SegmentReader, type VisitGroup } from '../segment-reader.ts';
import { AppendReader, type FoundGroup } from '../shared/append-reader.ts';
import type { Damages } from './damages.ts';

export interface Walked {
  /** Behind the last group that verifies. */
  readonly end: number;
  /** Part of another write is there. */
  readonly torn: boolean;
}

/** `next` is the header of the segment behind it, if there is one that can be read. */
export async function walk(
  segment: Segment,
  next: SegmentHeader | undefined,
  visit: VisitGroup,
  damages: Damages,
): Promise<Walked> {
  const walker = new Walker(segment, next, visit, damages);
  try {
    return await walker.run();
  } catch (error) {
    noteUnreadable(error, segment.file, walker.at, damages);
    return { end: walker.at, torn: false };
  }
}

/** What the medium does not give is damage; what the process may not see is not. */
export function noteUnreadable(
  error: unknown,
  file: string,
  offset: number,
  damages: Damages,
): void {
  const { code, message } = error as NodeJS.ErrnoException;
  if (error instanceof CorruptionError) {
    damages.add(file, error.offset, 'it reads differently the second time');
  } else if (code === undefined || /^(RSL_|ERR_|EACCES|EPERM|EMFILE|ENFILE|EPIPE)/.test(code)) {
    throw error;
  } else damages.add(file, offset, message);
}

class Walker {
  readonly #segment: Segment;
  readonly #next: SegmentHeader | undefined;
  readonly #visit: VisitGroup;
  readonly #damages: Damages;
  #number: number;
  /** Behind the last group that was visited, or where the next one is. */
  at = blockBytes;

  constructor(
    segment: Segment,
    next: SegmentHeader | undefined,
    visit: VisitGroup,
    damages: Damages,
  ) {
    this.#segment = segment;
    this.#next = next;
    this.#visit = visit;
    this.#damages = damages;
    this.#number = segment.header.firstNumber;
  }

  async run(): Promise<Walked> {
    const reader = await SegmentReader.open(this.#segment);
    try {
      for (let doubted = 0; ; ) {
        const good = await this.#groups(reader);
        const problem = await this.#problem(reader, good);
        if (problem === undefined) return { end: good.end, torn: await this.#isTorn(reader, good) };
        if (doubted !== good.end && !this.#damages.isFull) {
          doubted = good.end;
          reader.forget();
          continue;
        }
        this.#damages.add(this.#segment.file, good.offset, problem);
        if (!(await this.#goOn(reader, good))) return { end: good.end, torn: false };
      }
    } finally {
      await reader.close();
    }
  }

  async #groups(reader: SegmentReader): Promise<GroupsEnd> {
    const visit: VisitGroup = (memory, at, header, lost) => {
      this.at = header.offset + header.length;
      if (lost.size === 0 || this.#damages.isFull) return this.#visit(memory, at, header, lost);
      const again = this.#readAgain(header);
      return this.#visit(again.memory, again.at, again.header, again.lost);
    };
    const good = await reader.groups(this.at, this.#number, visit, this.#next?.previousEnd);
    this.#number = good.number;
    return good;
  }

  #readAgain({ offset }: StoredGroupHeader): FoundGroup {
    const reader = new AppendReader(this.#segment);
    try {
      return reader.groupAt(offset);
    } finally {
      reader.close();
    }
  }

  /** Why that the groups end there is damage; undefined if it is not. */
  async #problem(reader: SegmentReader, good: GroupsEnd): Promise<string | undefined> {
    const next = this.#next;
    if (next === undefined) {
      const synced = await reader.syncedBehind(good.end, good.number);
      if (synced.through <= good.end) return undefined;
      return `${good.problem}, but the group at byte ${synced.saidAt} says that it was synced`;
    }
    if (good.end < next.previousEnd) return good.problem;
    if (good.end === next.previousEnd && good.number === next.firstNumber) return undefined;
    return `the next segment says that it ends at byte ${next.previousEnd}, with group ${
      next.firstNumber - 1
    }`;
  }

  /** At the next group behind the bad one. */
  async #goOn(reader: SegmentReader, good: GroupsEnd): Promise<boolean> {
    const found = await reader.find(good.end, good.number + 1);
    if (found === undefined) return false;
    this.at = found.offset;
    this.#number = found.number;
    return true;
  }

  async #isTorn(reader: SegmentReader, { end, number }: GroupsEnd): Promise<boolean> {
    return this.#next === undefined && (await reader.find(end, number)) !== undefined;
  }
}
