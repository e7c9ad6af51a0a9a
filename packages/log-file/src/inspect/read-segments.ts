/** The segments of a log, one after the other, and what its replicas have stored in them. */
import fs from 'node:fs';
import type { StoreId } from '@rsl/core/protocol';
import { type Identity, segmentFile } from '../directory.ts';
import { compareOrigins, type Copied } from '../origin.ts';
import { misfit, readFirstBlock } from '../recover.ts';
import { blockBytes } from '../record.ts';
import { Segment } from '../segment.ts';
import { readSegmentHeader, type SegmentHeader } from '../segment-header.ts';
import type { VisitGroup } from '../segment-reader.ts';
import type { Damages } from './damages.ts';
import type { InspectedSegment, InspectedStore, InspectLogOptions, LogTail } from './report.ts';
import { Taking, type Wanted } from './take.ts';
import { noteUnreadable, walk } from './walk.ts';

/** So often the directory is listed again. */
const looksMax = 20;

export interface Given {
  readonly directory: string;
  /** Which segments are there now. */
  readonly list: () => readonly number[];
  readonly identity: Identity | undefined;
  readonly visit: InspectLogOptions['visit'];
}

export interface SegmentsRead {
  readonly segments: readonly InspectedSegment[];
  readonly stores: readonly InspectedStore[];
  readonly tail: LogTail | undefined;
  readonly isShared: boolean;
}

/**
 * What holds a value that is lost may have come before: if anything is lost, everything is read a
 * second time, and only what that finds is told.
 */
export async function readSegments(given: Given, damages: Damages): Promise<SegmentsRead> {
  const before = damages.count;
  const { read, lost } = await new Pass(given, damages, new Map()).run();
  if (lost.size === 0) return read;
  damages.backTo(before);
  return (await new Pass({ ...given, visit: undefined }, damages, lost).run()).read;
}

/** A file, and what its header says. */
interface Found {
  readonly sequence: number;
  readonly file: string;
  readonly bytes: number;
  readonly copied: Copied;
  /** Undefined if it cannot be read. */
  readonly segment: Segment | undefined;
}

class Pass {
  readonly #given: Given;
  readonly #damages: Damages;
  readonly #taking: Taking;
  #tail: LogTail | undefined;

  constructor(given: Given, damages: Damages, wanted: Wanted) {
    this.#given = given;
    this.#damages = damages;
    this.#taking = new Taking(given.identity, damages, wanted);
  }

  async run(): Promise<{ readonly read: SegmentsRead; readonly lost: Wanted }> {
    const found = this.#lookAtAll();
    const segments: InspectedSegment[] = [];
    for (const [i, each] of found.entries()) segments.push(await this.#read(each, i, found));
    this.#taking.end();
    this.#noteMissing(found);
    const lost = this.#taking.lost();
    const { isShared } = this.#taking;
    const stores = this.#taking.reports();
    return { lost, read: { segments, stores, tail: this.#tail, isShared } };
  }

  /** Those of a log in use may all have left since they were listed: then there are others. */
  #lookAtAll(): readonly Found[] {
    const before = this.#damages.count;
    for (let looks = 1; ; looks++) {
      const sequences = this.#given.list();
      this.#noteGaps(sequences);
      const found = sequences.flatMap((sequence) => this.#look(sequence));
      if (looks === looksMax || found.at(-1)?.sequence === sequences.at(-1)) return found;
      this.#damages.backTo(before);
    }
  }

  /** What the log still needed of older segments when its last group was written. */
  #noteMissing(found: readonly Found[]): void {
    const [oldest] = found;
    const newest = found.at(-1);
    if (oldest === undefined || newest === undefined || hasLeft(newest)) return;
    if (oldest.sequence <= Math.max(this.#taking.keepFrom, 1)) return;
    const file = segmentFile(this.#given.directory, oldest.sequence - 1);
    this.#damages.add(file, 0, 'this segment is missing');
  }

  #noteGaps(sequences: readonly number[]): void {
    const { directory } = this.#given;
    for (const [i, sequence] of sequences.entries()) {
      const before = sequences[i - 1];
      if (before === undefined || before === sequence - 1) continue;
      const file = segmentFile(directory, before + 1);
      const others = sequence - before - 2;
      const more = others === 0 ? '' : `, and ${others} behind it`;
      this.#damages.add(file, 0, `this segment is missing${more}`);
    }
  }

  /** Nothing if it has left since the directory was listed. */
  #look(sequence: number): Found[] {
    const { directory, identity } = this.#given;
    const file = segmentFile(directory, sequence);
    const first = this.#firstBlock(file);
    if (first === 'gone') return [];
    if (first === undefined) return [{ sequence, file, bytes: 0, copied: 'no', segment: first }];
    const { block, size: bytes, origin } = first;
    const header = readSegmentHeader(block);
    if (typeof header === 'string') {
      this.#damages.add(file, 0, header);
      return [{ sequence, file, bytes, copied: 'no', segment: undefined }];
    }
    const wrong = misfit(header, sequence, bytes, identity);
    if (wrong !== undefined) this.#damages.add(file, wrong.offset, wrong.problem);
    const copied = isOfLife(header, identity?.store) ? compareOrigins(header.origin, origin) : 'no';
    // Of a file that was cut off what is left is read.
    const size = Math.min(header.size, bytes);
    const segment = wrong?.isOurs === false ? undefined : new Segment(file, { ...header, size });
    if (segment !== undefined) segment.table = undefined;
    return [{ sequence, file, bytes, copied, segment }];
  }

  /** Undefined if it cannot be read. */
  #firstBlock(file: string): ReturnType<typeof readFirstBlock> | 'gone' | undefined {
    try {
      return readFirstBlock(file);
    } catch (error) {
      if (!fs.existsSync(file)) return 'gone';
      noteUnreadable(error, file, 0, this.#damages);
      return undefined;
    }
  }

  async #read(found: Found, i: number, all: readonly Found[]): Promise<InspectedSegment> {
    const { sequence, file, bytes, copied, segment } = found;
    const told = { sequence, file, bytes, copied, left: false };
    if (segment === undefined) return { ...told, store: undefined, usedBytes: 0, groups: 0 };
    const before = this.#damages.count;
    const behind = all[i + 1];
    const next = behind?.sequence === sequence + 1 ? behind.segment?.header : undefined;
    let groups = 0;
    const take = this.#takeFrom(segment, i === 0);
    const visit: VisitGroup = (memory, at, header, lost) => {
      groups += 1;
      return take(memory, at, header, lost);
    };
    this.#taking.begin(segment);
    const { end, torn } = await walk(segment, next, visit, this.#damages);
    const left = hasLeft(segment);
    if (left) this.#damages.backTo(before);
    if (behind === undefined) this.#tail = { file, offset: end, torn };
    return { ...told, left, store: segment.header.store, usedBytes: end, groups };
  }

  #takeFrom(segment: Segment, isOldest: boolean): VisitGroup {
    const { visit } = this.#given;
    return (memory, at, header, lost) => {
      if (header.carry !== (header.offset === blockBytes)) {
        const what = 'a segment begins with what is carried on';
        this.#damages.add(segment.file, header.offset, what);
      }
      const group = this.#taking.take(segment, memory, at, header, lost);
      if (header.carry && !isOldest) return undefined;
      return visit?.(group);
    };
  }
}

const isOfLife = ({ store }: SegmentHeader, current: StoreId | undefined): boolean =>
  current === undefined || store === current;

/** The oldest segments of a log in use go, and no name is used twice. */
const hasLeft = ({ file }: { readonly file: string }): boolean => !fs.existsSync(file);
