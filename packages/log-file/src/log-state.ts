/** What memory knows of the log: built by recovery, kept up by every write that is durable. */
import type { Ballot, Slot, StoreId } from '@rsl/core/protocol';
import { Catalog } from './catalog.ts';
import { Kept } from './kept.ts';
import { LostValues } from './lost-values.ts';
import { type Memory } from './memory.ts';
import {
  ballotAt,
  decodeRecord,
  eachRecord,
  type EncodedGroup,
  groupOf,
  isOfSlot,
  type StoredGroupHeader,
  type StoredRecord,
  voteKind,
} from './record.ts';
import type { Segment } from './segment.ts';
import type { StoredAt } from './slot-table.ts';

/** Segments whose slots memory knows the places of, besides being read: 24 bytes for each slot. */
export const tablesMax = 4;

/** Of a log of one replica group. */
export class LogState extends Catalog {
  firstSlot: Slot = 1;
  /** Number of the last durable group that stores something (S2a). */
  position = 0;
  /** Up to here the votes of former lives are decided (P11); those above are nobody's any more. */
  formerThrough: Slot = 0;
  readonly lost = new LostValues();

  #voteMax: Slot = 0;
  #decidedMax: Slot = 0;
  readonly #kept = new Kept();

  /** Those with a table, the last used last. */
  readonly #tabled: Segment[] = [];

  /** Segments under another name of the store are of a former life (S2). */
  override add(segment: Segment): void {
    const before = this.segments.at(-1);
    if (before !== undefined && before.header.store !== segment.header.store) this.#endLife();
    super.add(segment);
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

  get lastSlot(): Slot {
    const max = Math.max(this.#voteMax, this.#decidedMax);
    return max >= this.firstSlot ? max : 0;
  }

  /** The highest ballot promised or voted in, in this life. */
  get promise(): Ballot | undefined {
    return this.#kept.promise;
  }

  /** False for what a former life voted for and was not decided as far as that life knew. */
  counts(segment: Segment, slot: Slot, ballot: Ballot | undefined): boolean {
    return ballot === undefined || slot <= this.formerThrough || !this.isFormer(segment);
  }

  /** What is stored from now on is stored under this name, in a segment of its own. */
  override beginLife(store: StoreId): void {
    if (this.current.header.store === store) return;
    this.store = store;
    this.#endLife();
  }

  /** Of what was stored so far only what is decided counts (S2). */
  #endLife(): void {
    this.formerThrough = this.#kept.decidedThrough;
    this.#voteMax = Math.min(this.#voteMax, this.formerThrough);
    this.#kept.forgetPromise();
    this.lost.forgetAbove(this.formerThrough);
  }

  /** The oldest segment that holds something besides forgotten slots and what is carried on. */
  keepFrom(): number {
    const kept = this.segments.find((segment) => segment.maxSlot >= this.firstSlot);
    return Math.min(kept?.sequence ?? Number.POSITIVE_INFINITY, this.current.sequence);
  }

  carried(): EncodedGroup {
    return groupOf(this.#kept.records());
  }

  /** Each group's header says the firstSlot. */
  news(): undefined {
    return undefined;
  }

  isUnsaid(firstSlot: Slot): boolean {
    return firstSlot < this.firstSlot;
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
      if (record.owner !== 0) return false;
      if (isOfSlot(record)) {
        const isLost = lost?.has(record.at) ?? false;
        this.#takeValue(segment, placeOf(record, memory, at, header), isLost);
        return true;
      }
      const decoded = decodeRecord(memory, record);
      if (decoded === undefined) return false;
      this.#kept.take(decoded);
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
      this.#kept.raisePromise(ballot);
    }
  }
}

/** Undefined for a learned value. */
export const ballotOf = ({ kind, at }: StoredRecord, { view }: Memory): Ballot | undefined =>
  kind === voteKind ? ballotAt(view, at) : undefined;

export function placeOf(
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
