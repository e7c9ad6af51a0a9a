import { crc32 } from 'node:zlib';
import type { LogRecord, LogStore, Value } from '@rsl/core/protocol';
import fc, { type Arbitrary } from 'fast-check';
import { expect } from 'vitest';
import type { Files } from '../../src/files.ts';
import { contextOf, openAndRecover, seededRandom, smallOptions } from '../stage.ts';
import { Model, shownValue } from './model.ts';

type RecordSpec =
  | {
      readonly kind: 'vote';
      readonly ahead: number;
      readonly round: number;
      readonly length: number;
    }
  | { readonly kind: 'decided'; readonly ahead: number }
  | { readonly kind: 'promise' }
  | { readonly kind: 'configuration' }
  | { readonly kind: 'bootstrap' }
  | { readonly kind: 'decided-through' };

/** What is asked of a log, one thing after the other. */
export type Action =
  /** Not waited for: several may be under way. */
  | { readonly kind: 'append'; readonly records: readonly RecordSpec[] }
  | { readonly kind: 'settle' | 'reopen' }
  | { readonly kind: 'truncate'; readonly by: number }
  | { readonly kind: 'read'; readonly ahead: number; readonly slots: number };

type Weighted = { readonly weight: number; readonly arbitrary: Arbitrary<RecordSpec> };

const one = <K extends string>(kind: K) => fc.constant(kind);
const ahead = fc.integer({ min: -1, max: 8 });
const length = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 0, max: 700 }) },
  { weight: 3, arbitrary: fc.integer({ min: 3_000, max: 5_000 }) },
  { weight: 1, arbitrary: fc.integer({ min: 15_000, max: 25_000 }) },
);
const round = fc.integer({ min: 1, max: 4 });
const record = fc.oneof<Weighted[]>(
  { weight: 6, arbitrary: fc.record({ kind: one('vote'), ahead, round, length }) },
  { weight: 2, arbitrary: fc.record({ kind: one('decided'), ahead }) },
  { weight: 1, arbitrary: fc.record({ kind: one('promise') }) },
  { weight: 1, arbitrary: fc.record({ kind: one('decided-through') }) },
  { weight: 1, arbitrary: fc.record({ kind: one('configuration') }) },
  { weight: 1, arbitrary: fc.record({ kind: one('bootstrap') }) },
);
const records = fc.array(record, { maxLength: 4 });

export const history = (actions: number): Arbitrary<Action[]> =>
  fc.array(
    fc.oneof(
      { weight: 10, arbitrary: fc.record({ kind: one('append'), records }) },
      { weight: 5, arbitrary: fc.record({ kind: one('settle') }) },
      { weight: 3, arbitrary: fc.record({ kind: one('truncate'), by: fc.nat({ max: 6 }) }) },
      { weight: 2, arbitrary: fc.record({ kind: one('read'), ahead, slots: fc.nat({ max: 8 }) }) },
      { weight: 1, arbitrary: fc.record({ kind: one('reopen') }) },
    ),
    { maxLength: actions, size: 'max' },
  );

/** A log, what it was given, and what it has said to be durable. */
export class Player {
  readonly model = new Model();
  readonly directory: string;
  readonly #files: Files & { note(durable: number): void };
  #log: LogStore | undefined;
  #waiting: Promise<void>[] = [];
  readonly #rounds = new Map<number, number>();
  #promised = 0;

  constructor(directory: string, files: Files & { note(durable: number): void }, model?: Model) {
    this.directory = directory;
    this.#files = files;
    if (model !== undefined) this.model = model;
  }

  async open(): Promise<void> {
    // The store's name and salts are the same each time, so that a failure is the same again.
    const context = contextOf({ random: seededRandom(7) });
    const opened = await openAndRecover(this.directory, smallOptions, this.#files, context);
    this.#log = opened.log;
    const { firstSlot } = this.#log.info();
    this.model.expectRecovered(opened.records, firstSlot, this.model.groups.length);
  }

  get log(): LogStore {
    if (this.#log === undefined) throw new Error('the log is not open');
    return this.#log;
  }

  async run(action: Action): Promise<void> {
    if (action.kind === 'append') this.append(action.records);
    if (action.kind === 'settle') await this.settle();
    if (action.kind === 'reopen') {
      await this.close();
      await this.open();
    }
    if (action.kind === 'truncate') {
      this.model.truncate(this.model.firstSlot + action.by);
      this.log.truncate(this.model.firstSlot);
      expect(this.log.info().firstSlot).toBe(this.model.firstSlot);
    }
    if (action.kind === 'read') {
      await this.settle();
      const from = Math.max(this.model.firstSlot, this.model.firstSlot + action.ahead);
      const read = await this.log.read(from, from + action.slots, 1e9);
      expect(read.map(shownValue)).toEqual(this.model.values(from, from + action.slots));
    }
  }

  append(specs: readonly RecordSpec[]): void {
    const number = this.model.groups.length + 1;
    const group = [
      { kind: 'start', count: number, nonce: number } as const,
      ...specs.map((spec, i) => this.#record(spec, number * 8 + i)),
    ];
    this.model.append(group);
    let returned = false;
    const done = new Promise<void>((resolve, reject) => {
      this.log.append(group, (error) => {
        if (error !== undefined) return reject(error);
        expect(returned, 'done runs after append has returned').toBe(true);
        expect(this.model.durable, 'done runs in call order').toBe(number - 1);
        this.model.durable = number;
        this.#files.note(number);
        resolve();
      });
    });
    returned = true;
    this.#waiting.push(done);
  }

  async settle(): Promise<void> {
    await Promise.all(this.#waiting.splice(0));
  }

  async close(): Promise<void> {
    const closing = this.log.close();
    await this.settle();
    await closing;
  }

  #record(spec: RecordSpec, salt: number): LogRecord {
    const { model } = this;
    if (spec.kind === 'promise') {
      this.#promised = Math.max(this.#promised, model.promisedRound) + 1;
      return { kind: 'promise', ballot: { configuration: 1, round: this.#promised, proposer: 1 } };
    }
    if (spec.kind === 'decided-through') return { kind: spec.kind, slot: model.firstSlot + 1 };
    if (spec.kind === 'configuration' || spec.kind === 'bootstrap') {
      const members = [{ id: 1, store: '1'.repeat(16), role: 'voter', addresses: {} } as const];
      const group = 'a'.repeat(16);
      return {
        kind: spec.kind,
        membership: { group, number: salt, firstSlot: 1, members, previous: [] },
      };
    }
    const slot = Math.max(1, model.firstSlot + spec.ahead);
    // A slot has one decided value.
    if (spec.kind === 'decided') {
      return { kind: 'decided', slot, value: valueOf((slot * 977) % 5_000, slot) };
    }
    const value = valueOf(spec.length, salt);
    // Nobody votes in a lower ballot, or for a second value in one (P1, P3).
    const round = Math.max(spec.round, (this.#rounds.get(slot) ?? 0) + 1);
    this.#rounds.set(slot, round);
    const ballot = { configuration: 1, round, proposer: 2 };
    return { kind: 'vote', slot, vote: { ballot, value } };
  }
}

function valueOf(length: number, salt: number): Value {
  const random = seededRandom(salt);
  const bytes = Uint8Array.from({ length }, () => random.below(256));
  return { bytes, checksum: crc32(bytes) };
}
