import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import type { FileLogStore } from '../src/file-log-store.ts';
import { type Files, systemFiles } from '../src/files.ts';
import type { FileLogOptions } from '../src/options.ts';
import { resize, tmpfs } from './mounts.ts';
import {
  append,
  clocked,
  eventually,
  KiB,
  MiB,
  openAndRecover,
  openFiles,
  range,
  shapesOf,
  smallOptions,
  temporaryDirectory,
  ticking,
  vote,
} from './stage.ts';

/** A mark by time would take room when the test does not look. */
const options: FileLogOptions = { ...smallOptions, markAfterMs: 60_000 };
const full = { code: 'RSL_STORAGE_FULL' };

/** A medium on which no file can be made any more while it is `full`. */
class FillingFiles {
  full = false;
  drafts = 0;
  readonly files: Files;
  constructor() {
    const real = systemFiles('none');
    this.files = {
      ...real,
      open: (file, how) => {
        if (how === 'create' && file.includes('draft') && this.full) {
          this.drafts += 1;
          throw Object.assign(new Error('ENOSPC: no space left'), { code: 'ENOSPC' });
        }
        return real.open(file, how);
      },
    };
  }
}

/** Votes for slots from `from` on until one does not fit; that one. */
async function fill(log: FileLogStore, from: number, length = 9_000): Promise<number> {
  for (let slot = from; ; slot += 1) {
    try {
      await append(log, [vote(slot, 1, length)]);
    } catch (error) {
      expect(error).toMatchObject(full);
      return slot;
    }
  }
}

describe('a full medium (S5)', () => {
  test('an append that does not fit is not stored, and a later one may be', async () => {
    const medium = new FillingFiles();
    const directory = temporaryDirectory();
    const { log } = await openAndRecover(directory, options, medium.files);
    medium.full = true;
    const slot = await fill(log, 1);
    expect(slot).toBeGreaterThan(6);
    // Nothing stays of it: not even a failure.
    await append(log, []);
    expect(await log.read(slot, slot, 1)).toEqual([]);
    await expect(append(log, [vote(slot, 1, 9_000)])).rejects.toMatchObject({
      ...full,
      message: expect.stringContaining('make room'),
    });
    medium.full = false;
    await append(log, [vote(slot, 1, 9_000)]);
    await log.close();
    const again = await openAndRecover(directory, options);
    expect(shapesOf(again.records)).toEqual(shapesOf(range(1, slot).map((n) => vote(n, 1, 9_000))));
    await again.log.close();
  });

  test('what was appended behind it, before anybody knew, is refused with it', async () => {
    // Whoever appends a small one behind it may say there that the first is durable (P2, P6).
    const medium = new FillingFiles();
    const { log } = await openAndRecover(temporaryDirectory(), options, medium.files);
    medium.full = true;
    const slot = await fill(log, 1);
    const order: string[] = [];
    let error: unknown;
    await new Promise<void>((resolve) => {
      log.append([vote(slot, 1, 9_000)], (why) => {
        error = why;
        order.push('large');
        // From here on it is known.
        log.append([vote(slot, 1, 1)], (later) => {
          order.push(`later ${String(later?.code)}`);
          resolve();
        });
      });
      log.append([vote(slot + 1, 1, 1)], (why) => order.push(`small ${why === error}`));
      log.append([], (why) => order.push(`barrier ${why === error}`));
    });
    expect(error).toMatchObject(full);
    expect(order).toEqual(['large', 'small true', 'barrier true', 'later undefined']);
    expect((await log.read(slot, slot + 1, 1)).map((value) => value.slot)).toEqual([slot]);
    await log.close();
  });

  test('what was appended in front of it is stored first', async () => {
    const medium = new FillingFiles();
    const { log } = await openAndRecover(temporaryDirectory(), options, medium.files);
    medium.full = true;
    const all = range(1, 40).map((slot) => append(log, [vote(slot, 1, 9_000)]));
    const results = await Promise.allSettled(all);
    const stored = results.findIndex(({ status }) => status === 'rejected');
    expect(stored).toBeGreaterThan(6);
    for (const result of results.slice(stored)) {
      expect(result).toMatchObject({ status: 'rejected', reason: full });
    }
    expect(await log.read(1, 40, 1e9)).toHaveLength(stored);
    await log.close();
  });

  test('what is truncated gives room, for which a block was kept', async () => {
    const medium = new FillingFiles();
    const directory = temporaryDirectory();
    const { log } = await openAndRecover(directory, options, medium.files);
    medium.full = true;
    let slot = await fill(log, 1);
    for (const _ of range(1, 5)) {
      log.truncate(slot);
      const next = await fill(log, slot);
      expect(next).toBeGreaterThan(slot + 4);
      slot = next;
    }
    await log.close();
    const again = await openAndRecover(directory, options, medium.files);
    expect(again.log.info().firstSlot).toBeGreaterThan(20);
    await again.log.close();
  });

  test('a truncation that frees nothing leaves that block alone', async () => {
    const medium = new FillingFiles();
    const { context, pass } = ticking();
    const { log } = await openAndRecover(temporaryDirectory(), options, medium.files, context);
    medium.full = true;
    // Two blocks each, so that nothing is left but what is kept for marks.
    const slot = await fill(log, 1, 7_000);
    for (const before of [2, 3, 4]) {
      log.truncate(before);
      pass();
      await append(log, []);
      await expect(append(log, [vote(slot, 1, 9_000)])).rejects.toMatchObject(full);
    }
    log.truncate(slot);
    await append(log, [vote(slot, 1, 9_000)]);
    await log.close();
  });

  test('a segment that somebody was reading gives its room later', async () => {
    const medium = new FillingFiles();
    const { log } = await openAndRecover(temporaryDirectory(), options, medium.files);
    medium.full = true;
    const slot = await fill(log, 1);
    const reading = log.read(1, slot - 1, 1e9);
    log.truncate(slot);
    await expect(append(log, [vote(slot, 1, 9_000)])).rejects.toMatchObject(full);
    expect(await reading).toHaveLength(slot - 1);
    await append(log, [vote(slot, 1, 9_000)]);
    await log.close();
  });

  test('a closed log ends with a mark, full or not', async () => {
    // Without it rot in the last group would look like a torn write (S1).
    const medium = new FillingFiles();
    const directory = temporaryDirectory();
    const { log } = await openAndRecover(directory, options, medium.files);
    medium.full = true;
    const slot = await fill(log, 1, 100);
    await log.close();
    const last = vote(slot - 1, 1, 100);
    const bytes = last.kind === 'vote' ? last.vote.value.bytes : new Uint8Array(0);
    const file = path.join(directory, '0000000002.log');
    const stored = fs.readFileSync(file);
    stored[stored.indexOf(bytes)] = 255;
    fs.writeFileSync(file, stored);
    const again = await openAndRecover(directory, options, medium.files);
    expect([...again.log.info().damaged.keys()]).toEqual([slot - 1]);
    await again.log.close();
  });

  test('no room inside what was allocated is a failure like any other (S4)', async () => {
    const real = systemFiles('none');
    let failing = false;
    const { log } = await openAndRecover(temporaryDirectory(), options, {
      ...real,
      write(fd, bytes, position) {
        if (failing) throw Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' });
        real.write(fd, bytes, position);
      },
    });
    await append(log, [vote(1)]);
    failing = true;
    const failure = await append(log, [vote(2)]).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'RSL_STORAGE_FAILED' });
    failing = false;
    await expect(append(log, [vote(3)])).rejects.toBe(failure);
    await log.close();
  });

  test('a new segment that cannot be named is a failure, whatever the reason', async () => {
    // It may have its name, or not: then nobody may go on.
    const real = systemFiles('none');
    const { log } = await openAndRecover(temporaryDirectory(), options, {
      ...real,
      rename(from, to) {
        real.rename(from, to);
        if (to.endsWith('2.log')) throw Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' });
      },
    });
    const results = await Promise.allSettled(
      range(1, 12).map((slot) => append(log, [vote(slot, 1, 9_000)])),
    );
    expect(results.at(-1)).toMatchObject({ reason: { code: 'RSL_STORAGE_FAILED' } });
    await expect(append(log, [])).rejects.toMatchObject({ code: 'RSL_STORAGE_FAILED' });
    await log.close();
  });

  test('a draft that could not be finished is not left behind', async () => {
    const real = systemFiles('none');
    let fails = false;
    const directory = temporaryDirectory();
    const { log } = await openAndRecover(directory, options, {
      ...real,
      rename(from, to) {
        if (fails && to.includes('spare')) {
          throw Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' });
        }
        real.rename(from, to);
      },
    });
    fails = true;
    await fill(log, 1);
    expect(fs.readdirSync(directory).filter((name) => name.startsWith('draft'))).toEqual([]);
    await log.close();
  });
});

describe('bytesFree', () => {
  test('says what can still be appended, up to the limit that the user gave', async () => {
    const storeBytesMax = 8 * 64 * KiB;
    const { log } = await openAndRecover(temporaryDirectory(), { ...options, storeBytesMax });
    const first = log.info().bytesFree;
    expect(first).toBeLessThanOrEqual(storeBytesMax);
    expect(first).toBeGreaterThan(storeBytesMax - 64 * KiB);
    let before = first;
    let slot = 1;
    for (; ; slot += 1) {
      try {
        await append(log, [vote(slot, 1, 4_000)]);
      } catch (error) {
        expect(error).toMatchObject({ ...full, message: expect.stringContaining('storeBytesMax') });
        break;
      }
      const { bytesFree, bytesUsed } = log.info();
      expect(bytesFree).toBeLessThanOrEqual(before);
      expect(bytesUsed).toBeLessThanOrEqual(storeBytesMax);
      before = bytesFree;
    }
    // 4,000 bytes take two blocks; headers and what is carried on take some more.
    expect(slot * 8_192).toBeGreaterThan(first * 0.8);
    expect(log.info().bytesFree).toBeLessThan(2 * 8_192);
    log.truncate(slot);
    await append(log, [vote(slot, 1, 4_000)]);
    expect(log.info().bytesFree).toBeGreaterThan(first / 2);
    await log.close();
  });

  test('counts what waits as stored', async () => {
    const storeBytesMax = 4 * MiB;
    const { log } = await openAndRecover(temporaryDirectory(), { ...options, storeBytesMax });
    const before = log.info().bytesFree;
    const all = range(1, 10).map((slot) => append(log, [vote(slot, 1, 100_000)]));
    expect(log.info().bytesFree).toBeLessThanOrEqual(before - 1_000_000);
    await Promise.all(all);
    await log.close();
  });
});

describe('a small file system', () => {
  for (const sync of ['inline', 'thread'] as const) {
    test(`fills up, and the log goes on when there is room, ${sync}`, async ({ skip }) => {
      const at = tmpfs('size=600k') ?? skip();
      const large = { ...options, sync, segmentBytes: 128 * KiB };
      const { log } = await openAndRecover(at, large);
      const slot = await fill(log, 1);
      expect(slot).toBeGreaterThan(20);
      expect(log.info().bytesFree).toBeLessThan(9_000);
      await expect(append(log, [vote(slot, 1, 9_000)])).rejects.toMatchObject(full);
      expect(await log.read(1, slot, 1e9)).toHaveLength(slot - 1);
      // A medium with more room, and nothing is started again.
      resize(at, '1200k');
      const next = await fill(log, slot);
      expect(next).toBeGreaterThan(slot + 10);
      await log.close();

      const again = await openAndRecover(at, large);
      expect(again.records).toHaveLength(next - 1);
      again.log.truncate(next);
      await append(again.log, [vote(next, 1, 9_000)]);
      await again.log.close();
    });
  }

  test('what others take is seen, and so is what they give back', async ({ skip }) => {
    const at = tmpfs('size=4m') ?? skip();
    let nowMs = 0;
    const log = await openFiles(
      at,
      options,
      undefined,
      clocked(() => nowMs),
    );
    await log.recover(() => {});
    const before = log.info().bytesFree;
    expect(before).toBeGreaterThan(3 * MiB);
    fs.writeFileSync(path.join(at, 'other'), new Uint8Array(3 * MiB));
    // The question is under way when `info` returns; the answer is in one of the next.
    nowMs += 1_000;
    await eventually(() => log.info().bytesFree <= before - 3 * MiB + 64 * KiB);
    fs.rmSync(path.join(at, 'other'));
    nowMs += 1_000;
    await eventually(() => log.info().bytesFree >= before);
    await log.close();
  });
});
