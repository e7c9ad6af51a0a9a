import { expect, test } from 'vitest';
import { systemFiles } from '../src/files.ts';
import { openOn, temporaryDirectory } from './stage.ts';

test('one store at a time is open on a directory (S7)', async () => {
  const directory = temporaryDirectory();
  const store = await openOn(systemFiles, directory);
  await expect(openOn(systemFiles, directory)).rejects.toMatchObject({
    code: 'RSL_STORAGE_LOCKED',
  });
  await store.close();
  await (await openOn(systemFiles, directory)).close();
});

test('a store that could not be opened leaves no lock', async () => {
  const directory = temporaryDirectory();
  const store = await openOn(systemFiles, directory, {}, 'ours');
  const membership = { group: 'a', number: 1, firstSlot: 1, members: [], previous: [] };
  const writer = await store.create({ slot: 1, membership, layout: 1 });
  await writer.commit();
  await store.close();
  await expect(openOn(systemFiles, directory, {}, 'theirs')).rejects.toMatchObject({
    code: 'RSL_WRONG_STORE',
  });
  await (await openOn(systemFiles, directory, {}, 'ours')).close();
});
