import { expect, test } from 'vitest';
import { copySnapshot } from '../src/copy-snapshot.ts';
import { inspectSnapshots } from '../src/inspect/inspect-snapshots.ts';
import { bytesOf, metaFor } from './content.ts';
import { temporaryDirectory } from './stage.ts';

const length = 1_500_000;
const pieceBytes = 200_000;
const meta = metaFor(7, length);
const content = bytesOf(length);
const pieceAt = (offset: number): Uint8Array => content.slice(offset, offset + pieceBytes);

/** What a replica gives, until it breaks off. */
const reading =
  (asked: number[], breaksAt = Infinity) =>
  async (offset: number) => {
    if (asked.length === breaksAt) throw new Error('the connection was closed');
    asked.push(offset);
    return pieceAt(offset);
  };

const copyTo = (directory: string, read: (offset: number) => Promise<Uint8Array>) =>
  copySnapshot({ directory, group: 'kit', meta, read });

test('a copy that broke off is gone on with, and is verified as a whole', async () => {
  const directory = temporaryDirectory();
  const asked: number[] = [];
  await expect(copyTo(directory, reading(asked, 5))).rejects.toThrow('closed');
  expect(asked).toEqual([0, 1, 2, 3, 4].map((n) => n * pieceBytes));
  const again: number[] = [];
  const told: number[] = [];
  const where = await copySnapshot({
    directory,
    group: 'kit',
    meta,
    read: reading(again),
    onBytes: (bytes) => told.push(bytes),
  });
  // Whole chunks of what there was are kept.
  expect(again[0]).toBeGreaterThan(700_000);
  expect(told.at(-1)).toBe(length);
  expect(where).toContain(directory);
  const report = await inspectSnapshots(directory, { verify: true });
  expect(report.damageCount).toBe(0);
  expect(report.snapshots.map((found) => found.meta?.digest)).toEqual([meta.digest]);
});

test('what is there already is not read again', async () => {
  const directory = temporaryDirectory();
  const where = await copyTo(directory, reading([]));
  const asked: number[] = [];
  expect(await copyTo(directory, reading(asked))).toBe(where);
  expect(asked).toEqual([]);
});

test('other bytes than those of the snapshot are found, and nothing of them stays', async () => {
  const directory = temporaryDirectory();
  const read = async (offset: number) => pieceAt(offset).fill(1);
  await expect(copyTo(directory, read)).rejects.toMatchObject({ code: 'RSL_SNAPSHOT_CORRUPT' });
  const asked: number[] = [];
  await copyTo(directory, reading(asked));
  expect(asked[0]).toBe(0);
});

test.each([
  ['no bytes', async () => new Uint8Array(0)],
  ['more than there are', async () => new Uint8Array(length + 1)],
])('%s in the place of a piece end the copy', async (_, read) => {
  const wrong = copyTo(temporaryDirectory(), read);
  await expect(wrong).rejects.toMatchObject({ code: 'RSL_FRAME_INVALID' });
});
