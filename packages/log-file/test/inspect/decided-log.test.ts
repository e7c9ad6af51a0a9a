import fs from 'node:fs';
import type { LogRecord, Value } from '@rsl/core/protocol';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decidedLog } from '../../src/inspect/index.ts';
import { CrashFiles } from '../crash-files.ts';
import { history, Player } from '../properties/history.ts';
import { patienceMs, runs } from '../properties/runs.ts';
import { openGroup, sharedOf } from '../shared/stage.ts';
import { append, decided, openAndRecover, range, temporaryDirectory, vote } from '../stage.ts';
import { change, closedLog, fingerprint, segment } from './stage.ts';

const through = (slot: number): LogRecord => ({ kind: 'decided-through', slot });

/** What it gives, as `slot: bytes`; nothing in the directory is touched. */
async function given(directory: string, from = 1, to?: number): Promise<string[]> {
  const before = fingerprint(directory);
  const log = await decidedLog(directory);
  const all: string[] = [];
  await log.read(from, to ?? log.decidedThrough, async (slot, value) => {
    await Promise.resolve();
    all.push(line(slot, value));
  });
  expect(fingerprint(directory)).toEqual(before);
  return all;
}

function valueOf(record: LogRecord): Value {
  if (record.kind === 'vote') return record.vote.value;
  if (record.kind === 'decided') return record.value;
  throw new Error(`a record of kind ${record.kind} has no value`);
}

const line = (slot: number, { bytes }: Value): string =>
  `${slot}: ${Buffer.from(bytes).toString('hex')}`;

const told = (record: LogRecord): string =>
  line((record as { slot: number }).slot, valueOf(record));

describe('the decided log of a directory', () => {
  test('ends where the log knows no more to be decided', async () => {
    const votes = range(1, 6).map((slot) => vote(slot));
    const directory = await closedLog(votes, [through(4)]);
    expect(await given(directory)).toEqual(votes.slice(0, 4).map(told));
    const log = await decidedLog(directory);
    expect(log).toMatchObject({ name: 'test', replica: 1, firstSlot: 1, decidedThrough: 4 });
    await expect(log.read(1, 5, () => {})).rejects.toMatchObject({ code: 'RSL_INVALID_OPTION' });
  });

  test('has the newest vote of a slot, in the order of slots whatever came first', async () => {
    const late = vote(1, 9);
    const directory = await closedLog([vote(2), vote(1)], [vote(3)], [late, through(3)]);
    expect(await given(directory)).toEqual([told(late), told(vote(2)), told(vote(3))]);
  });

  test('has what was learned, and goes as far as that goes by itself', async () => {
    const learned = [decided(2), decided(3), decided(5)];
    const directory = await closedLog([vote(1), through(1)], learned);
    expect(await given(directory)).toEqual([vote(1), decided(2), decided(3)].map(told));
  });

  test('begins where the log begins', async () => {
    const directory = await closedLog([...range(1, 5).map((slot) => vote(slot)), through(5)]);
    const { log } = await openAndRecover(directory);
    log.truncate(3);
    await append(log, [vote(6), through(6)]);
    await log.close();
    expect(await given(directory, 3)).toEqual([3, 4, 5, 6].map((slot) => told(vote(slot))));
    await expect(given(directory, 2)).rejects.toMatchObject({ code: 'RSL_LOG_TRUNCATED' });
  });

  test('says nothing of a log in which anything is damaged', async () => {
    const bad = vote(2);
    const directory = await closedLog([vote(1), bad, vote(3), through(3)]);
    change(segment(directory), (bytes) => {
      const at = bytes.indexOf(valueOf(bad).bytes);
      bytes[at] = (bytes[at] as number) ^ 1;
    });
    await expect(decidedLog(directory)).rejects.toMatchObject({ code: 'RSL_LOG_CORRUPT' });
  });

  test('notices that the log was cut while it was read', async () => {
    const directory = await closedLog([vote(1), vote(2), through(2)]);
    const log = await decidedLog(directory);
    const other = await closedLog([vote(3), through(2)]);
    fs.copyFileSync(segment(other), segment(directory));
    fs.copyFileSync(`${other}/identity`, `${directory}/identity`);
    await expect(log.read(1, 2, () => {})).rejects.toMatchObject({ code: 'RSL_LOG_TRUNCATED' });
  });

  test('of a log of many groups needs to be told which one', async () => {
    const shared = temporaryDirectory();
    const opening = sharedOf(shared);
    for (const group of ['a', 'b']) {
      const log = await openGroup(opening, group);
      await log.recover(() => {});
      await append(log, [vote(1), vote(2), through(2)]);
      await log.close();
    }
    await expect(decidedLog(shared)).rejects.toMatchObject({ code: 'RSL_INVALID_OPTION' });
    const log = await decidedLog(shared, { group: 'b' });
    const slots: number[] = [];
    await log.read(1, log.decidedThrough, (slot) => void slots.push(slot));
    expect(slots).toEqual([1, 2]);
  });
});

test(
  'it has the values that opening the log finds, whatever became of it before',
  async () => {
    let slots = 0;
    await fc.assert(
      fc.asyncProperty(history(30), async (actions) => {
        const directory = temporaryDirectory();
        const player = new Player(directory, new CrashFiles(directory));
        await player.open();
        for (const action of actions) await player.run(action);
        await player.close();
        const found = await decidedLog(directory).catch(() => undefined);
        if (found === undefined) return;
        const all: string[] = [];
        const { firstSlot, decidedThrough } = found;
        const reading = found.read(firstSlot, decidedThrough, (slot, value) => {
          all.push(line(slot, value));
        });
        const isWhole = await reading.then(
          () => true,
          () => false,
        );
        const { log, records } = await openAndRecover(directory);
        const said = records.map((r) => (r.kind === 'decided-through' ? r.slot : 0));
        expect(decidedThrough).toBeGreaterThanOrEqual(Math.max(firstSlot - 1, ...said));
        const stored = await log.read(firstSlot, decidedThrough, 2 ** 30).catch(() => []);
        const opened = stored.map(({ slot, value }) => line(slot, value));
        expect(all).toEqual(opened);
        expect(isWhole).toBe(opened.length === decidedThrough - firstSlot + 1);
        slots += all.length;
        await log.close();
        fs.rmSync(directory, { recursive: true });
      }),
      runs(703, 100),
    );
    expect(slots).toBeGreaterThan(20);
  },
  patienceMs,
);
