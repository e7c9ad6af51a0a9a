import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type RslError, StorageError } from '../../src/errors.ts';
import { GroupCommit } from '../../src/host/group-commit.ts';
import type { Send } from '../../src/paxos/effect.ts';
import type { LogRecord } from '../../src/paxos/log-record.ts';
import type { DurableMessage } from '../../src/paxos/messages.ts';
import type { LogStore } from '../../src/ports/log-store.ts';
import { ballot, batch, phase1a, phase2b } from '../paxos/fixture.ts';
import { patienceMs, runs } from './runs.ts';

type Action =
  | {
      readonly kind: 'add';
      readonly records: number;
      readonly then: number;
      readonly is2b: boolean;
    }
  | { readonly kind: 'flush' | 'complete' | 'wait' | 'fail' };

const one = <K extends string>(kind: K) => fc.constant(kind);
const actions = fc.array(
  fc.oneof<{ weight: number; arbitrary: fc.Arbitrary<Action> }[]>(
    {
      weight: 8,
      arbitrary: fc.record({
        kind: one('add'),
        records: fc.nat({ max: 2 }),
        then: fc.nat({ max: 2 }),
        is2b: fc.boolean(),
      }),
    },
    { weight: 5, arbitrary: fc.record({ kind: one('flush') }) },
    { weight: 5, arbitrary: fc.record({ kind: one('complete') }) },
    { weight: 2, arbitrary: fc.record({ kind: one('wait') }) },
    { weight: 1, arbitrary: fc.record({ kind: one('fail') }) },
  ),
  { maxLength: 60, size: 'max' },
);

const unused = (): never => {
  throw new Error('not used here');
};

/** Everything that was added, and what of it the log has said to be durable. */
class Stage {
  readonly #appends: { records: readonly LogRecord[]; done: (error?: RslError) => void }[] = [];
  readonly #appended: LogRecord[] = [];
  readonly #added: LogRecord[] = [];
  /** So many records are durable. */
  #durable = 0;
  #number = 0;
  #hasFailed = false;
  readonly failures: RslError[] = [];
  /** What may leave, in order, with the count of records that must be durable first. */
  readonly #held: { readonly number: number; readonly after: number; readonly is2b: boolean }[] =
    [];
  readonly revealed: number[] = [];
  readonly #waiters: { readonly after: number; done: boolean }[] = [];
  readonly #commit: GroupCommit;

  constructor() {
    const log: LogStore = {
      append: (records, done) => void this.#appends.push({ records, done }),
      recover: unused,
      read: unused,
      renew: unused,
      truncate: unused,
      info: unused,
      close: unused,
    };
    const reveal = ({ to, message }: Send<DurableMessage>): void => {
      this.#onRevealed(message.kind === '2b' ? message.through : to);
    };
    this.#commit = new GroupCommit(log, reveal, (error) => void this.failures.push(error));
  }

  run(action: Action): void {
    if (action.kind === 'add') this.#add(action);
    if (action.kind === 'flush') this.#flush();
    if (action.kind === 'complete') this.#complete();
    if (action.kind === 'wait') {
      const waiter = { after: this.#added.length, done: false };
      this.#waiters.push(waiter);
      this.#commit.whenDurable(() => {
        expect(this.#durable, 'durable').toBeGreaterThanOrEqual(waiter.after);
        expect(waiter.done, 'once').toBe(false);
        waiter.done = true;
      });
    }
    if (action.kind === 'fail') this.#fail();
  }

  /** Everything becomes durable, unless the log has failed. */
  end(): void {
    this.#flush();
    while (this.#appends.length > 0) this.#complete();
    if (this.#hasFailed) return;
    expect(this.#appended).toEqual(this.#added);
    expect(this.#commit.pendingBytes).toBe(0);
    expect(this.#waiters.every((w) => w.done)).toBe(true);
    // A later watermark stands for an earlier one; nothing else may be left out.
    const others = this.#held.filter((h) => !h.is2b).map((h) => h.number);
    expect(this.revealed.filter((n) => others.includes(n))).toEqual(others);
    const watermarks = this.#held.filter((h) => h.is2b).map((h) => h.number);
    if (watermarks.length > 0) expect(this.revealed).toContain(watermarks.at(-1));
  }

  /** Each send carries its number as its receiver, so that it is known again. */
  #add({ records, then, is2b }: Extract<Action, { kind: 'add' }>): void {
    const added = Array.from({ length: records }, (): LogRecord => {
      const slot = this.#added.length + 1;
      const vote = { ballot: ballot(1, 1), value: batch(`v${slot}`) };
      const record = { kind: 'vote', slot, vote } as const;
      this.#added.push(record);
      return record;
    });
    const sends = Array.from({ length: then }, () => {
      this.#number += 1;
      this.#held.push({ number: this.#number, after: this.#added.length, is2b });
      // All watermarks are for one leader: the same receiver, a higher slot.
      const message = is2b ? phase2b(ballot(1, 1), this.#number) : phase1a(ballot(1, 1));
      return { to: is2b ? 0 : this.#number, message } as const;
    });
    this.#commit.add(added, sends as Parameters<GroupCommit['add']>[1]);
  }

  #flush(): void {
    const before = this.#appends.length;
    this.#commit.flush();
    expect(this.#appends.length - before, 'one append for a turn').toBeLessThanOrEqual(1);
    for (const { records } of this.#appends.slice(before)) this.#appended.push(...records);
  }

  #complete(): void {
    const append = this.#appends.shift();
    if (append === undefined) return;
    if (!this.#hasFailed) this.#durable += append.records.length;
    append.done(this.#hasFailed ? failure : undefined);
  }

  #fail(): void {
    this.#hasFailed = true;
  }

  #onRevealed(number: number): void {
    expect(this.#hasFailed, 'nothing leaves after a failure').toBe(false);
    const held = this.#held.find((h) => h.number === number);
    expect(held?.after ?? Infinity, `send ${number}`).toBeLessThanOrEqual(this.#durable);
    // A watermark may leave in the place of an earlier one of its turn.
    const alike = this.revealed.filter((n) => this.#held[n - 1]?.is2b === held?.is2b);
    expect(alike.at(-1) ?? 0, 'in order').toBeLessThan(number);
    this.revealed.push(number);
  }
}

const failure = new StorageError('RSL_STORAGE_FAILED', 'the medium is gone');

test(
  'what a write reveals leaves in order, and only when that write and all before it are durable',
  () => {
    fc.assert(
      fc.property(actions, (all) => {
        const stage = new Stage();
        for (const action of all) stage.run(action);
        stage.end();
      }),
      runs(721, 1_000),
    );
  },
  patienceMs,
);
