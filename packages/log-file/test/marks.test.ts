import fs from 'node:fs';
import path from 'node:path';
import type { LogRecord } from '@rsl/core/protocol';
import { describe, expect, test } from 'vitest';
import { readIdentity } from '../src/directory.ts';
import { type Files, systemFiles } from '../src/files.ts';
import { LogState } from '../src/log-state.ts';
import { recover } from '../src/recover.ts';
import { visitRecords } from '../src/visit.ts';
import {
  append,
  contextOf,
  openAndRecover,
  openFiles,
  range,
  recordsOf,
  shapesOf,
  smallOptions,
  temporaryDirectory,
  ticking,
  vote,
} from './stage.ts';

const first = '0000000001.log';
const block = 4096;

/** A log whose time a test lets pass. */
async function timed(directory: string) {
  const { context, ticks, pass } = ticking();
  const log = await openFiles(directory, smallOptions, undefined, context);
  await recordsOf(log);
  return { log, pass, ticks };
}

const decided = (slot: number): LogRecord => ({
  kind: 'decided',
  slot,
  value: { bytes: Uint8Array.of(3), checksum: 0x4b0bbe37 },
});

/** What is there if the process is killed now. */
function killed(directory: string): string {
  const image = temporaryDirectory();
  for (const name of fs.readdirSync(directory)) {
    if (!name.startsWith('lock')) {
      fs.copyFileSync(path.join(directory, name), path.join(image, name));
    }
  }
  return image;
}

function change(directory: string, work: (bytes: Buffer) => void, name = first): void {
  const file = path.join(directory, name);
  const bytes = fs.readFileSync(file);
  work(bytes);
  fs.writeFileSync(file, bytes);
}

describe('a group with only a mark (S1)', () => {
  test('is written when nothing is appended for a while, once', async () => {
    // It ends the time in which rot in the last group looks like a torn write.
    const directory = temporaryDirectory();
    const { log, pass, ticks } = await timed(directory);
    await append(log, [vote(1)]);
    const before = killed(directory);
    pass();
    await append(log, []);
    expect(ticks.size).toBe(0);
    const after = killed(directory);
    for (const image of [before, after]) {
      change(image, (bytes) => bytes.fill(9, block + 64, 2 * block));
    }
    expect((await openAndRecover(before)).records).toEqual([]);
    await expect(openFiles(after)).rejects.toMatchObject({ code: 'RSL_LOG_CORRUPT' });
    await log.close();
  });

  test('may be written while the records are visited', async () => {
    // A log that was not closed gets its mark soon after it was opened, and may be long to visit.
    const directory = temporaryDirectory();
    const { log } = await openAndRecover(directory);
    await append(log, [vote(1), vote(2)]);
    await log.close();
    const identity = readIdentity(directory, contextOf());
    const state = new LogState(identity.store);
    await recover(directory, [1], identity, systemFiles('none'), state);
    const { current } = state;
    const visited: LogRecord[] = [];
    await visitRecords(state, (record) => {
      visited.push(record);
      // As if the mark were durable, and had been written after the block was read.
      current.end += block;
    });
    expect(visited).toHaveLength(2);
  });

  test('is not written after a failure, and nothing else is', async () => {
    const real = systemFiles('none');
    let failing = false;
    let writes = 0;
    const files: Files = {
      ...real,
      write(fd, bytes, position) {
        if (failing) {
          writes += 1;
          throw Object.assign(new Error('EIO'), { code: 'EIO' });
        }
        real.write(fd, bytes, position);
      },
    };
    const { log } = await openAndRecover(temporaryDirectory(), smallOptions, files);
    await append(log, [vote(1)]);
    // What fails is the group, and not the next segment, which is ready.
    await append(log, []);
    failing = true;
    const all = range(2, 9).map((slot) => append(log, [vote(slot)]));
    for (const result of await Promise.allSettled(all)) expect(result.status).toBe('rejected');
    const before = writes;
    failing = false;
    log.truncate(2);
    for (const _ of range(1, 3)) await append(log, [vote(10)]).catch(() => {});
    await log.close();
    expect(before).toBeLessThanOrEqual(2);
    expect(writes).toBe(before);
  });
});

describe('what is carried on into a segment when no other has it any more', () => {
  /** The closing mark begins a segment, and all in front of that segment is forgotten. */
  async function carriedOn(record: (slot: number) => LogRecord): Promise<string> {
    const directory = temporaryDirectory();
    const { log } = await openAndRecover(directory);
    for (const slot of range(1, 15)) await append(log, [record(slot)]);
    log.truncate(16);
    await log.close();
    expect(fs.readdirSync(directory)).not.toContain(first);
    return directory;
  }
  const second = '0000000002.log';

  test('is vouched for when the log is closed', async () => {
    // Also when nothing has to be carried on but what is forgotten.
    for (const record of [(slot: number) => vote(slot, 1, 100), decided]) {
      const directory = await carriedOn(record);
      change(directory, (bytes) => bytes.fill(9, block + 8, block + 16), second);
      await expect(openFiles(directory)).rejects.toMatchObject({
        code: 'RSL_LOG_CORRUPT',
        file: path.join(directory, second),
      });
    }
  });

  test('is missed if it cannot be read, before anything is erased (S6)', async () => {
    const directory = await carriedOn((slot) => vote(slot, 1, 100));
    change(directory, (bytes) => bytes.fill(9, block, 4 * block), second);
    const before = fs.readFileSync(path.join(directory, second));
    await expect(openFiles(directory)).rejects.toMatchObject({
      code: 'RSL_LOG_CORRUPT',
      file: path.join(directory, first),
    });
    expect(fs.readFileSync(path.join(directory, second)).equals(before)).toBe(true);
  });
});

test('a ballot that only a vote had outlives the slot of that vote (P1)', async () => {
  const directory = temporaryDirectory();
  const { log } = await openAndRecover(directory);
  await append(log, [vote(1, 7), vote(2, 3)]);
  log.truncate(2);
  await append(log, [vote(3, 3)]);
  await log.close();
  const { log: again, records } = await openAndRecover(directory);
  const promise = { kind: 'promise', ballot: { configuration: 1, round: 7, proposer: 2 } };
  expect(records).toEqual([vote(2, 3), vote(3, 3), promise]);
  await again.close();
});

describe('a write that went somewhere else (S1)', () => {
  async function closedLog(): Promise<string> {
    const directory = temporaryDirectory();
    const { log } = await openAndRecover(directory);
    for (const slot of range(1, 3)) await append(log, [vote(slot)]);
    await log.close();
    return directory;
  }

  test('behind the end is never data', async () => {
    const directory = await closedLog();
    const end = 5 * block;
    for (const from of range(1, 4)) {
      change(directory, (bytes) => bytes.copy(bytes, end, from * block, (from + 1) * block));
      const { log, records } = await openAndRecover(directory);
      expect(shapesOf(records)).toEqual(shapesOf(range(1, 3).map((slot) => vote(slot))));
      await log.close();
    }
  });

  test('in place of what had been synced is damage', async () => {
    for (const to of [1, 2]) {
      const directory = await closedLog();
      change(directory, (bytes) => bytes.copy(bytes, to * block, 3 * block, 4 * block));
      await expect(openFiles(directory)).rejects.toMatchObject({ code: 'RSL_LOG_CORRUPT' });
    }
  });

  test('from another segment, or another log, is no group here', async () => {
    const [directory, other] = [await closedLog(), await closedLog()];
    const theirs = fs.readFileSync(path.join(other, first));
    // The group that would be next, with the right number, at the right place.
    change(directory, (bytes) => bytes.fill(0, 3 * block));
    change(directory, (bytes) => theirs.copy(bytes, 3 * block, 3 * block, 4 * block));
    const { log, records } = await openAndRecover(directory);
    expect(shapesOf(records)).toEqual(shapesOf([vote(1), vote(2)]));
    await log.close();
  });
});
