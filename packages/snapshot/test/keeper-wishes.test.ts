import type { SnapshotMeta } from '@rsl/core/protocol';
import { MemoryShelf } from '@rsl/core/testing';
import { expect, test } from 'vitest';
import { KeyValues } from './key-values.ts';
import { Stage } from './keeper-stage.ts';

test('what a peer needs and nobody has is saved, unless it is here', async () => {
  const stage = await new Stage(new KeyValues()).start(new MemoryShelf());
  await stage.run(7);
  stage.order({ kind: 'wanted', need: 5 });
  await stage.until('saved', () => stage.slots[0] === 7);
  stage.execute('8=8');
  stage.order({ kind: 'wanted', need: 7 });
  await stage.run(3);
  expect(stage.slots).toEqual([7]);
  await stage.close();
});

test('a newest one that is gone is not offered any more, and the next is saved', async () => {
  const shelf = new MemoryShelf();
  const stage = await new Stage(new KeyValues()).start(shelf);
  await stage.run(3);
  const { meta } = await stage.keeper.saveNow();
  stage.execute('4=4');
  stage.keeper.stopSaving();
  shelf.snapshots.clear();
  const read = {
    kind: 'read',
    digest: meta.digest,
    offset: 0,
    bytesMax: 100,
    ticket: 1,
  } as const;
  const { code } = await stage.answer(read, 'unreadable');
  expect(code).toBe('RSL_SNAPSHOT_GONE');
  await stage.until('it is not offered', () => stage.slots.length === 0);
  expect(stage.answersOf('snapshots').at(-1)?.snapshots).toEqual([]);
  stage.keeper.allowSaving();
  await stage.until('saved', () => stage.slots[0] === 4);
  await stage.close();
});

test('only what was executed here is said to be comparable, of common slots', async () => {
  const options = { compareEverySlots: 10, everySlots: 7 };
  const source = await new Stage(new KeyValues()).start(new MemoryShelf(), options);
  await source.run(25);
  await source.until('saved', () => source.slots[0] === 21);
  const common = source.answersOf('common');
  expect(common.map(({ slot }) => slot)).toEqual([10, 20]);
  const meta = source.keeper.snapshots.find(({ slot }) => slot === 20) as SnapshotMeta;
  expect(common[1]).toMatchObject({ digest: meta.digest, layout: meta.layout });
  const other = await new Stage(new KeyValues()).start(new MemoryShelf(), options);
  await other.run(19);
  await other.copyFrom(source, meta);
  await other.run(6);
  expect(other.answersOf('common').map(({ slot }) => slot)).toEqual([10]);
  for (const stage of [source, other]) await stage.close();
});
