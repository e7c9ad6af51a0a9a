/** Reads back what one replica group has stored: its own appends, and nothing of the others. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { CorruptionError } from '@rsl/core';
import { type Ballot, compareBallots, type LogRecord } from '@rsl/core/protocol';
import { ballotOf } from '../log-state.ts';
import { type Found, piecesOf, readPiece } from '../read.ts';
import { decodeRecord, eachRecord, isOfSlot, leaseKind } from '../record.ts';
import type { Segment } from '../segment.ts';
import { AppendReader, type FoundGroup } from './append-reader.ts';
import type { Owner } from './owner.ts';
import type { Place } from './places.ts';
import type { SharedState } from './shared-state.ts';
import type { Indexed } from './slot-index.ts';

type Visit = (record: LogRecord) => void;

/** Until the event loop turns. */
const readsAtOnceMax = 16;

/** Segments that are read neither leave nor are used again. */
export async function reading<T>(segments: readonly Segment[], work: () => Promise<T>): Promise<T> {
  for (const segment of segments) segment.readers += 1;
  try {
    return await work();
  } finally {
    for (const segment of segments) segment.readers -= 1;
  }
}

export async function visitOwner(state: SharedState, owner: Owner, visit: Visit): Promise<void> {
  let promise: Ballot | undefined;
  const noting: Visit = (record) => {
    const ballot = ballotIn(record);
    if (ballot !== undefined && isHigher(ballot, promise)) promise = ballot;
    visit(record);
  };
  const segments = [...state.segments];
  const oldest = (segments[0] as Segment).sequence;
  owner.places.forget(oldest);
  const places = owner.places.all();
  const copies = [...owner.index.values()].filter(
    ({ copied, slot }) => copied && slot >= owner.forgottenBefore,
  );
  await reading(segments, async () => {
    // What stood in segments that have left is older than whatever else there is.
    if (owner.isCut(oldest)) for (const record of owner.kept.records()) noting(record);
    await visitCopies(state, copies, noting);
    await visitAppends(segments, owner, places, noting);
  });
  // A vote raises the promise (P1), also one whose slot is forgotten, or whose value is lost.
  const { promise: kept } = owner.kept;
  if (kept !== undefined && isHigher(kept, promise)) visit({ kind: 'promise', ballot: kept });
}

async function visitCopies(
  state: SharedState,
  copies: readonly Indexed[],
  visit: Visit,
): Promise<void> {
  const found = copies.map((at): Found => ({ segment: state.segmentAt(at.segment), at }));
  for (const piece of piecesOf(found)) {
    for (const { slot, ballot, value } of await readPiece(piece)) {
      if (ballot === undefined) visit({ kind: 'decided', slot, value });
      else visit({ kind: 'vote', slot, vote: { ballot, value } });
    }
  }
}

/** Others go on while one group starts: it does not hold them up for more than a few reads. */
async function visitAppends(
  segments: readonly Segment[],
  owner: Owner,
  places: readonly Place[],
  visit: Visit,
): Promise<void> {
  const oldest = (segments[0] as Segment).sequence;
  let reader: AppendReader | undefined;
  try {
    for (const { segment: sequence, offset } of places) {
      if (reader?.segment.sequence !== sequence) {
        reader?.close();
        reader = new AppendReader(segments[sequence - oldest] as Segment);
      }
      visitGroup(reader.segment, owner, offset, reader.groupAt(offset), visit);
      if (reader.reads >= readsAtOnceMax) {
        reader.reads = 0;
        await nextTurn();
      }
    }
  } finally {
    reader?.close();
  }
}

function visitGroup(
  { sequence, file }: Segment,
  owner: Owner,
  offset: number,
  { memory, at, header, lost }: FoundGroup,
  visit: Visit,
): void {
  const isFormer = owner.isFormer({ segment: sequence, offset });
  eachRecord(memory, at, header, (stored) => {
    if (stored.owner !== owner.number || stored.kind > leaseKind) return true;
    if (isOfSlot(stored)) {
      const { slot } = stored;
      const ballot = ballotOf(stored, memory);
      if (slot < owner.forgottenBefore) return true;
      if (isFormer && ballot !== undefined && slot > owner.formerThrough) return true;
      if (lost.has(stored.at)) {
        // It may have been lost since the log was opened.
        const valueAt = header.offset + stored.valueAt - at;
        owner.loseNow(slot, ballot, { segment: sequence, offset: valueAt });
        return true;
      }
    }
    const record = decodeRecord(memory, stored);
    if (record === undefined) throw new CorruptionError(file, offset, 'a record cannot be read');
    if (!(isFormer && record.kind === 'promise')) visit(record);
    return true;
  });
}

function ballotIn(record: LogRecord): Ballot | undefined {
  if (record.kind === 'promise') return record.ballot;
  return record.kind === 'vote' ? record.vote.ballot : undefined;
}

const isHigher = (ballot: Ballot, than: Ballot | undefined): boolean =>
  than === undefined || compareBallots(ballot, than) > 0;
