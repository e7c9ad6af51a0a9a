import fs from 'node:fs';
import type { LogRecord } from '@rsl/core/protocol';
import { describe, expect, test } from 'vitest';
import { Damages } from '../../src/inspect/damages.ts';
import { inspectLog } from '../../src/inspect/index.ts';
import { readSegments } from '../../src/inspect/read-segments.ts';
import {
  append,
  contextOf,
  KiB,
  openAndRecover,
  openFiles,
  range,
  smallOptions,
  temporaryDirectory,
  vote,
} from '../stage.ts';
import { change, closedLog, fingerprint, look, segment } from './stage.ts';

describe('a log that is in use', () => {
  test('says by whom, and is as it is at that moment', async () => {
    const directory = temporaryDirectory();
    const { log } = await openAndRecover(directory, { ...smallOptions, markAfterMs: 60_000 });
    await append(log, [vote(1)]);
    const before = fingerprint(directory);
    const report = await inspectLog(directory);
    expect(fingerprint(directory)).toEqual(before);
    expect(report).toMatchObject({ usedBy: `process ${process.pid}`, damage: [] });
    expect(report.stores).toMatchObject([{ votes: 1 }]);
    await append(log, [vote(2)]);
    await log.close();
    expect(await inspectLog(directory)).toMatchObject({
      usedBy: undefined,
      stores: [{ votes: 2 }],
    });
  });

  test('may have been met half way: what does not verify is read once more', async () => {
    // One header and one value are written only when the beginning was read already.
    const all = range(1, 4).map((slot) => vote(slot, 1, 50));
    const directory = await closedLog(...all.map((record): LogRecord[] => [record]));
    const file = segment(directory);
    const whole = fs.readFileSync(file);
    const { found } = await look(directory);
    change(file, (bytes) => {
      const [, second, third] = found.map(({ offset }) => offset);
      bytes.fill(0, (second as number) + 32, (second as number) + 40);
      bytes.fill(0, (third as number) - 64, third);
    });
    const slots: number[] = [];
    const report = await inspectLog(directory, {
      visit: ({ records }) => {
        fs.writeFileSync(file, whole);
        for (const { record } of records) {
          if (record.kind === 'vote' && record.value !== undefined) slots.push(record.slot);
        }
      },
    });
    expect(report).toMatchObject({ damage: [], stores: [{ lost: [] }] });
    expect(slots).toEqual([1, 2, 3, 4]);
  });

  test('may give up segments meanwhile, which is no damage', async () => {
    const appends = range(1, 30).map((slot): LogRecord[] => [vote(slot, 1, 9 * KiB)]);
    const directory = await closedLog(...appends);
    const report = await inspectLog(directory, {
      visit: ({ file }) => {
        if (file !== segment(directory, 1)) return;
        for (const n of [1, 2]) fs.rmSync(segment(directory, n), { force: true });
      },
    });
    expect(report.damage).toEqual([]);
    expect(report.segments.slice(0, 3).map(({ left }) => left)).toEqual([true, true, false]);
    expect(report.stores).toMatchObject([{ lastSlot: 30 }]);
  });

  test('may have given up all that was listed: then the others are looked at', async () => {
    const appends = range(1, 30).map((slot): LogRecord[] => [vote(slot, 1, 9 * KiB)]);
    const directory = await closedLog(...appends);
    const [first = 0, ...others] = (await look(directory)).report.segments.map((s) => s.sequence);
    const lists = [[first - 1], others];
    const list = () => lists.shift() ?? others;
    const identity = undefined;
    const damages = new Damages();
    const { segments } = await readSegments(
      { directory, list, identity, visit: undefined },
      damages,
    );
    expect(segments.map(({ sequence }) => sequence)).toEqual(others);
  });

  test('is never called damaged while it is written to and cut', async () => {
    // A thread of its own writes while this one reads: halves of writes are met.
    const directory = temporaryDirectory();
    const log = await openFiles(
      directory,
      { segmentBytes: 256 * KiB, writeBytesMax: 64 * KiB, sync: 'thread' },
      undefined,
      contextOf(),
    );
    let slot = 0;
    let isOver = false;
    const writing = (async () => {
      while (!isOver) {
        const lengths = [30, 200, 40_000, 9, 3_000];
        const all = lengths.map((length) => append(log, [vote(++slot, 1, length)]));
        log.truncate(Math.max(1, slot - 60));
        await Promise.all(all);
      }
    })();
    const seen: number[] = [];
    try {
      while (slot < 3_000) {
        const { damage, segments, stores } = await inspectLog(directory);
        expect(damage).toEqual([]);
        if (segments.at(-1)?.left === false) seen.push(stores[0]?.lastSlot ?? 0);
      }
    } finally {
      isOver = true;
      await writing;
      await log.close();
    }
    expect(seen).toEqual(seen.toSorted((a, b) => a - b));
    expect(seen.length).toBeGreaterThan(10);
  }, 60_000);
});
