import fs from 'node:fs';
import path from 'node:path';
import { nowhere } from '@rsl/core/protocol';
import { LoneMachine } from '@rsl/core/testing';
import { expect, test } from 'vitest';
import { imageLayout } from '../../src/image-layout.ts';
import { inspectSnapshots } from '../../src/inspect/index.ts';
import { restoreBackup } from '../../src/offline/index.ts';
import { snapshotAt } from '../../src/offline/snapshot-file-at.ts';
import { writeSnapshot } from '../../src/offline/write-snapshot.ts';
import { piecesOf } from '../../src/pieces.ts';
import { KeyValues } from '../key-values.ts';
import { temporaryDirectory } from '../stage.ts';
import { membershipOf } from './decided.ts';

/** A machine that has executed something under a session, and its backup. */
async function backedUp() {
  const machine = new KeyValues();
  const lone = new LoneMachine(machine);
  await lone.start();
  const session = lone.openSession(60_000);
  for (const [i, command] of ['a=1', 'b=2', 'a=3'].entries()) {
    lone.executeUnder({ ...session, firstSequence: i + 1, acknowledged: 0 }, command);
  }
  const directory = temporaryDirectory();
  const slot = lone.state.executedThrough;
  const about = { slot, membership: membershipOf('feedfacefeedface'), layout: imageLayout };
  const image = () => lone.state.save();
  const saved = await writeSnapshot({ directory, group: 'old', self: 3, about, image });
  return { directory, file: saved.where, lone, machine, session, slot };
}

const restoredTo = (backup: string, to = temporaryDirectory()) =>
  restoreBackup({ backup, to, group: 'new', self: 1 });

test('a backup is what a new replica begins with: state, sessions and group time', async () => {
  const { directory, file, lone, machine, session, slot } = await backedUp();
  const came = await restoredTo(directory);
  expect(await restoredTo(file)).toMatchObject({ founding: came.founding });
  const { group, reader } = await snapshotAt(came.where);
  expect(reader.meta).toMatchObject({ slot, membership: nowhere, layout: imageLayout });
  expect([group, came.founding]).toEqual(['new', { slot, digest: reader.meta.digest }]);
  const again = new KeyValues();
  const other = new LoneMachine(again);
  await other.start();
  await other.state.load(slot, piecesOf(reader));
  await reader.close();
  expect(again.entries).toEqual(machine.entries);
  expect(other.state).toMatchObject({ executedThrough: slot, timeMs: lone.state.timeMs });
  expect(other.resultOf(session, 3)).toEqual(lone.resultOf(session, 3));
  expect(other.resultOf(session, 3)).toBeDefined();
});

test('ballots begin anew: what the new group seals in its first ballot is executed', async () => {
  const { directory, slot } = await backedUp();
  const { where } = await restoredTo(directory);
  const { reader } = await snapshotAt(where);
  const again = new KeyValues();
  const other = new LoneMachine(again);
  await other.start();
  await other.state.load(slot, piecesOf(reader));
  await reader.close();
  other.log.cut(slot + 1);
  other.execute('c=9');
  expect(again.entries).toContain('c=9');
});

test('what is damaged is not restored, and nothing is written', async () => {
  const { directory, file } = await backedUp();
  const bytes = fs.readFileSync(file);
  bytes[bytes.length - 80] = (bytes[bytes.length - 80] as number) ^ 1;
  fs.writeFileSync(file, bytes);
  const to = temporaryDirectory();
  await expect(restoredTo(directory, to)).rejects.toMatchObject({ code: 'RSL_SNAPSHOT_CORRUPT' });
  expect(fs.readdirSync(to)).toEqual([]);
});

test('nothing that is there is overwritten, and nothing is restored from nothing', async () => {
  const { directory } = await backedUp();
  const refused = { code: 'RSL_INVALID_OPTION' };
  await expect(restoredTo(directory, directory)).rejects.toMatchObject(refused);
  await expect(restoredTo(path.join(directory, 'none'))).rejects.toMatchObject(refused);
  await expect(restoredTo(temporaryDirectory())).rejects.toMatchObject(refused);
  expect((await inspectSnapshots(directory, { verify: true })).damage).toEqual([]);
});
