import type { SnapshotMeta } from '@rsl/core/protocol';
import { MemoryShelf } from '@rsl/core/testing';
import { expect, test } from 'vitest';
import { saveCallersMax } from '../src/keeper/saver.ts';
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

test('what a start executes again counts for the next save, and for the log', async () => {
  const shelf = new MemoryShelf();
  const large = (i: number): string => `${i % 50}=${'x'.repeat(200 * 1024)}`;
  const everyBytes = 10 * 200 * 1024;
  const first = await new Stage(new KeyValues()).start(shelf, { everyBytes });
  await first.run(17, large);
  await first.until('saved', () => first.slots.length === 1);
  const [saved = 0] = first.slots;
  await first.close();

  const again = await new Stage(new KeyValues(), first.log).start(shelf, { everyBytes });
  const replayed = again.answersOf('replayed');
  expect(replayed.map(({ slot }) => slot)).toEqual([saved + 6]);
  expect(replayed[0]?.bytes).toBeGreaterThanOrEqual(1024 * 1024);
  // As if it had never stopped.
  await again.run(8, large);
  await again.until('saved', () => again.slots[0] === 2 * saved);
  expect(again.answersOf('replayed')).toHaveLength(1);
  await again.close();
});

test('a bounded number of callers waits for a snapshot', async () => {
  const stage = await new Stage(new KeyValues()).start(new MemoryShelf());
  const waiting = Array.from({ length: saveCallersMax }, () => stage.keeper.saveNow());
  const error = { code: 'RSL_OVERLOADED', limit: 'saveCallersMax' };
  const refused = expect(stage.keeper.saveNow()).rejects.toMatchObject(error);
  stage.execute('1=1');
  await refused;
  const slots = (await Promise.all(waiting)).map(({ meta }) => meta.slot);
  expect(new Set(slots)).toEqual(new Set([1]));
  expect((await stage.keeper.saveNow()).meta.slot).toBe(1);
  await stage.close();
});
