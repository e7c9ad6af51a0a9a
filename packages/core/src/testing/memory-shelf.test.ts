import { expect, test } from 'vitest';
import { silentLogger } from '../ports/logger.ts';
import { defaultLimits } from '../limits.ts';
import { StorageError } from '../errors.ts';
import type { PortContext } from '../ports/port.ts';
import type { SnapshotStore, SnapshotWriter } from '../ports/snapshot-store.ts';
import { MemoryShelf } from './memory-shelf.ts';
import { memorySnapshots, type Pace } from './memory-snapshots.ts';
import { SeededRandom } from './seeded-random.ts';
import { SimClock, SimWorld } from './sim-world.ts';

const membership = {
  group: 'feedfacefeedface',
  number: 1,
  firstSlot: 1,
  members: [],
  previous: [],
};
const aboutOf = (slot: number) => ({ slot, membership, layout: 1 });
const context: PortContext = {
  group: 'shelf',
  self: 1,
  limits: defaultLimits,
  clock: new SimClock(new SimWorld()),
  random: new SeededRandom(1),
  logger: silentLogger,
};
const openOn = (shelf: MemoryShelf, pace?: Pace): Promise<SnapshotStore> =>
  memorySnapshots(shelf, pace).open(context);

/** Everything of it is written; nothing is committed. */
async function written(store: SnapshotStore, slot: number): Promise<SnapshotWriter> {
  const writer = await store.create(aboutOf(slot));
  await writer.write(Buffer.alloc(2_000, `${slot} `));
  return writer;
}

const slotsOf = async (store: SnapshotStore): Promise<number[]> =>
  (await store.list()).map(({ slot }) => slot);

for (const [drawn, found] of [
  [0, [1]],
  [1, [2, 1]],
] as const) {
  test(`what is being committed at a crash is there or not: ${found.join()}`, async () => {
    const shelf = new MemoryShelf();
    await (await written(await openOn(shelf), 1)).commit();
    let isDead = false;
    const store = await openOn(shelf, () => (isDead ? new Promise(() => {}) : Promise.resolve()));
    const writer = await written(store, 2);
    isDead = true;
    void writer.commit();
    shelf.crash(() => drawn);
    const again = await openOn(shelf);
    expect(await slotsOf(again)).toEqual(found);
    for (const meta of await again.list()) await (await again.open(meta)).verify();
  });
}

test('a commit whose name could not be made durable may be found at the next opening', async () => {
  const shelf = new MemoryShelf();
  const store = await openOn(shelf);
  const writer = await written(store, 1);
  shelf.failure = new StorageError('RSL_STORAGE_FAILED', 'not now');
  shelf.survivesFailure = true;
  await expect(writer.commit()).rejects.toMatchObject({ code: 'RSL_STORAGE_FAILED' });
  await writer.abort();
  shelf.failure = undefined;
  expect(await slotsOf(store)).toEqual([]);
  expect(await slotsOf(await openOn(shelf))).toEqual([1]);
});

test('of a copy any first part is there after a crash, and is gone on with', async () => {
  const source = await openOn(new MemoryShelf());
  const meta = await (await written(source, 1)).commit();
  const shelf = new MemoryShelf();
  const copy = await (await openOn(shelf)).copy(meta);
  await copy.write(Buffer.alloc(1_000, '1 '));
  shelf.crash((below) => (below === 3 ? 1 : 300));
  expect((await (await openOn(shelf)).copy(meta)).bytes).toBe(300);
});

test('what rots while it is open is found where it is read, and only there', async () => {
  const shelf = new MemoryShelf();
  const store = await openOn(shelf);
  const meta = await (await written(store, 1)).commit();
  const reader = await store.open(meta);
  shelf.damage(1, 8 * 1_500);
  expect((await reader.read(0, 1_000)).length).toBe(1_000);
  await expect(reader.read(1_100, 100)).resolves.toHaveLength(100);
  await expect(reader.read(1_100, 500)).rejects.toMatchObject({ code: 'RSL_SNAPSHOT_CORRUPT' });
  await expect(reader.verify()).rejects.toMatchObject({ code: 'RSL_SNAPSHOT_CORRUPT' });
  shelf.mend(1);
  await reader.verify();
});
