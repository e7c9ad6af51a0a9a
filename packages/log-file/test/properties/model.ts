import { crc32 } from 'node:zlib';
import type { Ballot, LogRecord, StoredValue, Value } from '@rsl/core/protocol';
import { expect } from 'vitest';
import { shapesOf } from '../stage.ts';

type OfSlot = Extract<LogRecord, { kind: 'vote' | 'decided' }>;

export const isOfSlot = (record: LogRecord): record is OfSlot =>
  record.kind === 'vote' || record.kind === 'decided';

const shown = (slot: number, ballot: Ballot | undefined, { bytes, checksum }: Value): string =>
  `${slot} ${ballot?.round ?? 'decided'} ${bytes.length} ${checksum} ${crc32(bytes)}`;

export const shownValue = ({ slot, ballot, value }: StoredValue): string =>
  shown(slot, ballot, value);

/** Every append of a log since it was made, and what follows from that list alone. */
export class Model {
  readonly groups: (readonly LogRecord[])[] = [];
  /** So many groups were said to be durable. */
  durable = 0;
  firstSlot = 1;
  /** What was forgotten before each group was given to the log. */
  readonly #firstSlots: number[] = [];

  append(group: readonly LogRecord[]): void {
    this.groups.push(group);
    this.#firstSlots.push(this.firstSlot);
  }

  truncate(before: number): void {
    this.firstSlot = Math.max(this.firstSlot, before);
  }

  /** As if the groups behind the first `kept` had never been: a crash has lost them. */
  forget(kept: number, firstSlot: number): void {
    this.groups.length = kept;
    this.#firstSlots.length = kept;
    this.durable = kept;
    this.firstSlot = firstSlot;
  }

  /** Begins as that one is. */
  take(of: Model): void {
    this.groups.push(...of.groups);
    this.#firstSlots.push(...of.#firstSlots);
    this.durable = of.durable;
    this.firstSlot = of.firstSlot;
  }

  get promisedRound(): number {
    return roundOf(this.groups.flat());
  }

  /** The newest vote, or the newest decided value if there is one (P11). */
  value(slot: number): string | undefined {
    const all = this.groups.flat().filter((r): r is OfSlot => isOfSlot(r) && r.slot === slot);
    const record = all.findLast((r) => r.kind === 'decided') ?? all.at(-1);
    if (record === undefined || slot < this.firstSlot) return undefined;
    return record.kind === 'decided'
      ? shown(slot, undefined, record.value)
      : shown(slot, record.vote.ballot, record.vote.value);
  }

  /** From `from` up to `to`, or before the first that is not there. */
  values(from: number, to: number): readonly string[] {
    const values: string[] = [];
    for (let slot = from; slot <= to; slot += 1) {
      const value = this.value(slot);
      if (value === undefined) break;
      values.push(value);
    }
    return values;
  }

  /** How many groups a log has that gives back these records. */
  static keptOf(records: readonly LogRecord[]): number {
    return Math.max(0, ...records.map((r) => (r.kind === 'start' ? r.count : 0)));
  }

  /** `firstSlot` was asked for, and what was forgotten before a durable group stays forgotten. */
  expectFirstSlot(firstSlot: number, durable: number): void {
    expect(firstSlot).toBeLessThanOrEqual(this.firstSlot);
    expect(firstSlot).toBeGreaterThanOrEqual(this.#firstSlots[durable - 1] ?? 1);
  }

  /** These are the records of the first `kept` groups, from firstSlot on, and nothing else. */
  expectRecovered(records: readonly LogRecord[], firstSlot: number, kept: number): void {
    const given = this.groups.slice(0, kept).flat();
    expect(roundOf(records), 'the promise').toBe(roundOf(given));
    this.expectRest(records, firstSlot, given);
  }

  /** The same but for the promise, which a vote that cannot be read raises as well. */
  expectRest(records: readonly LogRecord[], firstSlot: number, given: readonly LogRecord[]): void {
    const ofSlots = (all: readonly LogRecord[]) =>
      shapesOf(all.filter((r) => isOfSlot(r) && r.slot >= firstSlot));
    expect(ofSlots(records)).toEqual(ofSlots(given));
    expect(records.filter((r) => isOfSlot(r) && r.slot < firstSlot)).toEqual([]);
    for (const kind of ['start', 'configuration', 'bootstrap'] as const) {
      const newest = (all: readonly LogRecord[]) => all.findLast((r) => r.kind === kind);
      expect(newest(records), `the newest ${kind}`).toEqual(newest(given));
    }
    expect(throughOf(records), 'decided-through').toBe(throughOf(given));
    // Nothing that was never appended. A promise may say the ballot of a vote that is gone.
    const known = new Set(given.map((r) => JSON.stringify(r)));
    for (const record of records) {
      if (isOfSlot(record) || record.kind === 'promise') continue;
      expect(known).toContain(JSON.stringify(record));
    }
  }
}

/** A vote raises the promise: the highest round of either. */
export const roundOf = (records: readonly LogRecord[]): number =>
  Math.max(
    0,
    ...records.map((r) =>
      r.kind === 'promise' ? r.ballot.round : r.kind === 'vote' ? r.vote.ballot.round : 0,
    ),
  );

const throughOf = (records: readonly LogRecord[]): number =>
  Math.max(0, ...records.map((r) => (r.kind === 'decided-through' ? r.slot : 0)));
