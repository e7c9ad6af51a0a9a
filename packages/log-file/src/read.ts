/** Reading values by slot, beside the writer and never through it. */
import { open } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import { CorruptionError, LogTruncatedError } from '@rsl/core';
import type { Slot, StoredValue } from '@rsl/core/protocol';
import { eachValue, type LogState } from './log-state.ts';
import { blockBytes } from './record.ts';
import type { Segment } from './segment.ts';
import { SegmentReader, type VisitGroup } from './segment-reader.ts';
import { SlotTable, type StoredAt } from './slot-table.ts';

/** Values that are no further apart are read together. */
const gapBytesMax = 16 * 1024;
const pieceBytesMax = 4 * 1024 * 1024;

export interface Found {
  readonly segment: Segment;
  readonly at: StoredAt;
}

/** Consecutive in one file. */
interface Piece {
  readonly segment: Segment;
  readonly values: StoredAt[];
  end: number;
}

export class LogReader {
  readonly #state: LogState;
  readonly #loading = new Map<Segment, Promise<void>>();

  constructor(state: LogState) {
    this.#state = state;
  }

  async read(from: Slot, to: Slot, bytesMax: number): Promise<readonly StoredValue[]> {
    const { firstSlot } = this.#state;
    if (from < firstSlot) throw new LogTruncatedError(from, firstSlot);
    // A segment that is being read is neither removed nor recycled.
    const segments = [...this.#state.segments];
    for (const segment of segments) segment.readers += 1;
    try {
      const found = await this.#find(segments, from, to, bytesMax);
      const values: StoredValue[] = [];
      for (const piece of piecesOf(found)) values.push(...(await readPiece(piece)));
      return values;
    } finally {
      for (const segment of segments) segment.readers -= 1;
    }
  }

  async #find(
    segments: readonly Segment[],
    from: Slot,
    to: Slot,
    bytesMax: number,
  ): Promise<Found[]> {
    const found: Found[] = [];
    let bytes = 0;
    for (let slot = from; slot <= to; slot++) {
      // An older vote never stands in for a lost one (S3).
      if (this.#state.lost.isDamaged(slot)) {
        const file = segments.find((segment) => segment.holds(slot))?.file ?? '';
        throw new CorruptionError(file, 0, `the value of slot ${slot} is lost`);
      }
      const newest = this.#newest(segments, slot) ?? (await this.#loadAndFind(segments, slot));
      if (newest === 'nothing') break;
      bytes += newest.at.length;
      if (found.length > 0 && bytes > bytesMax) break;
      found.push(newest);
    }
    return found;
  }

  /** Undefined if a table is missing that may have it. A decided value wins over any vote (P11). */
  #newest(segments: readonly Segment[], slot: Slot): Found | 'nothing' | undefined {
    let vote: Found | undefined;
    for (let i = segments.length - 1; i >= 0; i--) {
      const segment = segments[i] as Segment;
      if (!segment.holds(slot)) continue;
      if (segment.table === undefined) return undefined;
      const at = segment.table.find(slot);
      if (at === undefined || !this.#state.counts(segment, slot, at.ballot)) continue;
      if (at.ballot === undefined) return { segment, at };
      vote ??= { segment, at };
    }
    return vote ?? 'nothing';
  }

  async #loadAndFind(segments: readonly Segment[], slot: Slot): Promise<Found | 'nothing'> {
    let vote: Found | undefined;
    for (let i = segments.length - 1; i >= 0; i--) {
      const segment = segments[i] as Segment;
      if (!segment.holds(slot)) continue;
      const table = await this.#table(segment);
      const at = table.find(slot);
      if (at === undefined || !this.#state.counts(segment, slot, at.ballot)) continue;
      if (at.ballot === undefined) return { segment, at };
      vote ??= { segment, at };
    }
    return vote ?? 'nothing';
  }

  async #table(segment: Segment): Promise<SlotTable> {
    while (segment.table === undefined) {
      let loading = this.#loading.get(segment);
      if (loading === undefined) {
        loading = loadTable(segment).finally(() => this.#loading.delete(segment));
        this.#loading.set(segment, loading);
      }
      await loading;
    }
    const { table } = segment;
    this.#state.touch(segment);
    return table;
  }
}

/** A segment without a table is not written to any more. */
async function loadTable(segment: Segment): Promise<void> {
  const table = new SlotTable();
  const reader = await SegmentReader.open(segment);
  try {
    const { firstNumber } = segment.header;
    const visit: VisitGroup = (memory, at, header, lost) =>
      eachValue(memory, at, header, lost, (value) => table.add(value));
    const good = await reader.groups(blockBytes, firstNumber, visit, segment.end);
    if (good.end < segment.end) throw new CorruptionError(segment.file, good.offset, good.problem);
  } finally {
    await reader.close();
  }
  segment.table = table;
}

export function piecesOf(found: readonly Found[]): Piece[] {
  const pieces: Piece[] = [];
  for (const { segment, at } of found) {
    const last = pieces.at(-1);
    const end = at.offset + at.length;
    const start = last?.values[0]?.offset ?? 0;
    const near =
      last?.segment === segment &&
      at.offset >= last.end &&
      at.offset - last.end <= gapBytesMax &&
      end - start <= pieceBytesMax;
    if (near) {
      last.values.push(at);
      last.end = end;
    } else pieces.push({ segment, values: [at], end });
  }
  return pieces;
}

export async function readPiece({ segment, values, end }: Piece): Promise<StoredValue[]> {
  const start = (values[0] as StoredAt).offset;
  const bytes = await readRange(segment.file, start, end);
  return values.map(({ slot, ballot, offset, length, checksum }) => {
    const value = bytes.subarray(offset - start, offset - start + length);
    if (crc32(value) !== checksum) {
      throw new CorruptionError(segment.file, offset, `the value of slot ${slot} is damaged`);
    }
    return { slot, ballot, value: { bytes: value, checksum } };
  });
}

async function readRange(file: string, from: number, to: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(to - from);
  const handle = await open(file, 'r');
  try {
    for (let done = 0; done < bytes.length; ) {
      const left = bytes.length - done;
      const { bytesRead } = await handle.read(bytes, done, left, from + done);
      if (bytesRead === 0) throw new CorruptionError(file, from + done, 'the file ends here');
      done += bytesRead;
    }
  } finally {
    await handle.close();
  }
  return bytes;
}
