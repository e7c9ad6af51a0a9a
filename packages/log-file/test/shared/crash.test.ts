import fs from 'node:fs';
import type { LogRecord, LogStore } from '@rsl/core/protocol';
import { describe, expect, test } from 'vitest';
import { CrashFiles, type Survives } from '../crash-files.ts';
import {
  append,
  range,
  seededRandom,
  shapeOf,
  shapesOf,
  smallOptions,
  temporaryDirectory,
  vote,
} from '../stage.ts';
import { recoverGroup, sharedOf } from './stage.ts';

const allLost: Survives = () => false;
const allThere: Survives = () => true;
const firstLost: Survives = (sector) => sector > 0;
const lastLost: Survives = (sector, sectors) => sector < sectors - 1;

/** `idle` votes three times and never again. */
const groups = ['idle', 'slow', 'busy'] as const;
type Group = (typeof groups)[number];
const idleSlots = 3;

const appendOf = (n: number, length: number): LogRecord[] => [
  { kind: 'start', count: n, nonce: n },
  vote(n, 1, length),
];

const newestStart = (records: readonly LogRecord[]): number =>
  Math.max(0, ...records.map((record) => (record.kind === 'start' ? record.count : 0)));

/** What counts of each slot, by slot. */
function votesOf(records: readonly LogRecord[]): LogRecord[] {
  const votes = new Map<number, LogRecord>();
  for (const record of records) if (record.kind === 'vote') votes.set(record.slot, record);
  return [...votes.values()].toSorted((a, b) => slotOf(a) - slotOf(b));
}

const slotOf = (record: LogRecord): number => ('slot' in record ? record.slot : 0);

type Count = Record<Group, number>;

interface Life {
  readonly directory: string;
  readonly files: CrashFiles;
  /** By group and slot. */
  readonly lengths: Record<Group, number[]>;
  /** What each group knew to be durable, by the number of the note. */
  readonly notes: readonly Count[];
}

/** Several groups append in each turn; the oldest segments leave by truncation and by copying. */
async function live(seed: number, turns: number): Promise<Life> {
  const random = seededRandom(seed);
  const directory = temporaryDirectory();
  const files = new CrashFiles(directory);
  const shared = sharedOf(directory, smallOptions, files);
  const logs = new Map<Group, LogStore>();
  for (const group of groups) logs.set(group, (await recoverGroup(shared, group)).log);
  const lengths: Life['lengths'] = { idle: [0], slow: [0], busy: [0] };
  const durable: Count = { idle: 0, slow: 0, busy: 0 };
  const notes: Count[] = [];
  const note = () => files.note(notes.push({ ...durable }) - 1);
  note();
  for (let turn = 0; turn < turns; turn++) {
    const all: Promise<void>[] = [];
    const together: Group[] = ['busy', 'busy'];
    if (random.below(6) === 0) together.push('slow');
    if (turn < idleSlots) together.push('idle');
    for (const group of together) {
      const n = lengths[group].length;
      const length = random.below(2) === 0 ? 9_000 + random.below(9_000) : random.below(900);
      lengths[group].push(length);
      const log = logs.get(group) as LogStore;
      all.push(
        append(log, appendOf(n, length)).then(() => {
          durable[group] = n;
          note();
        }),
      );
    }
    if (random.below(3) === 0) logs.get('busy')?.truncate(lengths.busy.length - 2);
    await Promise.all(all);
  }
  for (const log of logs.values()) await log.close();
  return { directory, files, lengths, notes };
}

/** Recovers an image, checks all groups, goes on with each of them, and recovers again. */
async function checkImage(life: Life, at: number, survives: Survives, names: Survives) {
  const directory = temporaryDirectory();
  const noted = life.files.image(directory, at, survives, names) ?? 0;
  const where = `crash at step ${at}`;
  const found: Partial<Count> = {};
  const first = sharedOf(directory);
  const logs: LogStore[] = [];
  for (const group of groups) {
    const { log, records } = await recoverGroup(first, group);
    logs.push(log);
    const { firstSlot, lastSlot } = log.info();
    found[group] = Math.max(newestStart(records), lastSlot);
    const count = (life.notes[noted] as Count)[group];
    expect(found[group], where).toBeGreaterThanOrEqual(count);
    expectWhole(life, group, records, found[group], firstSlot, where);
    const values = await log.read(firstSlot, lastSlot, 1e9);
    expect(values.map(({ slot }) => slot)).toEqual(votesOf(records).map(slotOf));
  }
  for (const [i, group] of groups.entries()) {
    await append(logs[i] as LogStore, appendOf((found[group] as number) + 1, 77));
  }
  for (const log of logs) await log.close();
  const second = sharedOf(directory);
  for (const group of groups) {
    const { log, records } = await recoverGroup(second, group);
    const last = (found[group] as number) + 1;
    expect(shapesOf(votesOf(records).slice(-1)), where).toEqual([shapeOf(vote(last, 1, 77))]);
    expect(votesOf(records), where).toHaveLength(last - log.info().firstSlot + 1);
    await log.close();
  }
  fs.rmSync(directory, { recursive: true });
}

function expectWhole(
  { lengths }: Life,
  group: Group,
  records: readonly LogRecord[],
  found: number,
  firstSlot: number,
  where: string,
): void {
  const wanted = found >= firstSlot ? range(firstSlot, found) : [];
  const shapes = wanted.map((slot) => shapeOf(vote(slot, 1, lengths[group][slot])));
  expect(shapesOf(votesOf(records)), where).toEqual(shapes);
  // An append is there as a whole: its start and its vote.
  expect(newestStart(records), where).toBe(found);
}

const sequencesOf = (directory: string): number[] =>
  fs
    .readdirSync(directory)
    .flatMap((name) => (name.endsWith('.log') ? [Number.parseInt(name)] : []));

describe('a crash at every step of a log that groups share', () => {
  test('what any group knew to be durable is there, also what was copied forward', async () => {
    const life = await live(3, 70);
    // Segments with what the idle group needs have left: it was copied.
    expect(Math.min(...sequencesOf(life.directory))).toBeGreaterThan(3);
    const random = seededRandom(3);
    const some: Survives = () => random.below(2) === 0;
    // One manner for each step, in turn: there are hundreds of steps.
    const manners = [allLost, some, firstLost, lastLost];
    for (const [at, step] of life.files.steps.entries()) {
      if (step.kind === 'note') continue;
      const manner = manners[at % manners.length] as Survives;
      if (step.kind === 'write') await checkImage(life, at, manner, some);
      else await checkImage(life, at, allThere, at % 5 === 0 ? allThere : manner);
    }
  }, 120_000);
});
