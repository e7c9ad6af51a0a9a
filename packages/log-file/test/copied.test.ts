import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { compareOrigins, headerOfFile, originOf } from '../src/origin.ts';
import { blockBytes } from '../src/record.ts';
import { CrashFiles } from './crash-files.ts';
import {
  append,
  openAndRecover,
  range,
  shapesOf,
  smallOptions,
  temporaryDirectory,
  vote,
} from './stage.ts';

/** Several segments, closed. */
async function closedLog(): Promise<string> {
  const directory = temporaryDirectory();
  const { log } = await openAndRecover(directory);
  for (const slot of range(1, 20)) await append(log, [vote(slot, 1, 9_000)]);
  await log.close();
  return directory;
}

const segmentsOf = (directory: string) =>
  fs.readdirSync(directory).filter((name) => name.endsWith('.log'));

async function copiedOf(directory: string, moved = false): Promise<string> {
  const { log, records } = await openAndRecover(directory, { ...smallOptions, moved });
  expect(shapesOf(records)).toEqual(shapesOf(range(1, 20).map((slot) => vote(slot, 1, 9_000))));
  const { copied } = log.info();
  await log.close();
  return copied;
}

function copyOf(directory: string): string {
  const copy = temporaryDirectory();
  for (const name of fs.readdirSync(directory)) {
    if (name.startsWith('lock')) continue;
    fs.copyFileSync(path.join(directory, name), path.join(copy, name));
  }
  return copy;
}

/** Another origin in the header of a segment, as if it had been made in that file. */
function changeOrigin(file: string, change: Partial<ReturnType<typeof originOf>>): void {
  const fd = fs.openSync(file, 'r+');
  const block = new Uint8Array(blockBytes);
  fs.readSync(fd, block, 0, blockBytes, 0);
  fs.writeSync(fd, headerOfFile(block, { ...originOf(fd), ...change }), 0, blockBytes, 0);
  fs.closeSync(fd);
}

describe('files that are not where the store made them (S2a)', () => {
  test('the store’s own files are not copied, recycled or renamed', async () => {
    const directory = temporaryDirectory();
    for (const round of range(0, 3)) {
      const { log } = await openAndRecover(directory);
      expect(log.info().copied).toBe('no');
      for (const slot of range(1, 40)) {
        await append(log, [vote(round * 40 + slot, 1, 9_000)]);
        log.truncate(round * 40 + slot);
      }
      await log.close();
    }
    const elsewhere = path.join(temporaryDirectory(), 'renamed');
    fs.renameSync(directory, elsewhere);
    const { log } = await openAndRecover(elsewhere);
    expect(log.info().copied).toBe('no');
    await log.close();
  });

  test('a copy is found out, at every opening', async () => {
    const directory = await closedLog();
    const copy = copyOf(directory);
    expect(await copiedOf(copy)).toBe('files');
    expect(await copiedOf(copy)).toBe('files');
    expect(await copiedOf(directory)).toBe('no');
  });

  test('also when a single segment was put back from a backup', async () => {
    for (const i of [0, 1]) {
      const directory = await closedLog();
      const file = path.join(directory, segmentsOf(directory)[i] as string);
      const backup = path.join(temporaryDirectory(), 'backup');
      fs.copyFileSync(file, backup);
      fs.copyFileSync(backup, `${file}.new`);
      fs.renameSync(`${file}.new`, file);
      expect(await copiedOf(directory)).toBe('files');
    }
  });

  test('another number of the device alone is told apart from that', async () => {
    const directory = await closedLog();
    for (const name of segmentsOf(directory)) {
      changeOrigin(path.join(directory, name), { device: 987_654n });
    }
    expect(await copiedOf(directory)).toBe('device');
    changeOrigin(path.join(directory, '0000000001.log'), { inode: 987_654n });
    expect(await copiedOf(directory)).toBe('files');
  });

  test('an inode that was used again has another birth time', () => {
    const one = { device: 1n, inode: 2n, birthNs: 3n };
    expect(compareOrigins(one, one)).toBe('no');
    expect(compareOrigins(one, { ...one, birthNs: 4n })).toBe('files');
    // Where a file system does not say, nothing follows.
    expect(compareOrigins(one, { ...one, birthNs: 0n })).toBe('no');
    expect(compareOrigins({ ...one, birthNs: 0n }, one)).toBe('no');
    expect(compareOrigins({ device: 0n, inode: 0n, birthNs: 0n }, one)).toBe('no');
  });

  test('moved: true says that the operator did it, and is not needed again', async () => {
    const copy = copyOf(await closedLog());
    expect(await copiedOf(copy, true)).toBe('no');
    expect(await copiedOf(copy)).toBe('no');
    expect(await copiedOf(copyOf(copy))).toBe('files');
  });

  test('a crash while that is recorded leaves a log that opens', async () => {
    const copy = copyOf(await closedLog());
    const files = new CrashFiles(copy);
    const { log } = await openAndRecover(copy, { ...smallOptions, moved: true }, files);
    await log.close();
    for (let at = 0; at <= files.steps.length; at++) {
      for (const survives of [(i: number) => i === 0, (i: number) => i > 0, () => true]) {
        const image = temporaryDirectory();
        files.image(image, at, survives, () => true);
        expect(await copiedOf(image, true)).toBe('no');
        fs.rmSync(image, { recursive: true });
      }
    }
  });

  test('a renewed store is not told of its former life’s files', async () => {
    const copy = copyOf(await closedLog());
    const { log } = await openAndRecover(copy);
    expect(log.info().copied).toBe('files');
    await log.renew();
    expect(log.info().copied).toBe('no');
    await append(log, [vote(50)]);
    await log.close();
    const again = await openAndRecover(copy);
    expect(again.log.info().copied).toBe('no');
    await again.log.close();
    // Until it is copied again.
    const { log: twice } = await openAndRecover(copyOf(copy));
    expect(twice.info().copied).toBe('files');
    await twice.close();
  });
});
