import fs from 'node:fs';
import type { LogRecord, LogStore, StoredValue } from '@rsl/core/protocol';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { CrashFiles, type Survives } from '../crash-files.ts';
import { patienceMs, runs } from '../properties/runs.ts';
import {
  append,
  decided,
  KiB,
  range,
  seededRandom,
  shapeOf,
  smallOptions,
  temporaryDirectory,
  vote,
} from '../stage.ts';
import { openGroup, recoverGroup, sharedOf } from './stage.ts';

const groups = ['a', 'b', 'c'] as const;
type Group = (typeof groups)[number];
const slotMax = 20;

type Action =
  | {
      readonly kind: 'append';
      readonly group: Group;
      readonly values: readonly (readonly [slot: number, round: number, length: number])[];
      readonly decidedThrough: number;
    }
  | { readonly kind: 'truncate' | 'renew' | 'reopen'; readonly group: Group; readonly by: number }
  /** Another group fills segments, so that those of the others leave. */
  | { readonly kind: 'fill'; readonly slots: number }
  | { readonly kind: 'restart' };

const group = fc.constantFrom(...groups);
const values = fc.array(
  fc.tuple(
    fc.integer({ min: 1, max: slotMax }),
    fc.nat({ max: 4 }),
    fc.oneof(fc.nat({ max: 200 }), fc.nat({ max: 12_000 })),
  ),
  { maxLength: 4 },
);
const action: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('append' as const),
      group,
      values,
      decidedThrough: fc.nat({ max: slotMax }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constantFrom('truncate' as const, 'renew' as const, 'reopen' as const),
      group,
      by: fc.integer({ min: 1, max: 3 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('fill' as const),
      slots: fc.integer({ min: 8, max: 40 }),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ kind: 'restart' as const }) },
);

interface Value {
  readonly isDecided: boolean;
  readonly shape: string;
}

/** What a group has stored after each of its appends. */
class Told {
  readonly store: string;
  readonly count: number;
  readonly decidedThrough: number;
  readonly values: ReadonlyMap<number, Value>;

  constructor(
    store: string,
    count = 0,
    decidedThrough = 0,
    all: ReadonlyMap<number, Value> = new Map(),
  ) {
    this.store = store;
    this.count = count;
    this.decidedThrough = decidedThrough;
    this.values = all;
  }

  after(records: readonly LogRecord[]): Told {
    const all = new Map(this.values);
    let { count, decidedThrough } = this;
    for (const record of records) {
      if (record.kind === 'start') count = record.count;
      if (record.kind === 'decided-through') decidedThrough = Math.max(decidedThrough, record.slot);
      if (record.kind !== 'vote' && record.kind !== 'decided') continue;
      const isDecided = record.kind === 'decided';
      if (isDecided || all.get(record.slot)?.isDecided !== true) {
        all.set(record.slot, { isDecided, shape: shapeOf(record) });
      }
    }
    return new Told(this.store, count, decidedThrough, all);
  }

  /** Another life: of the votes only what is decided stays (S2). */
  renewed(store: string): Told {
    const kept = [...this.values].filter(
      ([slot, { isDecided }]) => isDecided || slot <= this.decidedThrough,
    );
    return new Told(store, this.count, this.decidedThrough, new Map(kept));
  }
}

const shapeOfStored = ({ slot, ballot, value }: StoredValue): string =>
  shapeOf(
    ballot === undefined
      ? { kind: 'decided', slot, value }
      : { kind: 'vote', slot, vote: { ballot, value } },
  );

/** One group, and everything that it may be found as after a crash. */
class Player {
  readonly told: Told[];
  log: LogStore;
  before = 1;
  /** How many of `told` were told to be durable. */
  durable = 0;

  constructor(log: LogStore) {
    this.log = log;
    this.told = [new Told(log.info().store)];
  }

  get last(): Told {
    return this.told.at(-1) as Told;
  }

  async append({ values: given, decidedThrough }: Extract<Action, { kind: 'append' }>) {
    const records: LogRecord[] = [{ kind: 'start', count: this.last.count + 1, nonce: 1 }];
    for (const [slot, round, length] of given) {
      records.push(round === 0 ? decided(slot, length) : vote(slot, round, length));
    }
    if (decidedThrough > 0) records.push({ kind: 'decided-through', slot: decidedThrough });
    this.told.push(this.last.after(records));
    await append(this.log, records);
    this.durable = this.told.length - 1;
  }

  async renew(): Promise<void> {
    const store = await this.log.renew();
    this.told.push(this.last.renewed(store));
    this.durable = this.told.length - 1;
  }
}

interface Life {
  readonly files: CrashFiles;
  readonly players: ReadonlyMap<Group, Player>;
  /** Of each note: how much of each group was durable. */
  readonly notes: readonly ReadonlyMap<Group, number>[];
}

async function live(actions: readonly Action[]): Promise<Life> {
  const directory = temporaryDirectory();
  const files = new CrashFiles(directory);
  let shared = sharedOf(directory, smallOptions, files);
  const players = new Map<Group, Player>();
  for (const name of groups) players.set(name, new Player((await recoverGroup(shared, name)).log));
  let filler = await openGroup(shared, 'filler');
  const notes: ReadonlyMap<Group, number>[] = [];
  const note = () =>
    files.note(notes.push(new Map([...players].map(([name, { durable }]) => [name, durable]))) - 1);
  note();
  const reopen = async (name: Group, player: Player) => {
    const { log, records } = await recoverGroup(shared, name);
    player.log = log;
    await expectTold(log, records, player, player.told.length - 1);
  };
  for (const each of actions) {
    if (each.kind === 'fill') {
      for (const _ of range(1, each.slots)) {
        const slot = filler.info().lastSlot + 1;
        await append(filler, [vote(slot, 1, 9 * KiB)]);
        filler.truncate(slot);
      }
    } else if (each.kind === 'restart') {
      for (const { log } of players.values()) await log.close();
      await filler.close();
      shared = sharedOf(directory, smallOptions, files);
      for (const [name, player] of players) await reopen(name, player);
      filler = await openGroup(shared, 'filler');
    } else {
      const player = players.get(each.group) as Player;
      if (each.kind === 'append') await player.append(each);
      else if (each.kind === 'renew') await player.renew();
      else if (each.kind === 'reopen') {
        await player.log.close();
        await reopen(each.group, player);
      } else {
        player.before += each.by;
        player.log.truncate(player.before);
      }
    }
    note();
  }
  for (const { log } of players.values()) await log.close();
  await filler.close();
  fs.rmSync(directory, { recursive: true });
  return { files, players, notes };
}

/** It is what the group had stored after one of its appends, and not before `durable` of them. */
async function expectTold(
  log: LogStore,
  records: readonly LogRecord[],
  { told, before }: Player,
  durable: number,
): Promise<void> {
  const { store, firstSlot, damaged } = log.info();
  const counts = records.map((record) => (record.kind === 'start' ? record.count : 0));
  const count = Math.max(0, ...counts);
  const at = told.findLastIndex((each) => each.store === store && each.count === count);
  expect(at, 'what was durable').toBeGreaterThanOrEqual(durable);
  expect(firstSlot).toBeLessThanOrEqual(before);
  expect(damaged.size).toBe(0);
  const { values: wanted, decidedThrough } = told[at] as Told;
  for (let slot = firstSlot; slot <= slotMax; slot++) {
    const shapes = (await log.read(slot, slot, 1e9)).map(shapeOfStored);
    const { shape } = wanted.get(slot) ?? {};
    expect(shapes, `slot ${slot}`).toEqual(shape === undefined ? [] : [shape]);
    // What is visited last of a slot is what counts of it, or a vote behind a decided value.
    const visited = records.filter((r) => 'slot' in r && r.slot === slot && 'kind' in r);
    const ofSlot = visited.filter((r) => r.kind === 'vote' || r.kind === 'decided');
    const newest = ofSlot.findLast((r) => r.kind === 'decided') ?? ofSlot.at(-1);
    expect(newest && shapeOf(newest), `visited of slot ${slot}`).toBe(shape);
  }
  const through = records.map((r) => (r.kind === 'decided-through' ? r.slot : 0));
  expect(Math.max(0, ...through)).toBe(decidedThrough);
}

async function expectImage({ files, players, notes }: Life, at: number, some: Survives) {
  const directory = temporaryDirectory();
  const noted = files.image(directory, at, some, some) ?? 0;
  for (const _ of range(1, 2)) {
    // Those that were not made yet are made now, and find nothing.
    const shared = sharedOf(directory, smallOptions);
    const logs: LogStore[] = [];
    for (const [name, player] of players) {
      const { log, records } = await recoverGroup(shared, name);
      logs.push(log);
      if (log.info().created) expect(records).toEqual([]);
      else if (noted > 0 || player.told.some(({ store }) => store === log.info().store)) {
        await expectTold(log, records, player, notes[noted]?.get(name) ?? 0);
      }
    }
    for (const log of logs) await log.close();
  }
  fs.rmSync(directory, { recursive: true });
}

test(
  'whatever a crash leaves of groups that append, truncate, renew and pass each other by',
  async () => {
    const seeds = fc.nat({ max: 2 ** 31 });
    await fc.assert(
      fc.asyncProperty(
        fc.array(action, { minLength: 5, maxLength: 30, size: 'max' }),
        seeds,
        async (actions, seed) => {
          const life = await live(actions);

          const random = seededRandom(seed);
          const some: Survives = () => random.below(2) === 0;
          for (let i = 0; i < 12; i++) {
            await expectImage(life, random.below(life.files.steps.length), some);
          }
        },
      ),
      { ...runs(403, 10), endOnFailure: true },
    );
  },
  patienceMs,
);
