/**
 * Opening: what is on the medium becomes a LogState, or an error that says why not (S1, S6).
 *
 * A segment is good up to its end, which the header of the next one names. In the last segment the
 * first thing that is not the next group ends the log. It is damage if a later group says that it
 * was synced: then opening fails. Otherwise it is what a crash left of the write in flight, which
 * nobody was told is durable: it is dropped, and erased so that it can never be taken for the
 * continuation of what is written next. Whatever no later group vouches for is written again,
 * for that it can be read (from the page cache) does not prove that it is on the medium.
 */
import fs from 'node:fs';
import path from 'node:path';
import { CorruptionError } from '@rsl/core';
import { type Identity, segmentFile } from './directory.ts';
import { type Files, zeroSteps } from './files.ts';
import type { Catalog } from './catalog.ts';
import { eachValue, type LogState } from './log-state.ts';
import { memoryOf, roundUp } from './memory.ts';
import { blockBytes, readGroupHeader, sealGroup } from './record.ts';
import { compareOrigins, type Copied, headerOfFile, type Origin, originOf } from './origin.ts';
import { Segment } from './segment.ts';
import { readSegmentHeader, type SegmentHeader } from './segment-header.ts';
import { type GroupsEnd, SegmentReader, type VisitGroup } from './segment-reader.ts';

export interface Recovered {
  /** True if the log does not end with a group that has only a mark. */
  readonly unmarked: boolean;
  /** Of this life's segments, those that are not in the files that they were made in (S2a). */
  readonly copied: ReadonlyMap<Segment, Copied>;
}

/** The last group that verified, wherever it is. */
interface LastGroup {
  offset: number;
  markOffset: number;
  keepFrom: number;
  wantsMark: boolean;
}

/** Into `state`, which is new. */
export async function recover(
  directory: string,
  sequences: readonly number[],
  identity: Identity,
  files: Files,
  state: Catalog,
): Promise<Recovered> {
  if (sequences.length === 0) throw missing(directory, 1);
  refuseGaps(directory, sequences);
  const copied = new Map<Segment, Copied>();
  const segments = sequences.map((sequence) => openSegment(directory, sequence, identity, copied));
  const last: LastGroup = { offset: 0, markOffset: 0, keepFrom: 0, wantsMark: false };
  state.number = (segments[0] as Segment).header.firstNumber;
  for (const [i, segment] of segments.entries()) {
    state.add(segment);
    const next = segments[i + 1]?.header;
    await readSegment(state, segment, next, last, files);
  }
  state.beginLife(identity.store);
  return { unmarked: last.wantsMark, copied };
}

/** What is stored anywhere may do in place of a record that is lost. */
export async function findHeld(state: LogState): Promise<void> {
  for (const segment of state.segments) {
    const reader = await SegmentReader.open(segment);
    try {
      const hold: VisitGroup = (memory, at, header, lost) =>
        eachValue(memory, at, header, lost, ({ slot, ballot }) => {
          if (state.counts(segment, slot, ballot)) state.lost.hold(slot, ballot);
        });
      await reader.groups(blockBytes, segment.header.firstNumber, hold, segment.end);
    } finally {
      await reader.close();
    }
  }
}

function openSegment(
  directory: string,
  sequence: number,
  identity: Identity,
  copied: Map<Segment, Copied>,
): Segment {
  const file = segmentFile(directory, sequence);
  const { block, size, origin } = readFirstBlock(file);
  const header = readSegmentHeader(block);
  if (typeof header === 'string') throw new CorruptionError(file, 0, header);
  const segment = new Segment(file, header);
  const wrong = misfit(header, sequence, size, identity);
  if (wrong !== undefined) throw new CorruptionError(file, wrong.offset, wrong.problem);
  const verdict = compareOrigins(header.origin, origin);
  // A store that was renewed for it is not told again.
  if (verdict !== 'no' && header.store === identity.store) copied.set(segment, verdict);
  return segment;
}

export interface Misfit {
  /** Of what is wrong, in the header. */
  readonly offset: number;
  readonly problem: string;
  /** Only the length is: what is there may still be read. */
  readonly isOurs: boolean;
}

/** Why it is not the segment that is to be there; of any store if there is no identity. */
export function misfit(
  header: SegmentHeader,
  sequence: number,
  size: number,
  identity: Pick<Identity, 'store' | 'formerly'> | undefined,
): Misfit | undefined {
  const { store, formerly } = identity ?? { store: header.store, formerly: [] };
  if (header.store !== store && !formerly.includes(header.store)) {
    const problem = `this is a segment of store ${header.store}, not ${store}`;
    return { offset: 16, problem, isOurs: false };
  }
  if (header.sequence !== sequence) {
    const problem = `this is segment ${header.sequence}, under another name`;
    return { offset: 12, problem, isOurs: false };
  }
  if (header.size !== size || size % blockBytes !== 0) {
    const problem = `the file has ${size} bytes, and had ${header.size}`;
    return { offset: 32, problem, isOurs: true };
  }
  return undefined;
}

/** Where the operator has put them is where they belong from now on. */
export function recordOrigins(segments: Iterable<Segment>, files: Files): void {
  for (const { file } of segments) {
    const { block } = readFirstBlock(file);
    const fd = files.open(file, 'existing');
    try {
      // It changes within its first sector, so that a crash leaves the one header or the other.
      files.write(fd, headerOfFile(block, originOf(fd)), 0);
    } finally {
      files.close(fd);
    }
  }
}

export function readFirstBlock(file: string): {
  readonly block: Uint8Array;
  readonly size: number;
  readonly origin: Origin;
} {
  const fd = fs.openSync(file, 'r');
  try {
    const block = new Uint8Array(blockBytes);
    const length = fs.readSync(fd, block, 0, blockBytes, 0);
    const origin = originOf(fd);
    return { block: block.subarray(0, length), size: fs.fstatSync(fd).size, origin };
  } finally {
    fs.closeSync(fd);
  }
}

async function readSegment(
  state: Catalog,
  segment: Segment,
  next: SegmentHeader | undefined,
  last: LastGroup,
  files: Files,
): Promise<void> {
  const { file, header } = segment;
  if (header.firstNumber !== state.number) {
    const what = `it begins with group ${header.firstNumber}, not with group ${state.number}`;
    throw new CorruptionError(file, 40, what);
  }
  const reader = await SegmentReader.open(segment);
  try {
    Object.assign(last, { offset: 0, markOffset: blockBytes, wantsMark: false });
    const take: VisitGroup = (memory, at, group, lost) => {
      if (group.carry !== (group.offset === blockBytes)) {
        throw new CorruptionError(file, group.offset, 'a segment begins with what is carried on');
      }
      if (!state.takeIn(segment, memory, at, group, lost)) {
        throw new CorruptionError(file, group.offset, 'a record cannot be read');
      }
      const { offset, markOffset, keepFrom, count } = group;
      const wantsMark = count > 0 || group.carry;
      Object.assign(last, { offset, markOffset, keepFrom, wantsMark });
    };
    const good = await reader.groups(blockBytes, state.number, take, next?.previousEnd);
    if (next !== undefined) refuseOtherEnd(segment, good, next);
    else {
      await refuseSynced(segment, good, reader);
      // What the log still needed of older segments when its last group was written.
      const { sequence } = state.segments[0] as Segment;
      if (sequence > Math.max(last.keepFrom, 1)) throw missing(path.dirname(file), sequence - 1);
      mendTail(segment, good, last, files);
    }
  } finally {
    await reader.close();
  }
}

/** Everything in front of the next segment was synced before that was begun. */
function refuseOtherEnd({ file }: Segment, good: GroupsEnd, next: SegmentHeader): void {
  if (good.end < next.previousEnd) throw new CorruptionError(file, good.offset, good.problem);
  if (good.end > next.previousEnd || good.number !== next.firstNumber) {
    throw new CorruptionError(file, next.previousEnd, 'the next segment says that it ends here');
  }
}

/** What a later group says that it was synced is no torn tail. */
async function refuseSynced(
  segment: Segment,
  good: GroupsEnd,
  reader: SegmentReader,
): Promise<void> {
  const synced = await reader.syncedBehind(good.end, good.number);
  if (synced.through > good.end) {
    const what = `${good.problem}, but the group at byte ${synced.saidAt} says that it was synced`;
    throw new CorruptionError(segment.file, good.offset, what);
  }
}

function mendTail(segment: Segment, good: GroupsEnd, last: LastGroup, files: Files): void {
  const fd = files.open(segment.file, 'existing');
  try {
    segment.end = roundUp(good.end, blockBytes);
    rewrite(segment, fd, good.end, last, files);
    const eraseTo = Math.min(segment.size, segment.end + segment.header.writeBytesMax);
    for (const _ of zeroSteps(files, fd, segment.end, eraseTo));
  } finally {
    files.close(fd);
  }
}

/** What no later group vouches for, with its last group made longer, up to the end of a block. */
function rewrite(segment: Segment, fd: number, end: number, last: LastGroup, files: Files): void {
  // The header of a new segment is vouched for by the second write into it.
  const from = last.markOffset > blockBytes ? last.markOffset : 0;
  const memory = memoryOf(new Uint8Array(segment.end - from));
  readInto(segment.file, memory.bytes.subarray(0, end - from), from);
  const at = last.offset - from;
  if (last.offset > 0 && end < segment.end) {
    sealGroup(memory, at, segment.end - last.offset, segment.seed);
  }
  if (last.offset > 0 && !readGroupHeader(memory, at, last.offset, segment.seed)) {
    throw new CorruptionError(segment.file, last.offset, 'it reads differently the second time');
  }
  files.write(fd, memory.bytes, from);
}

function readInto(file: string, bytes: Uint8Array, position: number): void {
  const fd = fs.openSync(file, 'r');
  try {
    for (let done = 0; done < bytes.length; ) {
      const read = fs.readSync(fd, bytes, done, bytes.length - done, position + done);
      if (read === 0) throw new CorruptionError(file, position + done, 'the file ends here');
      done += read;
    }
  } finally {
    fs.closeSync(fd);
  }
}

function refuseGaps(directory: string, sequences: readonly number[]): void {
  const [first = 0] = sequences;
  const gap = sequences.findIndex((sequence, i) => sequence !== first + i);
  if (gap >= 0) throw missing(directory, first + gap);
}

function missing(directory: string, sequence: number): CorruptionError {
  const file = segmentFile(directory, sequence);
  return new CorruptionError(file, 0, 'this segment is missing');
}
