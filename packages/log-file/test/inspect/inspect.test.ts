import fs from 'node:fs';
import path from 'node:path';
import type { LogRecord } from '@rsl/core/protocol';
import { describe, expect, test } from 'vitest';
import { inspectLog } from '../../src/inspect/index.ts';
import { readOnly } from '../mounts.ts';
import { append, decided, KiB, openAndRecover, range, temporaryDirectory, vote } from '../stage.ts';
import { change, closedLog, look, segment } from './stage.ts';

const fixtures = new URL('../fixtures/', import.meta.url).pathname;
/** Flips a bit of what is stored of the value. */
function rot(directory: string, record: LogRecord, n = 1): number {
  if (record.kind !== 'vote') throw new Error('only a vote rots here');
  let at = -1;
  change(segment(directory, n), (bytes) => {
    at = bytes.indexOf(record.vote.value.bytes);
    bytes[at] = (bytes[at] as number) ^ 1;
  });
  return at;
}

/** As it was written by version 1, in a directory of its own. */
function oldLog(): string {
  const directory = temporaryDirectory();
  const bytes = Buffer.alloc(64 * KiB);
  fs.readFileSync(path.join(fixtures, 'segment-1.bin')).copy(bytes);
  fs.writeFileSync(segment(directory), bytes);
  fs.copyFileSync(path.join(fixtures, 'identity'), path.join(directory, 'identity'));
  return directory;
}

describe('a log that is sound', () => {
  test('is told whole, as every version has written it', async () => {
    const { report, found } = await look(oldLog());
    expect(found.map(({ record }) => record.kind)).toEqual([
      'start',
      'bootstrap',
      'configuration',
      'promise',
      'vote',
      'vote',
      'decided',
      'decided-through',
      'vote',
    ]);
    expect(report).toMatchObject({
      usedBy: undefined,
      identity: { format: 1, group: 'test', replica: 1, formerly: [] },
      isShared: false,
      segments: [{ sequence: 1, bytes: 64 * KiB, copied: 'no' }],
      spares: { files: 0, bytes: 0 },
      tail: { torn: false },
      damage: [],
      damageCount: 0,
    });
    expect(report.stores).toMatchObject([
      {
        group: 'test',
        firstSlot: 2,
        lastSlot: 2 ** 40,
        decidedThrough: 3,
        promise: { configuration: 1, round: 2 ** 31, proposer: 2 },
        start: { count: 1, nonce: 2 ** 47 + 3 },
        configuration: { number: 1, members: [{ id: 1 }] },
        votes: 3,
        decided: 1,
        lost: [],
      },
    ]);
  });

  test('gives ballot, length, checksum and bytes of each value, and where it is', async () => {
    const directory = await closedLog([vote(4, 9, 100)], [decided(5, 0)]);
    const { found, places } = await look(directory);
    const { bytes, checksum } = valueOf(vote(4, 9, 100));
    expect(found[0]?.record).toEqual({
      kind: 'vote',
      slot: 4,
      ballot: { configuration: 1, round: 9, proposer: 2 },
      bytes: 100,
      checksum,
      value: bytes,
    });
    expect(found[1]?.record).toMatchObject({ kind: 'decided', slot: 5, bytes: 0 });
    expect(places[0]).toMatch(/^0000000001\.log \d+$/);
    const offset = found[0]?.offset as number;
    expect(fs.readFileSync(segment(directory))[offset], 'the kind of a vote').toBe(2);
  });

  test('repeats nothing that a segment carries on', async () => {
    const appends = range(1, 30).map((slot): LogRecord[] => [vote(slot, 1, 9 * KiB)]);
    const directory = await closedLog([{ kind: 'start', count: 1, nonce: 2 }], ...appends);
    const { report, found } = await look(directory);
    expect(report.segments.length).toBeGreaterThan(3);
    expect(found.filter(({ record }) => record.kind === 'start')).toHaveLength(1);
    expect(report.stores).toMatchObject([{ votes: 30, lastSlot: 30 }]);
    const used = report.segments.map(({ bytes, usedBytes }) => usedBytes <= bytes && usedBytes > 0);
    expect(used).not.toContain(false);
  });

  test('of a renewed store has what is decided, and none of its former promises', async () => {
    const directory = temporaryDirectory();
    const { log } = await openAndRecover(directory);
    await append(log, [vote(1, 3), vote(2, 3), { kind: 'decided-through', slot: 1 }]);
    const store = await log.renew();
    await log.close();
    const { report } = await look(directory);
    expect(report.identity?.formerly).toHaveLength(1);
    expect(report.stores).toMatchObject([{ store, promise: undefined, lastSlot: 1 }]);
  });

  test('that was copied says so', async () => {
    const directory = await closedLog([vote(1)]);
    const copy = temporaryDirectory();
    for (const name of ['identity', '0000000001.log']) {
      fs.copyFileSync(path.join(directory, name), path.join(copy, name));
    }
    expect((await look(copy)).report).toMatchObject({
      segments: [{ copied: 'files' }],
      damage: [],
    });
  });

  test('in a directory that can only be read is told as well', async (context) => {
    const directory = await closedLog([vote(1)], [vote(2)]);
    const { report: wanted } = await look(directory);
    for (const name of fs.readdirSync(directory)) fs.chmodSync(path.join(directory, name), 0o400);
    fs.chmodSync(directory, 0o500);
    expect((await look(directory)).report).toEqual(wanted);
    const at = readOnly(directory);
    if (at === undefined) return context.skip('nothing can be mounted here');
    const { report } = await look(at);
    expect(report.stores).toEqual(wanted.stores);
    expect(report.damage).toEqual([]);
    fs.chmodSync(directory, 0o700);
  });
});

const valueOf = (record: LogRecord) => {
  if (record.kind !== 'vote') throw new Error('a vote is a vote');
  return record.vote.value;
};

describe('damage', () => {
  test('is listed with file and offset, all of it, and what is behind it is told', async () => {
    const all = range(1, 6).map((slot) => vote(slot, 1, 50));
    const directory = await closedLog(...all.map((record): LogRecord[] => [record]));
    const offsets = [2, 4].map((slot) => rot(directory, all[slot - 1] as LogRecord));
    const { report, found } = await look(directory);
    expect(report.damage).toEqual(
      offsets.map((offset, i) => ({
        file: segment(directory),
        offset,
        problem: `the value of slot ${2 * i + 2} fails its checksum`,
      })),
    );
    expect(found.map(({ record }) => 'value' in record && record.value !== undefined)).toEqual([
      true,
      false,
      true,
      false,
      true,
      true,
    ]);
    expect(report.stores[0]?.lost.map(({ slot }) => slot)).toEqual([2, 4]);
  });

  test('of headers costs their groups, and no others', async () => {
    const appends = range(1, 30).map((slot): LogRecord[] => [vote(slot, 1, 9 * KiB)]);
    const directory = await closedLog(...appends);
    const { found, places: all } = await look(directory);
    const groups = all.map((place) => [place.split(' ')[0] as string, place] as const);
    const gone = [2, 9, 10, 17];
    for (const i of gone) {
      const file = path.join(directory, groups[i]?.[0] as string);
      const groupAt = (found[i]?.offset as number) - 64;
      change(file, (bytes) => void bytes.fill(0, groupAt, groupAt + 64));
    }
    const { report, places: left } = await look(directory);
    expect(left).toEqual(all.filter((_, i) => !gone.includes(i)));
    // Two that follow each other are one bad place.
    const places = [2, 9, 17].map((i) => (found[i]?.offset as number) - 64);
    expect(report.damage.map(({ offset }) => offset)).toEqual(places);
  });

  test('of what a later write vouches for is no torn tail', async () => {
    const directory = await closedLog([vote(1)], [vote(2)], [vote(3)]);
    const offset = ((await look(directory)).found[1]?.offset as number) - 64;
    change(segment(directory), (bytes) => void bytes.fill(0, offset, offset + 64));
    const { report } = await look(directory);
    expect(report.damage).toEqual([
      {
        file: segment(directory),
        offset,
        problem: expect.stringMatching(/^no group verifies here, but the group at byte \d+ says/),
      },
    ]);
    expect(report).toMatchObject({ tail: { torn: false }, stores: [{ votes: 2, lastSlot: 3 }] });
  });

  test('is counted when there is more of it than can be listed', async () => {
    const values = range(1, 1_100).map((slot) => vote(slot, 1, 9));
    const directory = await closedLog(values, [vote(2_000)]);
    change(segment(directory), (bytes) => {
      for (const record of values) bytes.fill(0, ...span(bytes, valueOf(record).bytes));
    });
    const { report } = await look(directory);
    expect(report.damage).toHaveLength(1_000);
    expect(report.damageCount).toBe(1_100);
  });

  const span = (bytes: Buffer, value: Uint8Array): [number, number] => {
    const at = bytes.indexOf(value);
    return [at, at + value.length];
  };

  test('for which something stands in is damage, and no slot is lost', async () => {
    // The decided value came first, and is as good as the vote.
    const directory = await closedLog([decided(1)], [vote(1, 200)], [vote(2)]);
    rot(directory, vote(1, 200));
    const { report } = await look(directory);
    expect(report.damage).toHaveLength(1);
    expect(report.stores[0]?.lost).toEqual([]);
  });

  test('of the identity leaves the records, of nobody known', async () => {
    const directory = await closedLog([vote(1)]);
    const identity = path.join(directory, 'identity');
    change(identity, (bytes) => void bytes.write('x', 3));
    const { report } = await look(directory);
    expect(report.damage).toEqual([
      { file: identity, offset: 0, problem: 'this is no identity of a store' },
    ]);
    expect(report).toMatchObject({ identity: undefined, stores: [{ group: '', votes: 1 }] });
    fs.rmSync(identity);
    expect((await look(directory)).report.damage).toMatchObject([
      { offset: 0, problem: 'it is missing, but there are segments' },
    ]);
  });

  test('are segments that are missing, cut off, of others or under another name', async () => {
    const appends = range(1, 40).map((slot): LogRecord[] => [vote(slot, 1, 9 * KiB)]);
    const directory = await closedLog(...appends);
    const other = await closedLog([vote(1)]);
    fs.rmSync(segment(directory, 1));
    fs.rmSync(segment(directory, 3));
    fs.truncateSync(segment(directory, 4), 30 * KiB);
    fs.copyFileSync(segment(other), segment(directory, 5));
    fs.copyFileSync(segment(directory, 2), segment(directory, 6));
    const { report } = await look(directory);
    const told = report.damage.map(({ file, problem }) => `${path.basename(file)} ${problem}`);
    expect(told).toEqual([
      '0000000003.log this segment is missing',
      '0000000004.log the file has 30720 bytes, and had 65536',
      expect.stringMatching(/^0000000005\.log this is a segment of store \S+, not \S+$/),
      '0000000006.log this is segment 2, under another name',
      '0000000001.log this segment is missing',
    ]);
  });
});

describe('what a crash has left', () => {
  test('is a torn tail, and no damage', async () => {
    const directory = await closedLog([vote(1)], [vote(2)]);
    const { report: before, found } = await look(directory);
    // The mark of the closing never was, and of the group before it the value is missing.
    const at = found.at(-1)?.offset as number;
    change(segment(directory), (bytes) => void bytes.fill(0, at + 32));
    const { report } = await look(directory);
    expect(before.tail?.torn).toBe(false);
    expect(report.tail).toEqual({ file: segment(directory), offset: at - 64, torn: true });
    expect(report).toMatchObject({ damage: [], stores: [{ lastSlot: 1 }] });
  });

  test('of making a store is no damage', async () => {
    const directory = await closedLog();
    fs.rmSync(path.join(directory, 'identity'));
    change(segment(directory), (bytes) => void bytes.fill(0, 4096));
    expect((await look(directory)).report).toMatchObject({ identity: undefined, damage: [] });
  });
});

describe('what is no log', () => {
  test.each(['', 'nowhere', 'a file'])('is refused: %s', async (name) => {
    const directory = temporaryDirectory();
    fs.writeFileSync(path.join(directory, 'a file'), '');
    await expect(look(path.join(directory, name))).rejects.toMatchObject({
      code: name === '' ? 'RSL_INVALID_OPTION' : expect.any(String),
    });
    await expect(inspectLog(path.join(directory, name))).rejects.toMatchObject({
      code: 'RSL_INVALID_OPTION',
    });
  });

  test('and what another version wrote is left to that', async () => {
    const directory = await closedLog();
    fs.writeFileSync(path.join(directory, 'identity'), '{"format":2}\n');
    await expect(look(directory)).rejects.toMatchObject({ code: 'RSL_WRONG_STORE' });
  });
});
