import fs from 'node:fs';
import path from 'node:path';
import type { Ballot, LogRecord, LogStore } from '@rsl/core/protocol';
import { describe, expect, test } from 'vitest';
import {
  append,
  decided,
  KiB,
  range,
  shapesOf,
  smallOptions,
  temporaryDirectory,
  vote,
} from '../stage.ts';
import { openGroup, recoverGroup, sharedOf } from './stage.ts';

const options = { ...smallOptions, markAfterMs: 10 };
const ballot = (round: number): Ballot => ({ configuration: 1, round, proposer: 2 });

const segmentsOf = (directory: string): number[] =>
  fs
    .readdirSync(directory)
    .filter((name) => name.endsWith('.log'))
    .map((name) => Number.parseInt(name))
    .toSorted((a, b) => a - b);

const appendsMax = 500;
const turnsMax = 300_000;

/** One group appends and truncates until the segments that are there now have left. */
async function passBy(directory: string, busy: LogStore): Promise<void> {
  const newest = segmentsOf(directory).at(-1) as number;
  const first = busy.info().lastSlot + 1;
  for (let slot = first; (segmentsOf(directory)[0] as number) <= newest; slot++) {
    if (slot > first + appendsMax) throw new Error('the segments do not leave');
    await append(busy, [vote(slot, 1, 9 * KiB)]);
    busy.truncate(slot);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

describe('a group that is idle does not keep the log', () => {
  test('what counts of it is copied forward, and all of it is there', async () => {
    const directory = temporaryDirectory();
    const shared = sharedOf(directory, options);
    const busy = await openGroup(shared, 'busy');
    const idle = await openGroup(shared, 'idle');
    const { store } = idle.info();
    await append(idle, [{ kind: 'start', count: 1, nonce: 5 }, vote(1, 1, 300), vote(2, 3, 0)]);
    await append(idle, [decided(3), vote(4, 4), { kind: 'decided-through', slot: 2 }]);
    const wanted = await idle.read(1, 4, 1e9);
    const { position } = idle.info();
    for (const _ of range(1, 3)) await passBy(directory, busy);
    expect(segmentsOf(directory).length).toBeLessThanOrEqual(8);
    expect(await idle.read(1, 4, 1e9)).toEqual(wanted);
    for (const log of [busy, idle]) await log.close();

    const { log, records } = await recoverGroup(sharedOf(directory, options), 'idle');
    const values = [vote(1, 1, 300), vote(2, 3, 0), decided(3), vote(4, 4)];
    expect(shapesOf(records)).toEqual(
      shapesOf([
        { kind: 'promise', ballot: ballot(4) },
        { kind: 'start', count: 1, nonce: 5 },
        { kind: 'decided-through', slot: 2 },
        ...values,
      ]),
    );
    expect(await log.read(1, 4, 1e9)).toEqual(wanted);
    expect(log.info()).toMatchObject({ store, position, firstSlot: 1, lastSlot: 4 });
    await log.close();
  });

  test('nor does one that is not opened', async () => {
    const directory = temporaryDirectory();
    const gone = await openGroup(sharedOf(directory, options), 'gone');
    await append(
      gone,
      range(1, 5).map((slot) => vote(slot, 2, 700)),
    );
    await gone.close();
    const shared = sharedOf(directory, options);
    const busy = await openGroup(shared, 'busy');
    await passBy(directory, busy);
    const { log, records } = await recoverGroup(shared, 'gone');
    expect(shapesOf(records).slice(1)).toEqual(
      shapesOf(range(1, 5).map((slot) => vote(slot, 2, 700))),
    );
    for (const each of [busy, log]) await each.close();
  });

  test('what a newer vote has made void is not copied, nor brought back', async () => {
    const directory = temporaryDirectory();
    const shared = sharedOf(directory, options);
    const [busy, idle] = [await openGroup(shared, 'busy'), await openGroup(shared, 'idle')];
    await append(idle, [vote(1, 1), vote(2, 1), vote(3, 1)]);
    await passBy(directory, busy);
    await append(idle, [vote(2, 5)]);
    idle.truncate(2);
    for (const _ of range(1, 2)) await passBy(directory, busy);
    for (const log of [busy, idle]) await log.close();
    const { log } = await recoverGroup(sharedOf(directory, options), 'idle');
    const values = await log.read(2, 3, 1e9);
    expect(values.map((value) => [value.slot, value.ballot])).toEqual([
      [2, ballot(5)],
      [3, ballot(1)],
    ]);
    expect(log.info()).toMatchObject({ firstSlot: 2, lastSlot: 3 });
    await log.close();
  });

  test('a former life is copied as far as it is decided, and no promise with it (S2)', async () => {
    const directory = temporaryDirectory();
    const shared = sharedOf(directory, options);
    const [busy, idle] = [await openGroup(shared, 'busy'), await openGroup(shared, 'idle')];
    await append(idle, [vote(1, 7), vote(2, 7), { kind: 'decided-through', slot: 1 }]);
    await append(idle, [{ kind: 'promise', ballot: ballot(9) }]);
    const store = await idle.renew();
    await passBy(directory, busy);
    for (const log of [busy, idle]) await log.close();
    const { log, records } = await recoverGroup(sharedOf(directory, options), 'idle');
    expect(shapesOf(records)).toEqual(shapesOf([{ kind: 'decided-through', slot: 1 }, vote(1, 7)]));
    expect(log.info()).toMatchObject({ store, lastSlot: 1 });
    await log.close();
  });
});

/** Flips a bit of what is stored of this record's value. */
function rot(directory: string, record: LogRecord): void {
  const value = record.kind === 'vote' ? record.vote.value : undefined;
  const { bytes } = value ?? (record.kind === 'decided' ? record.value : { bytes: undefined });
  if (bytes === undefined) throw new Error('only a value can rot');
  for (const name of fs.readdirSync(directory)) {
    const file = path.join(directory, name);
    if (!name.endsWith('.log')) continue;
    const stored = fs.readFileSync(file);
    const at = stored.indexOf(bytes);
    if (at < 0) continue;
    stored[at + 1] = (stored[at + 1] as number) ^ 4;
    fs.writeFileSync(file, stored);
    return;
  }
  throw new Error('the value is not stored');
}

describe('a value that is lost (S3)', () => {
  test('is lost for its own group, and for no other', async () => {
    const directory = temporaryDirectory();
    const shared = sharedOf(directory, options);
    const [a, b] = [await openGroup(shared, 'a'), await openGroup(shared, 'b')];
    await append(a, [vote(1, 1, 90), vote(2, 3, 91)]);
    await append(b, [vote(1, 2, 92), vote(2, 2, 93)]);
    for (const log of [a, b]) await log.close();
    rot(directory, vote(2, 3, 91));
    const again = sharedOf(directory, options);
    const found = await recoverGroup(again, 'a');
    expect(shapesOf(found.records)).toEqual(
      shapesOf([vote(1, 1, 90), { kind: 'promise', ballot: ballot(3) }]),
    );
    expect(found.log.info()).toMatchObject({ damaged: new Map([[2, ballot(3)]]), lastSlot: 2 });
    await expect(found.log.read(2, 2, 1)).rejects.toMatchObject({ code: 'RSL_LOG_CORRUPT' });
    const other = await recoverGroup(again, 'b');
    expect(other.log.info().damaged).toEqual(new Map());
    expect(await other.log.read(1, 2, 1e9)).toHaveLength(2);
    for (const { log } of [found, other]) await log.close();
  });

  test('stays lost when its segment has left, until it is there again', async () => {
    const directory = temporaryDirectory();
    const shared = sharedOf(directory, options);
    const first = await openGroup(shared, 'a');
    await append(first, [vote(1, 1, 90), vote(2, 3, 91), decided(3, 92)]);
    await first.close();
    rot(directory, vote(2, 3, 91));
    rot(directory, decided(3, 92));
    const zero: Ballot = { configuration: 0, round: 0, proposer: 0 };
    const lost = new Map([
      [2, ballot(3)],
      [3, zero],
    ]);
    for (const _ of range(1, 3)) {
      const again = sharedOf(directory, options);
      const [busy, { log }] = [await openGroup(again, 'busy'), await recoverGroup(again, 'a')];
      expect(log.info()).toMatchObject({ damaged: lost, lastSlot: 3 });
      await passBy(directory, busy);
      expect(log.info().damaged).toEqual(lost);
      for (const each of [busy, log]) await each.close();
    }
    const mending = sharedOf(directory, options);
    const [busy, { log }] = [await openGroup(mending, 'busy'), await recoverGroup(mending, 'a')];
    await append(log, [vote(2, 3, 91), decided(3, 92)]);
    await passBy(directory, busy);
    for (const each of [busy, log]) await each.close();
    const { log: mended } = await recoverGroup(sharedOf(directory, options), 'a');
    expect(mended.info().damaged).toEqual(new Map());
    expect(await mended.read(1, 3, 1e9)).toHaveLength(3);
    await mended.close();
  });

  test('of which no group is known is damage, for all of them', async () => {
    const directory = temporaryDirectory();
    const shared = sharedOf(directory, options);
    const [a, b] = [await openGroup(shared, 'a'), await openGroup(shared, 'b')];
    await append(a, [vote(1, 1, 90)]);
    await append(b, [vote(1, 2, 92)]);
    for (const log of [a, b]) await log.close();
    const file = path.join(directory, '0000000001.log');
    const stored = fs.readFileSync(file);
    const value = vote(1, 1, 90);
    if (value.kind !== 'vote') throw new Error('a vote is a vote');
    // The number of the group, in the header of its record.
    const at = stored.indexOf(value.vote.value.bytes) - 12;
    stored[at] = (stored[at] as number) ^ 1;
    fs.writeFileSync(file, stored);
    for (const group of ['a', 'b']) {
      await expect(openGroup(sharedOf(directory, options), group)).rejects.toMatchObject({
        code: 'RSL_LOG_CORRUPT',
      });
    }
  });
});

describe('a shared log that may not grow', () => {
  // Whole blocks: nothing is void before something is truncated.
  const fillBytes = 12_100;
  const bounded = { ...options, storeBytesMax: 6 * 64 * KiB };

  /** Appends until it is refused. */
  async function fill(log: LogStore): Promise<number> {
    for (let slot = log.info().lastSlot + 1; ; slot++) {
      try {
        await append(log, [vote(slot, 1, fillBytes)]);
      } catch (error) {
        expect(error).toMatchObject({ code: 'RSL_STORAGE_FULL' });
        return slot;
      }
    }
  }

  test('goes on when a group truncates, though an idle one is in the oldest segment', async () => {
    const directory = temporaryDirectory();
    const shared = sharedOf(directory, bounded);
    const [busy, idle] = [await openGroup(shared, 'busy'), await openGroup(shared, 'idle')];
    // More than what is left of a segment when it is full.
    await append(idle, [vote(1, 1, 30_000)]);
    for (const _ of range(1, 4)) {
      const full = await fill(busy);
      expect(busy.info().bytesFree).toBeLessThan(fillBytes + 64);
      await expect(append(idle, [vote(2, 1, fillBytes)])).rejects.toMatchObject({
        code: 'RSL_STORAGE_FULL',
      });
      busy.truncate(full);
      for (let turns = 0; busy.info().bytesFree <= 64 * KiB; turns++) {
        if (turns > turnsMax) throw new Error('there is no more room');
        await new Promise((resolve) => setImmediate(resolve));
      }
      await append(busy, [vote(full, 1, fillBytes)]);
    }
    expect(await idle.read(1, 1, 1e9)).toHaveLength(1);
    for (const log of [busy, idle]) await log.close();
  });
});
