import fs from 'node:fs';
import path from 'node:path';
import type { LogRecord } from '@rsl/core/protocol';
import { describe, expect, test } from 'vitest';
import { CrashFiles, type Survives } from './crash-files.ts';
import {
  append,
  contextOf,
  KiB,
  openAndRecover,
  openFiles,
  range,
  recordsOf,
  seededRandom,
  shapeOf,
  shapesOf,
  smallOptions,
  temporaryDirectory,
  vote,
} from './stage.ts';

const allLost: Survives = () => false;
const allThere: Survives = () => true;
const firstLost: Survives = (sector) => sector > 0;
const lastLost: Survives = (sector, sectors) => sector < sectors - 1;

/** Each append is one group: [start n, a vote of slot n], so that halves would show. */
const groupOf = (n: number, length: number): LogRecord[] => [
  { kind: 'start', count: n, nonce: n },
  vote(n, 1, length),
];

const numbersOf = (records: readonly LogRecord[]): number[] =>
  records.flatMap((record) => (record.kind === 'start' ? [record.count] : []));
const slotsOf = (records: readonly LogRecord[]): number[] =>
  records.flatMap((record) => (record.kind === 'vote' ? [record.slot] : []));

interface Life {
  readonly directory: string;
  readonly files: CrashFiles;
  /** firstSlot, by the number of appends that were done when it was asked for. */
  readonly lengths: readonly number[];
}

/** Appends groups 1 … `count`, several in a turn; a note for each number that is durable. */
async function live(seed: number, count: number, truncating: boolean): Promise<Life> {
  const random = seededRandom(seed);
  const directory = temporaryDirectory();
  const files = new CrashFiles(directory);
  const { log } = await openAndRecover(directory, smallOptions, files);
  files.note(0);
  const lengths = [0];
  let n = 0;
  while (n < count) {
    const together = 1 + random.below(4);
    const all: Promise<void>[] = [];
    for (let i = 0; i < together && n < count; i++) {
      const number = ++n;
      lengths.push(random.below(5) === 0 ? 9_000 + random.below(9_000) : random.below(900));
      all.push(
        append(log, groupOf(number, lengths[number] as number)).then(() => files.note(number)),
      );
    }
    // Sometimes while the appends are under way, so that their groups do not say so yet.
    const before = Math.max(1, n - together + 1 - random.below(3));
    if (truncating && random.below(3) === 0) log.truncate(before);
    await Promise.all(all);
  }
  await log.close();
  return { directory, files, lengths };
}

/** Recovers an image, checks it against what was durable, goes on writing, and recovers again. */
async function checkImage(
  life: Life,
  at: number,
  survives: Survives,
  names: Survives,
  truncating: boolean,
): Promise<void> {
  const directory = temporaryDirectory();
  const durable = life.files.image(directory, at, survives, names) ?? 0;
  const where = `crash at step ${at}`;

  const first = await openAndRecover(directory);
  const found = Math.max(0, ...numbersOf(first.records), ...slotsOf(first.records));
  expect(found, where).toBeGreaterThanOrEqual(durable);
  expectWhole(life, first.records, found, first.log.info().firstSlot, truncating, where);

  await append(first.log, groupOf(found + 1, 77));
  await first.log.close();
  const second = await openAndRecover(directory);
  const old = slotsOf(first.records).filter((slot) => slot >= second.log.info().firstSlot);
  expect(slotsOf(second.records), where).toEqual([...old, found + 1]);
  expect(shapesOf(second.records.slice(-1)), where).toEqual([shapeOf(vote(found + 1, 1, 77))]);
  await second.log.close();
  fs.rmSync(directory, { recursive: true });
}

function expectWhole(
  { lengths }: Life,
  records: readonly LogRecord[],
  found: number,
  firstSlot: number,
  truncating: boolean,
  where: string,
): void {
  const wanted = found >= firstSlot ? range(firstSlot, found) : [];
  expect(slotsOf(records), where).toEqual(wanted);
  const votes = records.filter((record) => record.kind === 'vote');
  expect(shapesOf(votes), where).toEqual(
    wanted.map((slot) => shapeOf(vote(slot, 1, lengths[slot]))),
  );
  if (truncating) expect(Math.max(0, ...numbersOf(records)), where).toBe(found);
  else expect(numbersOf(records), where).toEqual(range(1, found));
}

async function checkEveryStep(seed: number, count: number, truncating: boolean): Promise<void> {
  const life = await live(seed, count, truncating);
  const random = seededRandom(seed);
  const some: Survives = () => random.below(2) === 0;
  for (const [at, step] of life.files.steps.entries()) {
    if (step.kind === 'note') continue;
    if (step.kind === 'write') {
      const how = [allLost, firstLost, lastLost, some, some];
      for (const survives of how) await checkImage(life, at, survives, some, truncating);
    } else {
      const which = [allLost, firstLost, lastLost, allThere];
      for (const names of which) await checkImage(life, at, allThere, names, truncating);
    }
  }
}

describe('a crash at every step, with any part of the write in flight on the medium', () => {
  test('what was durable is there, and nothing else than what was appended', async () => {
    await checkEveryStep(1, 20, false);
  }, 120_000);

  test('also while segments are removed and recycled', async () => {
    await checkEveryStep(2, 40, true);
  }, 120_000);
});

test('what a torn write leaves is never taken for the continuation of a later one', async () => {
  // Two groups of one write: the first is lost and the second intact. The next append has exactly
  // the size of the lost one, so that the old second group would follow it and verify.
  const directory = temporaryDirectory();
  const files = new CrashFiles(directory);
  const { log } = await openAndRecover(directory, smallOptions, files);
  await append(log, groupOf(1, 10));
  await Promise.all([append(log, groupOf(2, 4096 - 128)), append(log, groupOf(3, 10))]);
  const at = files.steps.findLastIndex((step) => step.kind === 'write');
  await log.close();

  const image = temporaryDirectory();
  files.image(image, at, firstLost, allThere);
  const again = new CrashFiles(image);
  const first = await openAndRecover(image, smallOptions, again);
  expect(slotsOf(first.records)).toEqual([1]);
  await append(first.log, groupOf(7, 4096 - 128));
  const last = temporaryDirectory();
  // A crash again, before anything else is written.
  again.image(last, again.steps.length, allThere, allThere);
  await first.log.close();
  const second = await openAndRecover(last);
  expect(slotsOf(second.records)).toEqual([1, 7]);
  await second.log.close();
});

test('the former life of a recycled segment is never taken for new content', async () => {
  const options = { ...smallOptions, segmentBytes: 256 * KiB };
  const directory = temporaryDirectory();
  const { log } = await openAndRecover(directory, options);
  for (const slot of range(1, 120)) {
    await append(log, [vote(slot, 1, 9_000)]);
    log.truncate(slot);
  }
  await log.close();
  // No more than two segments and two spares were ever made, so what is there was used before.
  const names = fs.readdirSync(directory).filter((name) => /log$|^spare/.test(name));
  expect(names.length).toBeLessThanOrEqual(4);
  const file = path.join(directory, names.filter((name) => name.endsWith('.log')).at(-1) as string);
  expect(
    fs
      .readFileSync(file)
      .subarray(-8 * KiB)
      .some((byte) => byte !== 0),
  ).toBe(true);

  for (const slot of range(121, 180)) {
    const { log: again, records } = await openAndRecover(directory, options);
    expect(slotsOf(records).at(-1)).toBe(slot - 1);
    await append(again, [vote(slot, 1, 9_000)]);
    again.truncate(slot - 3);
    await again.close();
  }
});

test('what is behind the last mark is written again before the log opens', async () => {
  // The page cache shows what may not be on the medium: everything that no mark vouches for is
  // written once more, so that the next mark tells the truth.
  const directory = temporaryDirectory();
  const files = new CrashFiles(directory);
  const { log } = await openAndRecover(directory, smallOptions, files, contextOf());
  await append(log, groupOf(1, 10));
  await append(log, groupOf(2, 5_000));
  const at = files.steps.length;
  await log.close();
  const image = temporaryDirectory();
  files.image(image, at, allLost, allThere);

  const second = new CrashFiles(image);
  const again = await openFiles(image, smallOptions, second);
  expect(slotsOf(await recordsOf(again))).toEqual([1, 2]);
  const writes = second.steps.flatMap((step) => (step.kind === 'write' ? [step] : []));
  expect(writes[0]?.position).toBe(2 * 4096);
  expect(writes[0]?.bytes.length).toBe(2 * 4096);
  await again.close();
});
