import type { LogRecord } from '@rsl/core/protocol';
import { silentLogger } from '@rsl/core';
import { expect, test } from 'vitest';
import { prepareDirectory } from '../../src/directory.ts';
import { systemFiles } from '../../src/files.ts';
import { lockDirectory } from '@rsl/directory-lock';
import { openParts } from '../../src/open-parts.ts';
import { completeOptions } from '../../src/options.ts';
import { type EncodedGroup, type FileRecord, groupOf } from '../../src/record.ts';
import { CopyForward } from '../../src/shared/copy-forward.ts';
import type { Owner } from '../../src/shared/owner.ts';
import { SharedState } from '../../src/shared/shared-state.ts';
import {
  contextOf,
  decided,
  KiB,
  range,
  shapesOf,
  smallOptions,
  temporaryDirectory,
  vote,
} from '../stage.ts';

/** A log with these records of one group in its oldest segment, and what is copied out of it. */
async function logOf(records: readonly LogRecord[]) {
  const directory = temporaryDirectory();
  const files = systemFiles('none');
  prepareDirectory(directory, files);
  const parts = await openParts({
    directory,
    options: completeOptions(directory, smallOptions),
    context: contextOf(),
    files,
    lock: await lockDirectory(directory),
    stateOf: (store) => new SharedState(store),
  });
  const { sync, state } = parts;
  const append = (group: EncodedGroup) =>
    new Promise<void>((resolve, reject) => {
      sync.append(group, (error) => (error === undefined ? resolve() : reject(error)));
    });
  const entry = { group: 'a', replica: 1, store: '00000000000000a1', position: 0, copied: false };
  await append(groupOf([{ kind: 'owner', owner: { ...entry, firstSlot: 1 } }], 1));
  await append(groupOf(records, 1));
  for (const slot of range(100, 112)) await append(groupOf([vote(slot, 1, 9 * KiB)], 1));
  const owner = state.owners.get(1) as Owner;
  const copied: FileRecord[] = [];
  const copying = new CopyForward({
    state,
    sync: {
      append(group, done) {
        copied.push(...group.records.filter((r) => !('slot' in r) || r.slot < 100));
        sync.append(group, done);
      },
      truncated: () => sync.truncated(),
    },
    logger: silentLogger,
    segmentBytes: 64,
    isShort: () => true,
  });
  async function copy(): Promise<string[]> {
    copying.asked();
    copying.look();
    await copying.stop();
    return shapesOf(copied as LogRecord[]);
  }
  const close = async () => {
    owner.pending.length = 0;
    await sync.drain();
    parts.medium.close();
    await parts.writer.close();
    sync.close();
    await parts.lock.release();
  };
  return { owner, copy, close };
}

test('what counts is copied, and nothing else', async () => {
  const { copy, close } = await logOf([
    vote(1, 1),
    { kind: 'promise', ballot: { configuration: 1, round: 9, proposer: 2 } },
    vote(2, 1, 0),
    vote(2, 2, 40),
    vote(3, 1, 0),
    decided(3, 50),
    vote(3, 4, 0),
    vote(1, 3),
  ]);
  expect(await copy()).toEqual(shapesOf([vote(1, 3), vote(2, 2, 40), decided(3, 50)]));
  await close();
});

test('a slot that is voted for meanwhile is not copied: the copy would be newer', async () => {
  const { owner, copy, close } = await logOf([vote(1, 1), vote(2, 1)]);
  owner.pending.push([{ kind: 'start', count: 1, nonce: 1 }, vote(1, 5)]);
  expect(await copy()).toEqual(shapesOf([vote(2, 1)]));
  await close();
});

test('a group that is renewed meanwhile is not copied into its next life (S2)', async () => {
  const { owner, copy, close } = await logOf([vote(1, 1), vote(2, 1)]);
  owner.renewing = true;
  expect(await copy()).toEqual([]);
  await close();
});
