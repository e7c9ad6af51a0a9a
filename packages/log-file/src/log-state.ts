/** What memory knows of the log: built by recovery, kept up by every write that is durable. */
import {
  type Ballot,
  compareBallots,
  type LogRecord,
  type Slot,
  type StoreId,
} from '@rsl/core/protocol';
import { LostValues } from './lost-values.ts';
import { type Memory } from './memory.ts';
import {
  ballotAt,
  decodeRecord,
  eachRecord,
  isOfSlot,
  type StoredGroupHeader,
  type StoredRecord,
  voteKind,
} from './record.ts';
import type { Segment } from './segment.ts';
import type { StoredAt } from './slot-table.ts';

type Kind<K extends LogRecord['kind']> = Extract<LogRecord, { kind: K }>;

/** Segments whose slots memory knows the places of, besides being read: 24 bytes for each slot. */
export const tablesMax = 4;

export class LogState {
  /** By sequence, without a gap; the last one is written to. */
  readonly segments: Segment[] = [];
  firstSlot: Slot = 1;
  /** Of the next group. */
  number = 1;
  /** Number of the last durable group that stores something (S2a). */
  position = 0;
  /** The store's name. Segments under another one are of a former life (S2). */
  store: StoreId;
  /** Up to here the votes of former lives are decided (P11); those above are nobody's any more. */
  formerThrough: Slot = 0;
  readonly lost = new LostValues();

  #voteMax: Slot = 0;
  #decidedMax: Slot = 0;
  #promise: Ballot | undefined;
  #configuration: Kind<'configuration'> | undefined;
  #bootstrap: Kind<'bootstrap'> | undefined;
  #start: Kind<'start'> | undefined;
  #standings: Kind<'standings'> | undefined;
  #decidedThrough: Kind<'decided-through'> | undefined;
  #lease: Kind<'lease'> | undefined;

  /** Those with a table, the last used last. */
  readonly #tabled: Segment[] = [];

  constructor(store: StoreId) {
    this.store = store;
  }

  /** From now on this one is written to. */
  add(segment: Segment): void {
    const before = this.segments.at(-1);
    if (before !== undefined && before.header.store !== segment.header.store) this.#endLife();
    this.segments.push(segment);
    this.touch(segment);
  }

  /** Keeps the table of this segment and forgets the one that was not used for longest. */
  touch(segment: Segment): void {
    const at = this.#tabled.indexOf(segment);
    if (at >= 0) this.#tabled.splice(at, 1);
    this.#tabled.push(segment);
    if (this.#tabled.length <= tablesMax) return;
    const idle = this.#tabled.findIndex((other) => other !== this.current);
    for (const other of this.#tabled.splice(idle, 1)) other.table = undefined;
  }

  get current(): Segment {
    return this.segments.at(-1) as Segment;
  }

  get lastSlot(): Slot {
    const max = Math.max(this.#voteMax, this.#decidedMax);
    return max >= this.firstSlot ? max : 0;
  }

  get bytesUsed(): number {
    return this.segments.reduce((bytes, segment) => bytes + segment.size, 0);
  }

  /** The highest ballot promised or voted in, in this life. */
  get promise(): Ballot | undefined {
    return this.#promise;
  }

  isFormer(segment: Segment): boolean {
    return segment.header.store !== this.store;
  }

  /** False for what a former life voted for and was not decided as far as that life knew. */
  counts(segment: Segment, slot: Slot, ballot: Ballot | undefined): boolean {
    return ballot === undefined || slot <= this.formerThrough || !this.isFormer(segment);
  }

  /** What is stored from now on is stored under this name, in a segment of its own. */
  beginLife(store: StoreId): void {
    if (this.current.header.store === store) return;
    this.store = store;
    this.#endLife();
  }

  /** Of what was stored so far only what is decided counts (S2). */
  #endLife(): void {
    this.formerThrough = this.#decidedThrough?.slot ?? 0;
    this.#voteMax = Math.min(this.#voteMax, this.formerThrough);
    this.#promise = undefined;
    this.lost.forgetAbove(this.formerThrough);
  }

  /** The oldest segment that holds something besides forgotten slots and what is carried on. */
  keepFrom(): number {
    const kept = this.segments.find((segment) => segment.maxSlot >= this.firstSlot);
    return Math.min(kept?.sequence ?? Number.POSITIVE_INFINITY, this.current.sequence);
  }

  /**
   * What a new segment begins with, so that every older one may go. A vote raises the promise
   * (P1), so a forgotten vote leaves its ballot behind as one.
   */
  carried(): LogRecord[] {
    const records: LogRecord[] = [];
    if (this.#promise !== undefined) records.push({ kind: 'promise', ballot: this.#promise });
    if (this.#configuration !== undefined) records.push(this.#configuration);
    if (this.#bootstrap !== undefined) records.push(this.#bootstrap);
    if (this.#start !== undefined) records.push(this.#start);
    if (this.#standings !== undefined) records.push(this.#standings);
    if (this.#decidedThrough !== undefined) records.push(this.#decidedThrough);
    if (this.#lease !== undefined) records.push(this.#lease);
    return records;
  }

  /** Takes in the group that is at `at` in `memory`; false if it is malformed. */
  takeIn(
    segment: Segment,
    memory: Memory,
    at: number,
    header: StoredGroupHeader,
    lost?: ReadonlySet<number>,
  ): boolean {
    const sound = eachRecord(memory, at, header, (record) => {
      if (isOfSlot(record)) {
        const isLost = lost?.has(record.at) ?? false;
        this.#takeValue(segment, placeOf(record, memory, at, header), isLost);
        return true;
      }
      const decoded = decodeRecord(memory, record);
      if (decoded === undefined) return false;
      this.#takeControl(decoded);
      return true;
    });
    this.number = header.number + 1;
    this.#moveOn(header);
    this.firstSlot = Math.max(this.firstSlot, header.firstSlot);
    segment.end = header.offset + header.length;
    return sound;
  }

  /**
   * A mark stores nothing, and a carry only what was stored before: whoever opens a copy, and
   * writes no more than those, stands where it stood.
   */
  #moveOn({ number, count, carry }: StoredGroupHeader): void {
    if (carry) this.position = Math.max(this.position, number - 1);
    else if (count > 0) this.position = number;
  }

  /** Of a lost value the header is there: its slot is stored, and its ballot was voted in. */
  #takeValue(segment: Segment, value: StoredAt, isLost: boolean): void {
    const { slot, ballot } = value;
    if (isLost) this.lost.lose(slot, ballot);
    else {
      this.lost.hold(slot, ballot);
      segment.table?.add(value);
    }
    if (slot < segment.minSlot) segment.minSlot = slot;
    if (slot > segment.maxSlot) segment.maxSlot = slot;
    if (ballot === undefined) this.#decidedMax = Math.max(this.#decidedMax, slot);
    else {
      this.#voteMax = Math.max(this.#voteMax, slot);
      this.#raisePromise(ballot);
    }
  }

  #takeControl(record: LogRecord): void {
    switch (record.kind) {
      case 'promise':
        this.#raisePromise(record.ballot);
        break;
      case 'configuration':
        this.#configuration = record;
        break;
      case 'bootstrap':
        this.#bootstrap = record;
        break;
      case 'start':
        this.#start = record;
        break;
      case 'standings':
        this.#standings = record;
        break;
      case 'decided-through':
        if (record.slot >= (this.#decidedThrough?.slot ?? 0)) this.#decidedThrough = record;
        break;
      case 'lease':
        if (record.leaseMs >= (this.#lease?.leaseMs ?? 0)) this.#lease = record;
        break;
      default:
    }
  }

  #raisePromise(ballot: Ballot): void {
    if (this.#promise === undefined || compareBallots(ballot, this.#promise) > 0) {
      this.#promise = ballot;
    }
  }
}

/** Undefined for a learned value. */
export const ballotOf = ({ kind, at }: StoredRecord, { view }: Memory): Ballot | undefined =>
  kind === voteKind ? ballotAt(view, at) : undefined;

function placeOf(
  record: StoredRecord,
  memory: Memory,
  at: number,
  header: StoredGroupHeader,
): StoredAt {
  const { slot, valueAt, length, checksum } = record;
  const ballot = ballotOf(record, memory);
  return { slot, ballot, offset: valueAt - at + header.offset, length, checksum };
}

/** Where the values of a group are that can be read. */
export function eachValue(
  memory: Memory,
  at: number,
  header: StoredGroupHeader,
  lost: ReadonlySet<number>,
  visit: (value: StoredAt) => void,
): void {
  eachRecord(memory, at, header, (record) => {
    if (isOfSlot(record) && !lost.has(record.at)) visit(placeOf(record, memory, at, header));
    return true;
  });
}
