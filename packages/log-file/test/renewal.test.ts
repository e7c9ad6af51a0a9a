import fs from 'node:fs';
import path from 'node:path';
import type { Ballot, LogRecord } from '@rsl/core/protocol';
import { describe, expect, test } from 'vitest';
import type { FileLogStore } from '../src/file-log-store.ts';
import { type Files, systemFiles } from '../src/files.ts';
import { CrashFiles } from './crash-files.ts';
import {
  append,
  openAndRecover,
  openFiles,
  range,
  seededRandom,
  shapesOf,
  smallOptions,
  temporaryDirectory,
  vote,
} from './stage.ts';

const ballot = (round: number): Ballot => ({ configuration: 1, round, proposer: 2 });
const promise = (round: number): LogRecord => ({ kind: 'promise', ballot: ballot(round) });
const through = (slot: number): LogRecord => ({ kind: 'decided-through', slot });
const start: LogRecord = { kind: 'start', count: 1, nonce: 5 };

function decided(slot: number): LogRecord {
  const record = vote(slot, 77);
  if (record.kind !== 'vote') throw new Error('a vote is a vote');
  return { kind: 'decided', slot, value: record.vote.value };
}

/** Two decided votes, one that is not, a learned value far above, and a promise. */
const former: readonly (readonly LogRecord[])[] = [
  [start],
  [vote(1, 3), vote(2, 3)],
  [vote(3, 4), decided(9)],
  [through(2), promise(6)],
];
/** What is left of that for the renewed store. */
const kept = [start, vote(1, 3), vote(2, 3), decided(9), through(2)];

async function formerLog(directory: string, files?: Files): Promise<FileLogStore> {
  const { log } = await openAndRecover(directory, smallOptions, files);
  for (const records of former) await append(log, records);
  return log;
}

const slotsOf = async (log: FileLogStore, from: number, to: number) =>
  (await log.read(from, to, 1e9)).map(({ slot }) => slot);

describe('a store that takes a new name (S2)', () => {
  test('keeps what is decided; promises and other votes are nobody’s any more', async () => {
    const directory = temporaryDirectory();
    const log = await formerLog(directory);
    const before = log.info().store;
    const store = await log.renew();
    expect(store).toMatch(/^[0-9a-f]{16}$/);
    expect(store).not.toBe(before);
    expect(log.info()).toMatchObject({ store, lastSlot: 9 });
    expect(await slotsOf(log, 1, 9)).toEqual([1, 2]);
    expect(await slotsOf(log, 3, 9)).toEqual([]);
    expect(await slotsOf(log, 9, 9)).toEqual([9]);
    await log.close();
    for (const _ of range(1, 2)) {
      const again = await openAndRecover(directory);
      expect(again.log.info()).toMatchObject({ store, created: false, lastSlot: 9 });
      expect(shapesOf(again.records)).toEqual(shapesOf(kept));
      expect(await slotsOf(again.log, 1, 9)).toEqual([1, 2]);
      await again.log.close();
    }
  });

  test('votes again, for what it gave up as well', async () => {
    // In a later configuration; a lower ballot than the old one must not be hidden by that.
    const directory = temporaryDirectory();
    const log = await formerLog(directory);
    const store = await log.renew();
    await append(log, [vote(3, 1, 50)]);
    expect((await log.read(3, 3, 1))[0]?.ballot).toEqual(ballot(1));
    await log.close();
    const again = await openAndRecover(directory);
    expect(again.log.info().store).toBe(store);
    expect(shapesOf(again.records)).toEqual(shapesOf([...kept, vote(3, 1, 50)]));
    expect((await again.log.read(1, 3, 1e9)).map(({ value }) => value.bytes.length)).toEqual([
      20, 20, 50,
    ]);
    await again.log.close();
  });

  test('carries no promise of its former life into new segments', async () => {
    const directory = temporaryDirectory();
    const log = await formerLog(directory);
    await log.renew();
    for (const slot of range(10, 40)) await append(log, [vote(slot, 1, 9_000)]);
    log.truncate(40);
    await append(log, []);
    await log.close();
    const again = await openAndRecover(directory);
    expect(again.log.info().firstSlot).toBe(40);
    const control = again.records.filter((record) => record.kind !== 'vote');
    expect(control).toEqual([promise(1), start, through(2)]);
    await again.log.close();
  });

  test('appends in front of it are the old store’s, those behind it the new one’s', async () => {
    const directory = temporaryDirectory();
    const { log } = await openAndRecover(directory);
    const order: string[] = [];
    await Promise.all([
      append(log, [vote(1, 5), through(1), vote(2, 5)]).then(() => order.push('old')),
      log.renew().then(() => order.push('renewed')),
      append(log, [vote(3, 1)]).then(() => order.push('new')),
      append(log, []).then(() => order.push('barrier')),
    ]);
    expect(order).toEqual(['old', 'renewed', 'new', 'barrier']);
    await log.close();
    const again = await openAndRecover(directory);
    expect(shapesOf(again.records)).toEqual(shapesOf([vote(1, 5), through(1), vote(3, 1)]));
    await again.log.close();
  });

  test('again and again, whether anything is stored between or not', async () => {
    const directory = temporaryDirectory();
    const log = await formerLog(directory);
    const [, last] = await Promise.all([
      log.renew(),
      append(log, [vote(3, 8), through(3), vote(4, 8)]).then(() => log.renew()),
    ]);
    await log.close();
    let again = await openAndRecover(directory);
    expect(again.log.info().store).toBe(last);
    expect(await slotsOf(again.log, 1, 9)).toEqual([1, 2, 3]);
    const stores = new Set([last]);
    for (const _ of range(1, 3)) {
      stores.add(await again.log.renew());
      await again.log.close();
      again = await openAndRecover(directory);
    }
    expect(stores.size).toBe(4);
    expect(stores.has(again.log.info().store)).toBe(true);
    expect(await slotsOf(again.log, 1, 9)).toEqual([1, 2, 3]);
    // The names of lives that nothing is left of are forgotten.
    for (const slot of range(5, 30)) await append(again.log, [vote(slot, 1, 9_000)]);
    again.log.truncate(30);
    // Closing waits for the segments that leave.
    await again.log.close();
    again = await openAndRecover(directory);
    await append(again.log, [vote(30, 1, 9_000)]);
    await again.log.renew();
    const identity = fs.readFileSync(path.join(directory, 'identity'), 'utf8');
    expect((JSON.parse(identity) as { formerly: unknown[] }).formerly).toHaveLength(1);
    await again.log.close();
  });

  test('two that are asked for at once: the segment between them stays known', async () => {
    const directory = temporaryDirectory();
    const log = await formerLog(directory);
    const [first, , second] = await Promise.all([
      log.renew(),
      append(log, [decided(4)]),
      log.renew(),
    ]);
    expect(first).not.toBe(second);
    await log.close();
    const again = await openAndRecover(directory);
    expect(again.log.info().store).toBe(second);
    expect(await slotsOf(again.log, 4, 4)).toEqual([4]);
    await again.log.close();
  });

  test('a segment of a store that it never was is refused as ever', async () => {
    const [directory, other] = [temporaryDirectory(), temporaryDirectory()];
    for (const one of [directory, other]) {
      const log = await formerLog(one);
      await log.renew();
      await log.close();
    }
    const name = '0000000001.log';
    fs.copyFileSync(path.join(other, name), path.join(directory, name));
    await expect(openFiles(directory)).rejects.toMatchObject({ code: 'RSL_LOG_CORRUPT' });
  });

  test('lost values above what was decided are nobody’s; those below stay lost', async () => {
    const directory = temporaryDirectory();
    const log = await formerLog(directory);
    await log.close();
    const file = path.join(directory, '0000000001.log');
    const stored = fs.readFileSync(file);
    for (const record of [vote(2, 3), vote(3, 4)]) {
      if (record.kind !== 'vote') continue;
      const at = stored.indexOf(record.vote.value.bytes);
      stored[at] = (stored[at] as number) ^ 1;
    }
    fs.writeFileSync(file, stored);
    const again = await openAndRecover(directory);
    expect([...again.log.info().damaged.keys()]).toEqual([2, 3]);
    await again.log.renew();
    expect([...again.log.info().damaged.keys()]).toEqual([2]);
    await again.log.close();
    const last = await openAndRecover(directory);
    expect([...last.log.info().damaged.keys()]).toEqual([2]);
    await last.log.close();
  });

  test('a crash at every step leaves the old name or the new one', async () => {
    const directory = temporaryDirectory();
    const files = new CrashFiles(directory);
    const log = await formerLog(directory, files);
    const old = log.info().store;
    await append(log, []);
    const from = files.steps.length;
    files.note(0);
    const renewed = await log.renew();
    files.note(1);
    await append(log, [vote(3, 1, 50)]);
    files.note(2);
    await log.close();
    const random = seededRandom(3);
    const some = () => random.below(2) === 0;
    const seen = new Set<string>();
    for (let at = from; at <= files.steps.length; at++) {
      for (const survives of [() => false, () => true, some, some]) {
        for (const names of [() => false, () => true, some]) {
          const image = temporaryDirectory();
          const note = files.image(image, at, survives, names) ?? 0;
          const again = await openAndRecover(image);
          const { store } = again.log.info();
          seen.add(store);
          const where = `crash at step ${at}, note ${note}`;
          expect([old, renewed], where).toContain(store);
          if (note >= 1) expect(store, where).toBe(renewed);
          const found = shapesOf(again.records);
          if (store === old) expect(found, where).toEqual(shapesOf(former.flat()));
          else if (note === 2) expect(found, where).toEqual(shapesOf([...kept, vote(3, 1, 50)]));
          else expect(found.slice(0, kept.length), where).toEqual(shapesOf(kept));
          await append(again.log, [vote(20)]);
          await again.log.close();
          const last = await openAndRecover(image);
          expect(last.log.info().store, where).toBe(store);
          expect(shapesOf(last.records), where).toEqual([...found, ...shapesOf([vote(20)])]);
          await last.log.close();
          fs.rmSync(image, { recursive: true });
        }
      }
    }
    expect([...seen].toSorted()).toEqual([old, renewed].toSorted());
  }, 60_000);

  test('without room for it nothing changes', async () => {
    const real = systemFiles('none');
    let full = false;
    const directory = temporaryDirectory();
    const log = await formerLog(directory, {
      ...real,
      write(fd, bytes, position) {
        if (full) throw Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' });
        real.write(fd, bytes, position);
      },
    });
    const { store } = log.info();
    full = true;
    const [renewal, behind] = await Promise.allSettled([log.renew(), append(log, [vote(4)])]);
    expect(renewal).toMatchObject({ reason: { code: 'RSL_STORAGE_FULL' } });
    // It was to be the new store's.
    expect(behind).toMatchObject({ reason: { code: 'RSL_STORAGE_FULL' } });
    full = false;
    expect(log.info().store).toBe(store);
    await append(log, [vote(4)]);
    await log.close();
    const again = await openAndRecover(directory);
    expect(again.log.info().store).toBe(store);
    expect(shapesOf(again.records)).toEqual(shapesOf([...former.flat(), vote(4)]));
    await again.log.close();
  });

  test('when it fails the log stops, for it may have the one name or the other', async () => {
    for (const call of ['write', 'rename', 'syncDirectory'] as const) {
      const real = systemFiles('none');
      let failing = false;
      const fail = () => {
        if (failing) throw Object.assign(new Error('EIO'), { code: 'EIO' });
      };
      const directory = temporaryDirectory();
      const log = await formerLog(directory, {
        ...real,
        [call]: (...given: never[]) => {
          fail();
          (real[call] as (...given: never[]) => void)(...given);
        },
      });
      const { store } = log.info();
      failing = true;
      await expect(log.renew(), call).rejects.toMatchObject({ code: 'RSL_STORAGE_FAILED' });
      failing = false;
      await expect(append(log, [])).rejects.toMatchObject({ code: 'RSL_STORAGE_FAILED' });
      await log.close();
      const again = await openAndRecover(directory);
      const isOld = again.log.info().store === store;
      expect(isOld, call).toBe(call !== 'syncDirectory');
      expect(shapesOf(again.records)).toEqual(shapesOf(isOld ? former.flat() : kept));
      await again.log.close();
    }
  });

  test('a closed log is not renewed', async () => {
    const log = await formerLog(temporaryDirectory());
    await log.close();
    await expect(log.renew()).rejects.toMatchObject({ code: 'RSL_CLOSED' });
  });
});
