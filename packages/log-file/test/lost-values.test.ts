import fs from 'node:fs';
import path from 'node:path';
import type { Ballot, LogRecord } from '@rsl/core/protocol';
import { describe, expect, test } from 'vitest';
import { CrashFiles } from './crash-files.ts';
import {
  append,
  decided,
  openAndRecover,
  openFiles,
  range,
  recordsOf,
  shapesOf,
  smallOptions,
  temporaryDirectory,
  vote,
} from './stage.ts';

const ballot = (round: number): Ballot => ({ configuration: 1, round, proposer: 2 });
const zero: Ballot = { configuration: 0, round: 0, proposer: 0 };

/** Flips a bit in what is stored of this record's value, wherever that is, the `nth` time. */
function rot(directory: string, record: LogRecord, nth = 0): void {
  const value = record.kind === 'vote' ? record.vote.value : undefined;
  const { bytes } = value ?? (record.kind === 'decided' ? record.value : { bytes: undefined });
  if (bytes === undefined) throw new Error('only a value can rot');
  let seen = 0;
  for (const name of fs.readdirSync(directory).sort()) {
    if (!name.endsWith('.log')) continue;
    const file = path.join(directory, name);
    const stored = fs.readFileSync(file);
    for (let at = stored.indexOf(bytes); at >= 0; at = stored.indexOf(bytes, at + 1)) {
      if (seen++ < nth) continue;
      stored[at + 1] = (stored[at + 1] as number) ^ 4;
      fs.writeFileSync(file, stored);
      return;
    }
  }
  throw new Error('the value is not stored');
}

/** A log with these appends, closed in an orderly way. */
async function closedLog(...appends: readonly (readonly LogRecord[])[]): Promise<string> {
  const directory = temporaryDirectory();
  const { log } = await openAndRecover(directory);
  for (const records of appends) await append(log, records);
  await log.close();
  return directory;
}

async function damagedOf(directory: string): Promise<[number, Ballot][]> {
  const { log } = await openAndRecover(directory);
  const damaged = [...log.info().damaged];
  await log.close();
  return damaged;
}

describe('a record whose header verifies and whose value is lost (S3)', () => {
  test('is reported with its ballot, and everything else is there', async () => {
    const records = [vote(1), vote(2, 3), vote(3)];
    const directory = await closedLog(records, [vote(4)]);
    rot(directory, vote(2, 3));
    for (const _ of range(1, 2)) {
      const { log, records: found } = await openAndRecover(directory);
      // The vote was cast, whatever became of its value.
      const promise: LogRecord = { kind: 'promise', ballot: ballot(3) };
      expect(shapesOf(found)).toEqual(shapesOf([vote(1), vote(3), vote(4), promise]));
      expect(log.info()).toMatchObject({ damaged: new Map([[2, ballot(3)]]), lastSlot: 4 });
      await expect(log.read(2, 2, 1)).rejects.toMatchObject({ code: 'RSL_LOG_CORRUPT' });
      expect(await log.read(3, 4, 1e6)).toHaveLength(2);
      await log.close();
    }
  });

  test('counts as the highest slot, and its ballot as a promise', async () => {
    // The promise is carried on into the next segment when the slots are forgotten.
    const directory = await closedLog([vote(1), vote(9, 8)]);
    rot(directory, vote(9, 8));
    const { log } = await openAndRecover(directory);
    expect(log.info().lastSlot).toBe(9);
    for (const slot of range(10, 30)) await append(log, [vote(slot, 1, 9_000)]);
    log.truncate(30);
    await append(log, []);
    await log.close();
    const { log: again, records } = await openAndRecover(directory);
    expect(records[0]).toEqual({ kind: 'promise', ballot: ballot(8) });
    expect(again.info().damaged).toEqual(new Map());
    await again.close();
  });

  test('an older vote never stands in for it', async () => {
    // The lost one may be what was decided, and another value than the older one.
    const directory = await closedLog([vote(2, 1)], [vote(2, 5)]);
    rot(directory, vote(2, 5));
    const { log } = await openAndRecover(directory);
    expect(log.info().damaged).toEqual(new Map([[2, ballot(5)]]));
    await expect(log.read(2, 2, 1)).rejects.toMatchObject({ code: 'RSL_LOG_CORRUPT' });
    await log.close();
  });

  test('a higher ballot that is intact does, and so does the same one', async () => {
    const higher = await closedLog([vote(2, 1)], [vote(2, 5)]);
    rot(higher, vote(2, 1));
    expect(await damagedOf(higher)).toEqual([]);
    for (const nth of [0, 1]) {
      const same = await closedLog([vote(2, 5)], [vote(2, 5)]);
      rot(same, vote(2, 5), nth);
      expect(await damagedOf(same)).toEqual([]);
    }
  });

  test('a decided value wins over a lost vote', async () => {
    for (const records of [
      [vote(2, 9), decided(2)],
      [decided(2), vote(2, 9)],
    ]) {
      const directory = await closedLog(records);
      rot(directory, vote(2, 9));
      const { log } = await openAndRecover(directory);
      expect(log.info().damaged.size).toBe(0);
      expect((await log.read(2, 2, 1))[0]?.ballot).toBeUndefined();
      await log.close();
    }
  });

  test('a lost decided value is not replaced by a vote, whatever its ballot', async () => {
    // Decided-through says that the newest value of slot 2 is the decided one. The vote in ballot 4
    // has another value, and the one in ballot 9 may have: who votes in 9 does not know.
    const through: LogRecord = { kind: 'decided-through', slot: 2 };
    const directory = await closedLog([vote(1), vote(2, 4)], [decided(2), through], [vote(3)]);
    rot(directory, decided(2));
    const { log } = await openAndRecover(directory);
    expect(log.info().damaged).toEqual(new Map([[2, ballot(4)]]));
    await append(log, [vote(2, 9)]);
    expect(log.info().damaged).toEqual(new Map([[2, ballot(9)]]));
    await expect(log.read(2, 2, 1)).rejects.toMatchObject({ code: 'RSL_LOG_CORRUPT' });
    await append(log, [decided(2)]);
    expect(log.info().damaged.size).toBe(0);
    await log.close();
    expect(await damagedOf(directory)).toEqual([]);
  });

  test('nor when the vote in front of it is lost as well', async () => {
    const directory = await closedLog([vote(2, 4), decided(2)], [vote(3)]);
    for (const record of [vote(2, 4), decided(2)]) rot(directory, record);
    const { log } = await openAndRecover(directory);
    await append(log, [vote(2, 9)]);
    expect(log.info().damaged).toEqual(new Map([[2, ballot(9)]]));
    await log.close();
  });

  test('a lost decided value that was never voted for has the ballot of nobody', async () => {
    const directory = await closedLog([decided(7)], [vote(8)]);
    rot(directory, decided(7));
    expect(await damagedOf(directory)).toEqual([[7, zero]]);
  });

  for (const [how, anew] of [
    ['the vote again', vote(2, 5)],
    ['a vote in a higher ballot', vote(2, 6)],
    ['the decided value', decided(2)],
  ] as const) {
    test(`is mended by writing its value anew: ${how}`, async () => {
      const directory = await closedLog([vote(1), vote(2, 5), vote(3)]);
      rot(directory, vote(2, 5));
      const { log } = await openAndRecover(directory);
      await append(log, [vote(2, 4)]);
      expect(log.info().damaged.size).toBe(1);
      await append(log, [anew]);
      expect(log.info().damaged.size).toBe(0);
      expect(await log.read(1, 3, 1e6)).toHaveLength(3);
      await log.close();
      const again = await openAndRecover(directory);
      expect(again.log.info().damaged.size).toBe(0);
      const value = await again.log.read(2, 2, 1);
      expect(value[0]?.ballot?.round).toBe(
        anew.kind === 'vote' ? anew.vote.ballot.round : undefined,
      );
      await again.log.close();
    });
  }

  test('in any segment, also in one whose places memory has forgotten', async () => {
    const directory = await closedLog(...range(1, 60).map((slot) => [vote(slot, 1, 9_000)]));
    for (const slot of [1, 20, 59]) rot(directory, vote(slot, 1, 9_000));
    const { log, records } = await openAndRecover(directory);
    const lost = (slot: number) => [1, 20, 59].includes(slot);
    const whole = range(1, 60).filter((slot) => !lost(slot));
    expect(shapesOf(records)).toEqual(shapesOf(whole.map((slot) => vote(slot, 1, 9_000))));
    for (const slot of range(1, 60)) {
      if (lost(slot)) await expect(log.read(slot, slot, 1)).rejects.toThrow('lost');
      else expect((await log.read(slot, slot, 1))[0]?.slot).toBe(slot);
    }
    await append(log, [vote(20, 1, 9_000)]);
    log.truncate(2);
    expect([...log.info().damaged.keys()]).toEqual([59]);
    await log.close();
    expect((await damagedOf(directory)).map(([slot]) => slot)).toEqual([59]);
  });

  test('also when a torn write follows, which is dropped as ever', async () => {
    const directory = temporaryDirectory();
    const files = new CrashFiles(directory);
    const { log } = await openAndRecover(directory, smallOptions, files);
    for (const slot of range(1, 3)) await append(log, [vote(slot, 1, 5_000)]);
    await Promise.all([append(log, [vote(4, 1, 5_000)]), append(log, [vote(5, 1, 5_000)])]);
    const at = files.steps.findLastIndex((step) => step.kind === 'write');
    await log.close();
    const image = temporaryDirectory();
    files.image(
      image,
      at,
      (sector) => sector > 0,
      () => true,
    );
    rot(image, vote(2, 1, 5_000));
    const again = await openAndRecover(image);
    expect(shapesOf(again.records)).toEqual(shapesOf([vote(1, 1, 5_000), vote(3, 1, 5_000)]));
    expect([...again.log.info().damaged.keys()]).toEqual([2]);
    await again.log.close();
  });

  test('in the last group, which nobody vouches for, it is a torn write', async () => {
    const directory = temporaryDirectory();
    const files = new CrashFiles(directory);
    const { log } = await openAndRecover(directory, smallOptions, files);
    await append(log, [vote(1)]);
    await append(log, [vote(2), vote(3, 1, 5_000)]);
    const image = temporaryDirectory();
    const all = () => true;
    files.image(image, files.steps.length, all, all);
    await log.close();
    rot(image, vote(3, 1, 5_000));
    const again = await openAndRecover(image);
    expect(shapesOf(again.records)).toEqual(shapesOf([vote(1)]));
    expect(again.log.info().damaged.size).toBe(0);
    await again.log.close();
  });

  test('found only when the records are visited, it is reported as well', async () => {
    const directory = await closedLog([vote(1), vote(2, 3)], [vote(3)]);
    const log = await openFiles(directory);
    rot(directory, vote(2, 3));
    const promise: LogRecord = { kind: 'promise', ballot: ballot(3) };
    expect(shapesOf(await recordsOf(log))).toEqual(shapesOf([vote(1), vote(3), promise]));
    expect(log.info().damaged).toEqual(new Map([[2, ballot(3)]]));
    await log.close();

    // Unless there is something that does in its place.
    const mended = await closedLog([vote(2, 3)], [vote(2, 5)]);
    const again = await openFiles(mended);
    rot(mended, vote(2, 3));
    expect(shapesOf(await recordsOf(again))).toEqual(shapesOf([vote(2, 5)]));
    expect(again.info().damaged.size).toBe(0);
    await again.close();
  });

  test('a membership that is lost is damage beyond that: the log does not open', async () => {
    const membership = {
      group: 'feedfacefeedface',
      number: 1,
      firstSlot: 1,
      members: [],
      previous: [],
    };
    const directory = await closedLog([{ kind: 'configuration', membership }], [vote(1)]);
    const file = path.join(directory, '0000000001.log');
    const stored = fs.readFileSync(file);
    // Still a membership, to look at, of another group.
    stored[stored.indexOf('feedface')] = 'a'.charCodeAt(0);
    fs.writeFileSync(file, stored);
    await expect(openFiles(directory)).rejects.toMatchObject({ code: 'RSL_LOG_CORRUPT' });
  });
});
