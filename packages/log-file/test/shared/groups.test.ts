import fs from 'node:fs';
import type { LogStore } from '@rsl/core/protocol';
import { describe, expect, test } from 'vitest';
import { type Files, systemFiles } from '../../src/files.ts';
import { fileLog, sharedFileLog } from '../../src/index.ts';
import {
  append,
  contextOf,
  eventually,
  KiB,
  openAndRecover,
  range,
  shapesOf,
  smallOptions,
  temporaryDirectory,
  vote,
} from '../stage.ts';
import { openGroup, recoverGroup, sharedOf } from './stage.ts';

const options = { ...smallOptions, segmentBytes: 1024 * KiB, markAfterMs: 60_000 };

/** Counts what is written to segments; `fail` makes it fail from then on. */
function counted() {
  const real = systemFiles('none');
  const seen = { writes: 0, failing: false };
  const files: Files = {
    ...real,
    write(fd, bytes, position) {
      if (seen.failing) throw Object.assign(new Error('EIO: i/o error'), { code: 'EIO' });
      if (position > 0) seen.writes += 1;
      real.write(fd, bytes, position);
    },
  };
  return { files, seen };
}

const names = (count: number): string[] => range(1, count).map((n) => `group ${n}`);

describe('many groups in one log', () => {
  test('what all of them append in one turn is one write and one sync', async () => {
    const { files, seen } = counted();
    const shared = sharedOf(temporaryDirectory(), options, files);
    const logs = await Promise.all(names(100).map((group) => openGroup(shared, group)));
    await append(logs[0] as LogStore, [vote(1)]);
    const before = seen.writes;
    await Promise.all(logs.map((log, i) => append(log, [vote(2, 1, i)])));
    expect(seen.writes - before).toBe(1);
    for (const log of logs) await log.close();
  });

  test('their stores are made in one write, too', async () => {
    const { files, seen } = counted();
    const shared = sharedOf(temporaryDirectory(), options, files);
    const first = await openGroup(shared, 'first');
    await append(first, [vote(1)]);
    const before = seen.writes;
    const logs = await Promise.all(names(50).map((group) => openGroup(shared, group)));
    expect(seen.writes - before).toBe(1);
    expect(new Set(logs.map((log) => log.info().store)).size).toBe(50);
    for (const log of [first, ...logs]) await log.close();
  });

  test('each finds its own records, its own store and its own position', async () => {
    const directory = temporaryDirectory();
    const shared = sharedOf(directory, options);
    const found = new Map<string, ReturnType<LogStore['info']>>();
    for (const [i, group] of names(9).entries()) {
      const { log } = await recoverGroup(shared, group);
      for (const slot of range(1, i)) await append(log, [vote(slot, i, 50)]);
      found.set(group, log.info());
      await log.close();
    }
    const again = sharedOf(directory, options);
    const held = await openGroup(again, 'another');
    for (const [i, group] of names(9).entries()) {
      const { log, records } = await recoverGroup(again, group);
      expect(shapesOf(records)).toEqual(shapesOf(range(1, i).map((slot) => vote(slot, i, 50))));
      const { store, position, lastSlot } = found.get(group) as ReturnType<LogStore['info']>;
      expect(log.info()).toMatchObject({ store, position, lastSlot, created: false });
      await log.close();
    }
    await held.close();
  });

  test('a position counts a group’s own appends only (S2a)', async () => {
    // If it counted those of others, an older copy would look newer as soon as they append.
    const shared = sharedOf(temporaryDirectory(), options);
    const [a, b] = [await openGroup(shared, 'a'), await openGroup(shared, 'b')];
    await append(a, [vote(1)]);
    const { position } = a.info();
    for (const slot of range(1, 5)) await append(b, [vote(slot)]);
    expect(a.info().position).toBe(position);
    expect(b.info().position).toBeGreaterThan(position);
    for (const log of [a, b]) await log.close();
  });

  test('a medium that fails, fails for all, with one error (S4)', async () => {
    const { files, seen } = counted();
    const shared = sharedOf(temporaryDirectory(), options, files);
    const logs = await Promise.all(names(3).map((group) => openGroup(shared, group)));
    for (const log of logs) await append(log, [vote(1)]);
    seen.failing = true;
    const errors: unknown[] = [];
    const failed = (log: LogStore) => append(log, [vote(2)]).catch((e: unknown) => errors.push(e));
    await failed(logs[0] as LogStore);
    for (const log of logs) await failed(log);
    expect(new Set(errors).size).toBe(1);
    expect(errors[0]).toMatchObject({ code: 'RSL_STORAGE_FAILED' });
    for (const log of logs) await log.close();
    // When all have closed it, it can be opened anew.
    seen.failing = false;
    const { log, records } = await recoverGroup(shared, 'group 2');
    expect(shapesOf(records)).toEqual(shapesOf([vote(1)]));
    await log.close();
  });

  test('one that lets too much wait is refused, and stops nobody else', async () => {
    const shared = sharedOf(temporaryDirectory(), { ...options, waitingBytesMax: 1024 * KiB });
    const [hasty, calm] = [await openGroup(shared, 'hasty'), await openGroup(shared, 'calm')];
    const told = range(1, 20).map((slot) =>
      append(hasty, [vote(slot, 1, 90_000)]).then(
        () => slot,
        (error: { code?: string }) => error.code,
      ),
    );
    // It would fit by itself, but its caller cannot know that what is before it was refused.
    const behind = append(hasty, [vote(50, 1, 1)]);
    const empty = append(hasty, []);
    const outcomes = await Promise.all(told);
    await expect(behind).rejects.toMatchObject({ code: 'RSL_STORAGE_FULL' });
    await expect(empty).rejects.toMatchObject({ code: 'RSL_STORAGE_FULL' });
    const full = outcomes.indexOf('RSL_STORAGE_FULL');
    expect(full).toBeGreaterThan(3);
    // Nothing behind the one that was refused is stored.
    expect(new Set(outcomes.slice(full))).toEqual(new Set(['RSL_STORAGE_FULL']));
    await append(calm, [vote(1)]);
    await append(hasty, [vote(full + 1)]);
    expect(hasty.info().lastSlot).toBe(full + 1);
    for (const log of [hasty, calm]) await log.close();
  });
});

describe('a shared log is opened', () => {
  test('by the first of its groups, and closed by the last', async () => {
    const directory = temporaryDirectory();
    const shared = sharedFileLog(directory, options);
    expect(fs.readdirSync(directory)).toEqual([]);
    const [a, b] = await Promise.all([openGroup(shared, 'a'), openGroup(shared, 'b')]);
    const another = () => openGroup(sharedFileLog(directory, options), 'c');
    await a.close();
    await expect(another()).rejects.toMatchObject({ code: 'RSL_STORAGE_LOCKED' });
    await append(b, [vote(1)]);
    await b.close();
    await (await another()).close();
  });

  test('again while the last one leaves, and a third time', async () => {
    const shared = sharedOf(temporaryDirectory(), options);
    let log = await openGroup(shared, 'a');
    for (const slot of range(1, 3)) {
      await append(log, [vote(slot)]);
      const closing = log.close();
      const other = openGroup(shared, 'b');
      await closing;
      await (await other).close();
      log = await openGroup(shared, 'a');
    }
    expect(log.info()).toMatchObject({ lastSlot: 3, created: false });
    await log.close();
  });

  test('in vain for all who wait, and then once more', async () => {
    const directory = temporaryDirectory();
    const shared = sharedOf(directory, options);
    const holder = await openGroup(sharedOf(directory, options), 'a');
    const opens = names(3).map((group) => openGroup(shared, group));
    for (const outcome of await Promise.allSettled(opens)) {
      expect(outcome).toMatchObject({ reason: { code: 'RSL_STORAGE_LOCKED' } });
    }
    await holder.close();
    const logs = await Promise.all(names(3).map((group) => openGroup(shared, group)));
    for (const log of logs) await log.close();
  });

  test('by one replica of a group at a time, and by none with another id (S7, S8)', async () => {
    const shared = sharedOf(temporaryDirectory(), options);
    const log = await openGroup(shared, 'a');
    await expect(openGroup(shared, 'a')).rejects.toMatchObject({ code: 'RSL_STORAGE_LOCKED' });
    const other = await openGroup(shared, 'b');
    await log.close();
    await expect(openGroup(shared, 'a', { self: 2 })).rejects.toMatchObject({
      code: 'RSL_WRONG_STORE',
    });
    await (await openGroup(shared, 'a')).close();
    await other.close();
  });

  test('and is none of one group, nor the other way round (S8)', async () => {
    const directory = temporaryDirectory();
    await (await openGroup(sharedOf(directory, options), 'test')).close();
    await expect(fileLog(directory, options).open(contextOf())).rejects.toMatchObject({
      code: 'RSL_WRONG_STORE',
    });
    const single = temporaryDirectory();
    await (await openAndRecover(single, options)).log.close();
    await expect(openGroup(sharedOf(single, options), 'test')).rejects.toMatchObject({
      code: 'RSL_WRONG_STORE',
    });
  });

  test('with room for a segment more than one group needs', () => {
    const storeBytesMax = 3 * 64 * KiB;
    expect(() => sharedFileLog('x', { segmentBytes: 64 * KiB, storeBytesMax })).toThrow(
      'at least 4 segments',
    );
  });
});

test('a truncation is durable when the group is closed, though the log stays open', async () => {
  const directory = temporaryDirectory();
  const shared = sharedOf(directory, options);
  const [a, b] = [await openGroup(shared, 'a'), await openGroup(shared, 'b')];
  await append(a, [vote(1), vote(2), vote(3)]);
  a.truncate(3);
  await a.close();
  const copy = temporaryDirectory();
  for (const name of fs.readdirSync(directory)) {
    if (!name.startsWith('lock')) fs.copyFileSync(`${directory}/${name}`, `${copy}/${name}`);
  }
  const { log } = await recoverGroup(sharedOf(copy, options), 'a');
  expect(log.info()).toMatchObject({ firstSlot: 3, lastSlot: 3 });
  await log.close();
  await b.close();
});

describe('copied files (S2a)', () => {
  test('are so for each group until it is renewed, however often they are opened', async () => {
    const directory = temporaryDirectory();
    const shared = sharedOf(directory, options);
    for (const group of names(3)) {
      const { log } = await recoverGroup(shared, group);
      await append(log, [vote(1), { kind: 'decided-through', slot: 1 }]);
      await log.close();
    }
    const copy = sharedOf(copyOf(directory), options);
    const verdicts = async () => {
      const all: string[] = [];
      for (const group of names(3)) {
        const { log } = await recoverGroup(copy, group);
        all.push(log.info().copied);
        await log.close();
      }
      return all;
    };
    expect(await verdicts()).toEqual(['files', 'files', 'files']);
    const { log } = await recoverGroup(copy, 'group 2');
    const { store } = log.info();
    expect(await log.renew()).not.toBe(store);
    await log.close();
    expect(await verdicts()).toEqual(['files', 'no', 'files']);
  });

  test('are not when the operator says that they were moved', async () => {
    const directory = temporaryDirectory();
    const { log } = await recoverGroup(sharedOf(directory, options), 'a');
    const { store } = log.info();
    await log.close();
    const copy = copyOf(directory);
    const moved = await openGroup(sharedOf(copy, { ...options, moved: true }), 'a');
    expect(moved.info()).toMatchObject({ copied: 'no', store });
    await moved.close();
    const again = await openGroup(sharedOf(copy, options), 'a');
    expect(again.info()).toMatchObject({ copied: 'no', store });
    await again.close();
  });
});

function copyOf(directory: string): string {
  const copy = temporaryDirectory();
  for (const name of fs.readdirSync(directory)) {
    if (!name.startsWith('lock')) fs.copyFileSync(`${directory}/${name}`, `${copy}/${name}`);
  }
  return copy;
}

test('a shared log of a thread serves many groups at once', async () => {
  const directory = temporaryDirectory();
  const shared = sharedFileLog(directory, { segmentBytes: 1024 * KiB });
  const logs = await Promise.all(names(20).map((group) => openGroup(shared, group)));
  let done = 0;
  for (const slot of range(1, 50)) {
    for (const log of logs) log.append([vote(slot)], () => void (done += 1));
  }
  await eventually(() => done === 1000);
  for (const log of logs) await log.close();
  const { log, records } = await recoverGroup(sharedFileLog(directory), 'group 7');
  expect(shapesOf(records)).toEqual(shapesOf(range(1, 50).map((slot) => vote(slot))));
  await log.close();
}, 30_000);
