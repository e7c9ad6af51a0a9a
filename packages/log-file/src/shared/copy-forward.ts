/**
 * A group that is idle, slow or gone must not keep the whole log. When more of the closed segments
 * is void than counts, what counts of the oldest one is appended again, and the segment may go: it
 * costs no more writing than the appends themselves, and what is kept is at most twice what counts.
 * A crash leaves the old segment, or the copies, or both; each of them is enough.
 */
import { requires } from '@rsl/contracts';
import type { Logger, RslError } from '@rsl/core';
import { CorruptionError } from '@rsl/core';
import { type Ballot, sameBallot, type Slot } from '@rsl/core/protocol';
import type { GroupSync } from '../group-sync.ts';
import { ballotOf } from '../log-state.ts';
import type { Memory } from '../memory.ts';
import {
  ballotAt,
  blockBytes,
  eachRecord,
  type FileRecord,
  groupOf,
  isOfSlot,
  type StoredGroupHeader,
  type StoredRecord,
} from '../record.ts';
import type { Segment } from '../segment.ts';
import { SegmentReader } from '../segment-reader.ts';
import { bytesOf, type Owner } from './owner.ts';
import { lostDecidedKind, lostVoteKind } from './shared-record.ts';
import type { SharedState } from './shared-state.ts';

/** Closed segments of which nothing counts are not worth copying others for. */
const voidSegmentsMax = 4;
/** One append of copies is filled up to this, or an eighth of a segment. */
export const copyBytesMax = 1024 * 1024;

export interface CopyForwardParts {
  readonly state: SharedState;
  readonly sync: Pick<GroupSync, 'append' | 'truncated'>;
  readonly logger: Logger;
  readonly segmentBytes: number;
  /** There may soon be no segment to go on with. */
  isShort(this: void): boolean;
}

interface Copy {
  readonly owner: Owner;
  readonly record: Extract<FileRecord, { slot: number }>;
  /** Of a value: where it counts in the segment that is to go. */
  readonly from: From | undefined;
}

/** An empty value begins where the next one does: its place alone does not tell it. */
interface From {
  readonly segment: number;
  readonly offset: number;
  readonly ballot: Ballot | undefined;
}

export class CopyForward {
  readonly #parts: CopyForwardParts;
  #copies: Copy[] = [];
  #bytes = 0;
  /** Something in the segment could not be copied yet. */
  #left = false;
  #running: Promise<void> | undefined;
  /** Nothing that only copying has changed makes it copy on. */
  #asked = false;
  #stopped = false;

  constructor(parts: CopyForwardParts) {
    this.#parts = parts;
  }

  /** Somebody has appended or truncated, or wants to know how much room there is. */
  asked(): void {
    this.#asked = true;
  }

  look(): void {
    const { state } = this.#parts;
    const [oldest] = state.segments;
    if (this.#stopped || this.#running !== undefined || !this.#asked) return;
    if (oldest === undefined || oldest === state.current || !this.#isDue(oldest)) return;
    this.#asked = state.live.in(oldest.sequence) < oldest.size / 2;
    this.#running = this.#copy(oldest).finally(() => {
      this.#running = undefined;
      this.look();
    });
  }

  /** Before the log is closed. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
  }

  #isDue(oldest: Segment): boolean {
    const { state, segmentBytes, isShort } = this.#parts;
    const { live, segments, current, carriedBytes } = state;
    if (live.in(oldest.sequence) === 0) return state.withLost.has(oldest.sequence);
    const headBytes = (segments.length - 1) * (blockBytes + carriedBytes);
    const closedBytes = state.bytesUsed - current.size - headBytes;
    const liveBytes = live.bytes - live.in(current.sequence);
    const voidBytes = closedBytes - liveBytes;
    if (voidBytes > Math.max(voidSegmentsMax * segmentBytes, live.bytes)) return true;
    return voidBytes >= segmentBytes && isShort();
  }

  async #copy(segment: Segment): Promise<void> {
    const { state, sync, logger } = this.#parts;
    this.#left = false;
    segment.readers += 1;
    try {
      await this.#read(segment);
      await this.#append();
      if (!this.#left) state.withLost.delete(segment.sequence);
      // The next group says that the segment may go; see to it that there is one.
      sync.truncated();
    } catch (error) {
      const { code } = error as RslError;
      if (code === 'RSL_STORAGE_FULL') return;
      if (code === 'RSL_CONTRACT_VIOLATION') throw error;
      // It stays, and with it all that is newer.
      this.#stopped = true;
      logger.warn({ err: error, file: segment.file }, 'a segment cannot be copied forward');
    } finally {
      segment.readers -= 1;
      this.#copies = [];
      this.#bytes = 0;
    }
  }

  async #read(segment: Segment): Promise<void> {
    const reader = await SegmentReader.open(segment);
    const bytesMax = Math.min(copyBytesMax, this.#parts.segmentBytes / 8);
    try {
      const { firstNumber } = segment.header;
      const { end, offset, problem } = await reader.groups(
        blockBytes,
        firstNumber,
        (memory, at, header, lost) => {
          eachRecord(memory, at, header, (record) => {
            this.#gather(segment, record, memory, at, header, lost.has(record.at));
            return true;
          });
          return this.#bytes < bytesMax ? undefined : this.#append();
        },
        segment.end,
      );
      if (end < segment.end) throw new CorruptionError(segment.file, offset, problem);
    } finally {
      await reader.close();
    }
  }

  #gather(
    { sequence, file }: Segment,
    stored: StoredRecord,
    memory: Memory,
    at: number,
    header: StoredGroupHeader,
    isLost: boolean,
  ): void {
    const { kind, slot, valueAt, length, checksum } = stored;
    const owner = this.#parts.state.owners.get(stored.owner);
    if (owner === undefined) return;
    const offset = header.offset + valueAt - at;
    const ballot = ballotOf(stored, memory);
    const from = { segment: sequence, offset, ballot };
    if (isOfSlot(stored) && !isLost) {
      if (!countsAt(owner, slot, from)) return;
      const value = { bytes: memory.bytes.slice(valueAt, valueAt + length), checksum };
      const record: Copy['record'] =
        ballot === undefined
          ? { kind: 'decided', slot, value }
          : { kind: 'vote', slot, vote: { ballot, value } };
      this.#push({ owner, record, from }, bytesOf(stored));
    } else if (isOfSlot(stored) && countsAt(owner, slot, from)) {
      // It was there when the log was opened. The next opening says that it is lost.
      throw new CorruptionError(file, offset, `the value of slot ${slot} cannot be read any more`);
    } else if (isOfSlot(stored) || kind === lostVoteKind || kind === lostDecidedKind) {
      if (!owner.isDamaged(slot)) return;
      const isVote = kind === lostVoteKind || ballot !== undefined;
      const record: Copy['record'] = isVote
        ? { kind: 'lost-vote', slot, ballot: ballotAt(memory.view, stored.at) }
        : { kind: 'lost-decided', slot };
      this.#push({ owner, record, from: undefined }, bytesOf({ length: 0 }));
    }
  }

  #push(copy: Copy, bytes: number): void {
    this.#copies.push(copy);
    this.#bytes += bytes;
  }

  /**
   * What counts of a slot is copied behind everything that was appended for it, or not at all:
   * never behind a newer vote, and never from a former life of a store into the next.
   */
  async #append(): Promise<void> {
    const gathered = this.#copies;
    this.#copies = [];
    this.#bytes = 0;
    const copies = gathered.filter((copy) => this.#mayCopy(copy));
    if (copies.length === 0) return;
    copies.sort((a, b) => a.owner.number - b.owner.number || a.record.slot - b.record.slot);
    const group = groupOf(
      copies.map(({ record }) => record),
      copies.map(({ owner }) => owner.number),
      true,
    );
    await new Promise<void>((resolve, reject) => {
      this.#parts.sync.append(group, (error) => (error === undefined ? resolve() : reject(error)));
    });
    requires(
      () => copies.every(({ owner, record, from }) => !from || !countsAt(owner, record.slot, from)),
      'file-11 what was copied forward does not count where it was',
    );
  }

  #mayCopy({ owner, record: { slot }, from }: Copy): boolean {
    if (owner.isPending(slot) || owner.renewing) {
      this.#left = true;
      return false;
    }
    return from === undefined ? owner.isDamaged(slot) : countsAt(owner, slot, from);
  }
}

function countsAt(owner: Owner, slot: Slot, { segment, offset, ballot }: From): boolean {
  const at = owner.index.find(slot);
  if (at?.segment !== segment || at.offset !== offset) return false;
  return ballot === undefined || at.ballot === undefined
    ? ballot === at.ballot
    : sameBallot(ballot, at.ballot);
}
