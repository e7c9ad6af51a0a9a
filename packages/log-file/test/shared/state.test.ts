import fs from 'node:fs';
import path from 'node:path';
import type { LogRecord } from '@rsl/core/protocol';
import { expect, test } from 'vitest';
import { prepareDirectory } from '../../src/directory.ts';
import { systemFiles } from '../../src/files.ts';
import { lockDirectory } from '@rsl/directory-lock';
import { openParts } from '../../src/open-parts.ts';
import { completeOptions } from '../../src/options.ts';
import { type EncodedGroup, groupOf } from '../../src/record.ts';
import { SharedState } from '../../src/shared/shared-state.ts';
import { contextOf, KiB, range, smallOptions, temporaryDirectory, vote } from '../stage.ts';

/** The parts of a shared log, without what copies forward. */
async function opened(directory: string) {
  const files = systemFiles('none');
  prepareDirectory(directory, files);
  const lock = await lockDirectory(directory);
  const parts = await openParts({
    directory,
    options: completeOptions(directory, smallOptions),
    context: contextOf(),
    files,
    lock,
    stateOf: (store) => new SharedState(store),
  }).catch(async (error: unknown) => {
    await lock.release();
    throw error;
  });
  const { sync, state } = parts;
  const append = (group: EncodedGroup) =>
    new Promise<void>((resolve, reject) => {
      sync.append(group, (error) => (error === undefined ? resolve() : reject(error)));
    });
  const close = async () => {
    await sync.drain();
    parts.medium.close();
    await parts.writer.close();
    sync.close();
    await lock.release();
  };
  return { state, append, close };
}

const entry = {
  group: 'a',
  replica: 1,
  store: '00000000000000a1',
  firstSlot: 1,
  position: 0,
  copied: false,
};

function rot(directory: string, record: LogRecord): void {
  if (record.kind !== 'vote') throw new Error('a vote is a vote');
  const file = path.join(directory, '0000000001.log');
  const stored = fs.readFileSync(file);
  const at = stored.indexOf(record.vote.value.bytes);
  stored[at + 1] = (stored[at + 1] as number) ^ 4;
  fs.writeFileSync(file, stored);
}

test('a segment in which nothing but a lost value is stays until that is noted (S3)', async () => {
  const directory = temporaryDirectory();
  const first = await opened(directory);
  await first.append(groupOf([{ kind: 'owner', owner: entry }], 1));
  await first.append(groupOf([vote(1, 1, 300)], 1));
  for (const slot of range(10, 20)) await first.append(groupOf([vote(slot, 1, 9 * KiB)], 1));
  // Everything else in it is voted for again.
  for (const slot of range(10, 20)) await first.append(groupOf([vote(slot, 2, 9 * KiB)], 1));
  await first.close();
  rot(directory, vote(1, 1, 300));
  const again = await opened(directory);
  expect(again.state.segments[0]?.sequence).toBe(1);
  expect(again.state.live.in(1)).toBe(0);
  expect(again.state.keepFrom()).toBe(1);
  again.state.withLost.delete(1);
  expect(again.state.keepFrom()).toBeGreaterThan(1);
  await again.close();
});

test('a record of a group that nobody has made is damage (S6)', async () => {
  const directory = temporaryDirectory();
  const first = await opened(directory);
  await first.append(groupOf([{ kind: 'owner', owner: entry }], 1));
  await first.append(groupOf([vote(1)], 9));
  await first.close();
  await expect(opened(directory)).rejects.toMatchObject({ code: 'RSL_LOG_CORRUPT' });
});

test('an owner’s number is not given to another group (S8)', async () => {
  const directory = temporaryDirectory();
  const first = await opened(directory);
  await first.append(groupOf([{ kind: 'owner', owner: entry }], 1));
  await first.append(groupOf([{ kind: 'owner', owner: { ...entry, group: 'b' } }], 1));
  await first.close();
  await expect(opened(directory)).rejects.toMatchObject({ code: 'RSL_LOG_CORRUPT' });
});
