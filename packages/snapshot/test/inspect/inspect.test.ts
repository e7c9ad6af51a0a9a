import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { systemFiles } from '../../src/files.ts';
import { inspectSnapshots } from '../../src/inspect/index.ts';
import { aboutOf, bytesOf, metaFor } from '../content.ts';
import { openOn, temporaryDirectory } from '../stage.ts';

const options = { chunkBytes: 512 };

/** Everything about a directory that a program may change, but for when it was read last. */
function fingerprint(directory: string): string[] {
  const told = (file: string): string => {
    const { ctimeNs, ino, mode, mtimeNs, nlink, size } = fs.lstatSync(file, { bigint: true });
    const isFile = fs.lstatSync(file).isFile();
    const content = isFile ? createHash('sha256').update(fs.readFileSync(file)).digest('hex') : '';
    return `${file} ${ino} ${mode} ${nlink} ${size} ${mtimeNs} ${ctimeNs} ${content}`;
  };
  const names = fs.readdirSync(directory).sort();
  return [told(directory), ...names.map((name) => told(path.join(directory, name)))];
}

const looked: { readonly directory: string; readonly before: string[] }[] = [];

/** Not one of these has changed when a test is over. */
function untouched(directory: string): string {
  looked.push({ directory, before: fingerprint(directory) });
  return directory;
}

afterEach(() => {
  for (const { directory, before } of looked.splice(0)) {
    expect(fingerprint(directory)).toEqual(before);
  }
});

/** Two snapshots and what was left of a copy. */
async function someSnapshots(): Promise<string> {
  const directory = temporaryDirectory();
  const store = await openOn(systemFiles, directory, options);
  for (const [slot, length] of [
    [3, 700],
    [8, 5_000],
  ] as const) {
    const writer = await store.create(aboutOf(slot));
    await writer.write(bytesOf(length));
    await writer.commit();
  }
  const copy = await store.copy(metaFor(12, 4_000));
  await copy.write(bytesOf(4_000).slice(0, 2_222));
  await copy.leave();
  await store.close();
  return directory;
}

const fileOf = (directory: string, slot: number): string =>
  path.join(directory, `${String(slot).padStart(16, '0')}.snapshot`);

function flip(file: string, at: number): void {
  const bytes = fs.readFileSync(file);
  bytes[at] = (bytes.at(at) as number) ^ 1;
  fs.writeFileSync(file, bytes);
}

describe('what is sound', () => {
  test('is told with slot, membership, layout, bytes and digest, the newest first', async () => {
    const directory = untouched(await someSnapshots());
    const report = await inspectSnapshots(directory);
    expect(report).toMatchObject({ directory, damage: [], damageCount: 0, condemned: undefined });
    expect(report.snapshots.map(({ meta }) => meta)).toEqual([metaFor(8, 5_000), metaFor(3, 700)]);
    expect(report.snapshots[0]).toMatchObject({ group: 'kit', chunkBytes: 512 });
    expect(report.snapshots[0]?.verified).toBeUndefined();
    const { digest } = metaFor(12, 4_000);
    expect(report.copies).toMatchObject([{ slot: 12, digest, bytes: undefined }]);
  });

  test('is verified if that is asked for, and what a copy can go on from', async () => {
    const report = await inspectSnapshots(untouched(await someSnapshots()), { verify: true });
    expect(report.snapshots.map(({ verified }) => verified)).toEqual([true, true]);
    expect(report.copies).toMatchObject([{ bytes: 4 * 512 }]);
  });

  test('may be nothing at all', async () => {
    const report = await inspectSnapshots(untouched(temporaryDirectory()));
    expect(report).toMatchObject({ snapshots: [], copies: [], drafts: [], damage: [] });
  });

  test('may be a store that is open and has nothing yet', async () => {
    const directory = temporaryDirectory();
    const store = await openOn(systemFiles, directory, options);
    const usedBy = `process ${process.pid}`;
    expect(await inspectSnapshots(directory)).toMatchObject({ usedBy, snapshots: [], damage: [] });
    await store.close();
    expect(await inspectSnapshots(untouched(directory))).toMatchObject({ usedBy: undefined });
  });

  test('is told while a replica writes another', async () => {
    const directory = await someSnapshots();
    const store = await openOn(systemFiles, directory, options);
    const writer = await store.create(aboutOf(20));
    await writer.write(bytesOf(3_000));
    const report = await inspectSnapshots(untouched(directory), { verify: true });
    expect(report).toMatchObject({ drafts: [{}], damage: [] });
    expect(report.snapshots).toHaveLength(2);
    expect(fingerprint(directory)).toEqual(looked.pop()?.before);
    await store.close();
  });

  test('in a directory that can only be read is told as well', async () => {
    const directory = await someSnapshots();
    for (const name of fs.readdirSync(directory)) fs.chmodSync(path.join(directory, name), 0o400);
    fs.chmodSync(directory, 0o500);
    const report = await inspectSnapshots(untouched(directory), { verify: true });
    expect(report.snapshots).toHaveLength(2);
  });
});

describe('damage', () => {
  test('of content is found by verifying, each chunk with its offset', async () => {
    const directory = await someSnapshots();
    const file = fileOf(directory, 8);
    const places = [1, 4].map((chunk) => 4_096 + chunk * 520);
    for (const place of places) flip(file, place + 100);
    untouched(directory);
    expect((await inspectSnapshots(directory)).damage).toEqual([]);
    const report = await inspectSnapshots(directory, { verify: true });
    expect(report.damage).toEqual([
      { file, offset: places[0], problem: 'chunk 1 fails its checksum' },
      { file, offset: places[1], problem: 'chunk 4 fails its checksum' },
    ]);
    expect(report.snapshots.map(({ verified }) => verified)).toEqual([false, true]);
  });

  test('of any byte is found', async () => {
    const directory = await someSnapshots();
    const file = fileOf(directory, 3);
    const before = fs.readFileSync(file);
    for (let at = 0; at < before.length; at += at < 600 || at > 4_000 ? 1 : 97) {
      flip(file, at);
      const report = await inspectSnapshots(untouched(directory), { verify: true });
      expect(report.damageCount, `byte ${at}`).toBeGreaterThan(0);
      expect(fingerprint(directory)).toEqual(looked.pop()?.before);
      fs.writeFileSync(file, before);
    }
  }, 60_000);

  test('is a file that is cut off, of another group or under another name', async () => {
    const directory = await someSnapshots();
    fs.copyFileSync(fileOf(directory, 8), fileOf(directory, 9));
    fs.truncateSync(fileOf(directory, 8), 5_000);
    const other = temporaryDirectory();
    const store = await openOn(systemFiles, other, options, 'another');
    await (await store.create(aboutOf(2))).commit();
    await store.close();
    fs.copyFileSync(fileOf(other, 2), fileOf(directory, 2));
    const { damage } = await inspectSnapshots(untouched(directory));
    expect(
      damage.map(({ file, problem }) => `${Number.parseInt(path.basename(file))} ${problem}`),
    ).toEqual([
      '9 this is the snapshot of slot 8, under another name',
      '8 this is no end that fits the header',
      '2 this is of group "another", not "kit"',
    ]);
  });

  test('that was set aside is told, and is no news', async () => {
    const directory = await someSnapshots();
    flip(fileOf(directory, 8), 4_200);
    const store = await openOn(systemFiles, directory, options);
    await store.condemn(metaFor(8, 5_000));
    await store.close();
    const report = await inspectSnapshots(untouched(directory), { verify: true });
    expect(report).toMatchObject({ damage: [], condemned: { verified: false, meta: { slot: 8 } } });
    expect(report.snapshots).toHaveLength(1);
  });
});

describe('what has no snapshots', () => {
  test.each(['', 'nowhere', 'a file'])('is refused: %s', async (name) => {
    const directory = temporaryDirectory();
    fs.writeFileSync(path.join(directory, 'a file'), '');
    await expect(inspectSnapshots(path.join(untouched(directory), name))).rejects.toMatchObject({
      code: 'RSL_INVALID_OPTION',
    });
  });
});
