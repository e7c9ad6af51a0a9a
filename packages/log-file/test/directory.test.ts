import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { prepareDirectory } from '../src/directory.ts';
import { type Files, systemFiles } from '../src/files.ts';
import { fileLog } from '../src/index.ts';
import { immutable, readOnly, resize, tmpfs } from './mounts.ts';
import {
  append,
  contextOf,
  KiB,
  MiB,
  openAndRecover,
  openFiles,
  range,
  smallOptions,
  temporaryDirectory,
  vote,
} from './stage.ts';

test('two processes may look at the same directory at the same moment', () => {
  // Both come before either has the lock. The one that loses is told that the directory is locked,
  // not that it cannot be used: so neither look may get in the other's way.
  const directory = temporaryDirectory();
  const real = systemFiles('durable');
  const mine: Files = {
    ...real,
    open(file, how) {
      let fd = -1;
      const theirs: Files = {
        ...real,
        close(theirFd) {
          real.close(theirFd);
          fd = real.open(file, how);
        },
      };
      prepareDirectory(directory, theirs);
      return fd;
    },
  };
  expect(() => prepareDirectory(directory, mine)).not.toThrow();
  expect(fs.readdirSync(directory)).toEqual([]);
});

describe('whose the store is (S8)', () => {
  test('another group, replica or format is refused, and both are named', async () => {
    const directory = temporaryDirectory();
    await (await openAndRecover(directory)).log.close();
    const openAs = (change: Parameters<typeof contextOf>[0]) =>
      openFiles(directory, smallOptions, undefined, contextOf(change));
    await expect(openAs({ group: 'other' })).rejects.toMatchObject({
      code: 'RSL_WRONG_STORE',
      message: expect.stringMatching(/group "test", not "other"/),
    });
    await expect(openAs({ self: 7 })).rejects.toMatchObject({
      code: 'RSL_WRONG_STORE',
      message: expect.stringMatching(/replica 1, not 7/),
    });
    const file = path.join(directory, 'identity');
    fs.writeFileSync(file, fs.readFileSync(file, 'utf8').replace('"format":1', '"format":2'));
    await expect(openAs({})).rejects.toMatchObject({
      code: 'RSL_WRONG_STORE',
      message: expect.stringMatching(/format 2, not 1; open it with the version of/),
    });
  });

  test('an identity that cannot be read is damage, never an empty store', async () => {
    const directory = temporaryDirectory();
    await (await openAndRecover(directory)).log.close();
    const file = path.join(directory, 'identity');
    const whole = fs.readFileSync(file, 'utf8');
    for (const text of ['', '{', 'null', '[]', '{"format":1}', whole.replace('test', 'tess')]) {
      fs.writeFileSync(file, text);
      await expect(openFiles(directory)).rejects.toMatchObject({ code: 'RSL_LOG_CORRUPT', file });
    }
  });

  test('a segment of another store is refused', async () => {
    const [mine, other] = [temporaryDirectory(), temporaryDirectory()];
    for (const directory of [mine, other]) await (await openAndRecover(directory)).log.close();
    const name = '0000000001.log';
    fs.copyFileSync(path.join(other, name), path.join(mine, name));
    await expect(openFiles(mine)).rejects.toMatchObject({ code: 'RSL_LOG_CORRUPT', offset: 16 });
  });

  test('a crash while the store is being made does not stop the next start', async () => {
    const model = temporaryDirectory();
    await (await openAndRecover(model)).log.close();
    const calls = countCalls(temporaryDirectory());
    for (let at = 0; at < (await calls); at++) {
      const directory = temporaryDirectory();
      await expect(openFiles(directory, smallOptions, stoppingAt(at))).rejects.toThrow();
      const { log } = await openAndRecover(directory);
      await append(log, [vote(1)]);
      await log.close();
      expect((await openAndRecover(directory)).records).toEqual([vote(1)]);
    }
  });
});

/** How many calls an opening of an empty directory makes. */
async function countCalls(directory: string): Promise<number> {
  const counted = { calls: 0 };
  const log = await openFiles(directory, smallOptions, stoppingAt(Infinity, counted));
  const { calls } = counted;
  await log.close();
  return calls;
}

/** Files whose call number `at` and all later ones fail. */
function stoppingAt(at: number, counted = { calls: 0 }): ReturnType<typeof systemFiles> {
  const files = systemFiles('durable');
  const step =
    <A extends unknown[], R>(call: (...given: A) => R) =>
    (...given: A): R => {
      if (counted.calls++ >= at) throw Object.assign(new Error('EIO: stopped'), { code: 'EIO' });
      return call(...given);
    };
  const { open, write, close, rename, remove, syncDirectory } = files;
  return {
    open: step(open),
    write: step(write),
    close,
    rename: step(rename),
    remove: step(remove),
    syncDirectory: step(syncDirectory),
  };
}

describe('a directory that cannot be used', () => {
  test('is named, with what to do', async () => {
    const directory = temporaryDirectory();
    const file = path.join(directory, 'file');
    fs.writeFileSync(file, '');
    for (const unusable of [file, path.join(file, 'log'), '/proc/rsl/log', '/sys/rsl']) {
      await expect(openFiles(unusable), unusable).rejects.toMatchObject({
        code: 'RSL_STORAGE_UNUSABLE',
        message: expect.stringContaining(unusable),
      });
    }
  });
});

describe('a medium of its own', () => {
  test('a read-only one', async ({ skip }) => {
    const at = tmpfs('ro') ?? skip();
    await expect(openFiles(at)).rejects.toMatchObject({
      code: 'RSL_STORAGE_UNUSABLE',
      message: expect.stringContaining('read-only'),
    });
  });

  test('a store where nobody may write any more, root neither', async ({ skip }) => {
    const directory = temporaryDirectory();
    await (await openAndRecover(directory)).log.close();
    const at = readOnly(directory) ?? skip();
    await expect(openFiles(at)).rejects.toMatchObject({
      code: 'RSL_STORAGE_UNUSABLE',
      message: expect.stringContaining('read-only'),
    });
    // Nothing was changed by that, and there is no lock left.
    await (await openAndRecover(directory)).log.close();
  });

  test('a store whose directory must not change', async ({ skip }) => {
    const directory = immutable() ?? skip();
    await expect(openFiles(directory)).rejects.toMatchObject({
      code: 'RSL_STORAGE_UNUSABLE',
      message: expect.stringContaining('check owner and mode'),
    });
  });

  test.skipIf(process.getuid?.() !== 0)('a store of somebody else', async () => {
    const directory = temporaryDirectory();
    await (await openAndRecover(directory)).log.close();
    process.seteuid?.(65_534);
    try {
      await expect(openFiles(directory)).rejects.toMatchObject({
        code: 'RSL_STORAGE_UNUSABLE',
        message: expect.stringContaining('check owner and mode'),
      });
    } finally {
      process.seteuid?.(0);
    }
    await (await openAndRecover(directory)).log.close();
  });

  test('no room to make the store: RSL_STORAGE_FULL, and it can be made later', async ({
    skip,
  }) => {
    const at = tmpfs('size=512k') ?? skip();
    const options = { ...smallOptions, segmentBytes: 1 * MiB };
    await expect(openFiles(at, options)).rejects.toMatchObject({ code: 'RSL_STORAGE_FULL' });
    expect(fs.readdirSync(at).filter((name) => !name.startsWith('lock'))).toEqual([]);
    resize(at, '8m');
    const { log } = await openAndRecover(at, options);
    await log.close();
  });
});

describe('options', () => {
  test('are checked before anything is opened', () => {
    const wrong: [string, object][] = [
      ['directory', {}],
      ['segmentBytes', { segmentBytes: 1 }],
      ['segmentBytes', { segmentBytes: 64 * KiB + 1 }],
      ['segmentBytes', { segmentBytes: '64' }],
      ['writeBytesMax', { writeBytesMax: 128 * MiB }],
      ['waitingBytesMax', { waitingBytesMax: Number.NaN }],
      ['markAfterMs', { markAfterMs: 0 }],
      ['storeBytesMax', { segmentBytes: 1 * MiB, storeBytesMax: 3 * MiB - 1 }],
      ['moved', { moved: 'yes' }],
      ['sync', { sync: 'sometimes' }],
      ['segmentsBytes', { segmentsBytes: 1 }],
    ];
    for (const [option, options] of wrong) {
      expect(() => fileLog(option === 'directory' ? '' : '/tmp/x', options)).toThrow(
        expect.objectContaining({ code: 'RSL_INVALID_OPTION', option }),
      );
    }
  });

  test('what waits is bounded: beyond the guard the log stops', async () => {
    const { log } = await openAndRecover(temporaryDirectory(), {
      ...smallOptions,
      waitingBytesMax: 1 * MiB,
    });
    const results = await Promise.allSettled(
      range(1, 4).map((slot) => append(log, [vote(slot, 1, 400_000)])),
    );
    expect(results[3]).toMatchObject({
      status: 'rejected',
      reason: {
        code: 'RSL_STORAGE_FAILED',
        message: expect.stringContaining('waitingBytesMax, 1048576'),
        cause: { code: 'RSL_OVERLOADED' },
      },
    });
    await log.close();
  });

  test('may be others at the next opening', async () => {
    const directory = temporaryDirectory();
    let slot = 0;
    for (const segmentBytes of [64 * KiB, 256 * KiB, 128 * KiB, 64 * KiB]) {
      const { log, records } = await openAndRecover(directory, { ...smallOptions, segmentBytes });
      expect(records).toHaveLength(slot);
      for (const _ of range(1, 12)) await append(log, [vote(++slot, 1, 15_000)]);
      await log.close();
    }
  });
});
