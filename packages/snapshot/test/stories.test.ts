// The stories of the package, on whole replicas.
import type { MemoryDisk } from '@rsl/core/testing';
import { afterEach, expect, test } from 'vitest';
import { Group, until } from './group.ts';

let group: Group;

afterEach(async () => {
  await group.close();
});

const often = { everySlots: 20, everyBytes: 0, retainSlots: 5, spareSnapshots: 0, keep: 2 };

test('a replica that restarts loads its snapshot and executes the slots after it', async () => {
  group = await new Group({ snapshots: { ...often, retainSlots: 1_000 } }).formed();
  await group.work(50);
  await group.settled();
  const follower = await group.follower();
  const { id } = follower;
  await until('it has saved', () => group.layer(id).list.length > 0);
  const slot = group.layer(id).list[0]?.slot ?? 0;
  const through = follower.executedThrough;
  await group.stop(id);
  const again = await group.start(id);
  expect(slot).toBeGreaterThan(0);
  // What it executed before it took part: the slots after the snapshot, as far as the log knew.
  expect(again.status().counters['commands']).toBeLessThanOrEqual(through - slot);
  await group.settled();
});

/** Its log has lost its end: what the last writes before a crash would have been. */
function loseEnd(disk: MemoryDisk, after: number): void {
  disk.records = disk.records.filter((record) => !('slot' in record) || record.slot <= after);
  for (const slot of disk.values.keys()) if (slot > after) disk.values.delete(slot);
  disk.lastSlot = after;
}

test('a log that ends before the snapshot has no hole that anybody relies on', async () => {
  // The snapshot was durable before the last slots in it were. What is said to be decided later
  // must not be said of slots that are nowhere, or nothing can start once the snapshot is bad.
  group = await new Group({ snapshots: { ...often, retainSlots: 1_000, keep: 1 } }).formed();
  const { id } = await group.follower();
  await group.work(50);
  await until('it has saved', () => group.layer(id).list.length > 0);
  await group.settled();
  await group.stop(id);
  const shelf = group.shelf(id);
  const disk = group.disks.get(id) as MemoryDisk;
  const [slot = 0] = shelf.soundSlots;
  loseEnd(disk, slot - 5);
  await group.start(id);
  await group.work(5);
  await until('its log says that later slots are decided', () =>
    disk.records.some((record) => record.kind === 'decided-through' && record.slot > slot),
  );
  await group.stop(id);
  expect(disk.firstSlot).toBeGreaterThan(slot);
  for (const each of shelf.soundSlots) shelf.damage(each, 1);
  await group.start(id);
  await group.work(5);
  await group.settled();
});

test('under endless load the log keeps what the options say, and no more', async () => {
  group = await new Group({ snapshots: often }).formed();
  await group.work(300);
  await until('all have cut their logs', () =>
    group.ids.every((id) => {
      const { executedThrough, firstSlot } = group.at(id).status();
      return executedThrough - firstSlot < 4 * often.everySlots;
    }),
  );
  await until('older snapshots are gone', () => {
    return group.ids.every((id) => group.shelf(id).snapshots.size <= often.keep);
  });
});

test('a replica whose next slot nobody keeps fetches a snapshot and goes on after it', async () => {
  group = await new Group({ snapshots: often }).formed();
  await group.work(10);
  const { id } = await group.follower();
  const through = group.at(id).executedThrough;
  await group.stop(id);
  await group.work(200);
  await until('nobody keeps its next slot', () =>
    [...group.replicas.values()].every((r) => r.status().firstSlot > through + 1),
  );
  await group.start(id);
  await group.settled();
  // Its engine hears of it a moment after the state machine was loaded.
  await until('its log begins behind it', () => group.at(id).status().firstSlot > through + 1);
  await group.work(20);
  await group.settled();
});

test('a snapshot that was fetched is what the next start begins with', async () => {
  group = await new Group({ snapshots: often }).formed();
  await group.work(100);
  const { id } = await group.follower();
  await group.stop(id);
  await group.work(150);
  await group.start(id);
  await group.settled();
  // Started once more it needs nobody: the same start path, with the snapshot that it fetched.
  const { executedThrough } = group.at(id).status();
  await group.stop(id);
  group.arrives = (from, to) => from !== id && to !== id;
  const alone = await group.start(id);
  expect(alone.executedThrough).toBeGreaterThanOrEqual(executedThrough - 2 * often.everySlots);
  group.arrives = () => true;
  await group.settled();
});

test('commands under a session execute once, also where a snapshot is fetched', async () => {
  group = await new Group({ snapshots: often }).formed();
  const { id } = await group.follower();
  await group.stop(id);
  await group.work(150);
  const replica = await group.start(id);
  const session = await replica.openSession({ timeoutMs: 15_000 });
  const results = new Set<string>();
  for (let i = 0; i < 10; i += 1) {
    results.add(Buffer.from(await session.propose(new Uint8Array(4).fill(i))).toString());
  }
  expect(results.size).toBe(10);
  await session.close();
  await group.settled();
});
