/** Reads back what is stored, record by record, never the log as a whole. */
import { CorruptionError } from '@rsl/core';
import { type Ballot, compareBallots, type LogRecord } from '@rsl/core/protocol';
import { ballotOf, type LogState } from './log-state.ts';
import type { Memory } from './memory.ts';
import {
  blockBytes,
  decodeRecord,
  eachRecord,
  isOfSlot,
  type StoredGroupHeader,
  type StoredRecord,
} from './record.ts';
import { findHeld } from './recover.ts';
import type { Segment } from './segment.ts';
import { SegmentReader, type VisitGroup } from './segment-reader.ts';

type Visit = (record: LogRecord) => void;

export async function visitRecords(state: LogState, visit: Visit): Promise<void> {
  const known = state.lost.size;
  let promise: Ballot | undefined;
  const noting: Visit = (record) => {
    const ballot = ballotIn(record);
    if (ballot !== undefined && isHigher(ballot, promise)) promise = ballot;
    visit(record);
  };
  for (const [i, segment] of [...state.segments].entries()) {
    // A mark may be written while we read; then we may see it, or not, or a part of it.
    const { end } = segment;
    const reader = await SegmentReader.open(segment);
    try {
      const visitGroup: VisitGroup = (memory, at, header, lost) => {
        // Later segments repeat what the records before them have said already.
        if (i === 0 || !header.carry) visitStored(state, segment, memory, at, header, lost, noting);
      };
      const { firstNumber } = segment.header;
      const good = await reader.groups(blockBytes, firstNumber, visitGroup, end);
      if (good.end < end) throw new CorruptionError(segment.file, good.offset, good.problem);
    } finally {
      await reader.close();
    }
  }
  if (state.lost.size > known) await findHeld(state);
  // A vote raises the promise (P1), also one whose slot is forgotten, or whose value is lost.
  if (state.promise !== undefined && isHigher(state.promise, promise)) {
    visit({ kind: 'promise', ballot: state.promise });
  }
}

function visitStored(
  state: LogState,
  segment: Segment,
  memory: Memory,
  at: number,
  header: StoredGroupHeader,
  lost: ReadonlySet<number>,
  visit: Visit,
): void {
  eachRecord(memory, at, header, (stored) => {
    if (!isStillOurs(state, segment, memory, stored)) return true;
    if (lost.has(stored.at)) {
      // It may have been lost since the log was opened.
      state.lost.lose(stored.slot, ballotOf(stored, memory));
      return true;
    }
    const record = decodeRecord(memory, stored);
    if (record !== undefined && !(record.kind === 'promise' && state.isFormer(segment))) {
      visit(record);
    }
    return true;
  });
}

function isStillOurs(
  state: LogState,
  segment: Segment,
  memory: Memory,
  stored: StoredRecord,
): boolean {
  if (!isOfSlot(stored)) return true;
  if (stored.slot < state.firstSlot) return false;
  return state.counts(segment, stored.slot, ballotOf(stored, memory));
}

function ballotIn(record: LogRecord): Ballot | undefined {
  if (record.kind === 'promise') return record.ballot;
  return record.kind === 'vote' ? record.vote.ballot : undefined;
}

const isHigher = (ballot: Ballot, than: Ballot | undefined): boolean =>
  than === undefined || compareBallots(ballot, than) > 0;
