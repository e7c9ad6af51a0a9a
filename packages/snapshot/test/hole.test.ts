// A snapshot that is later than the log: what comes between is nowhere but in it.
import type { SnapshotMeta } from '@rsl/core/protocol';
import { afterEach, expect, test } from 'vitest';
import { Group, until } from './group.ts';

let group: Group;

afterEach(async () => {
  await group.close();
});

/** Saves when it is told to. */
const byHand = { everySlots: 0, everyBytes: 0, retainSlots: 1_000, askMs: 20, gatherMs: 20 };

/** Its log says that all it has executed is decided. */
async function isRecorded(id: number): Promise<void> {
  const { executedThrough } = group.at(id);
  await until(
    'it is in the log',
    () =>
      group.disks
        .get(id)
        ?.records.some((one) => one.kind === 'decided-through' && one.slot >= executedThrough) ===
      true,
  );
}

/**
 * One of the group is down. Its shelf has a snapshot that is much later than its log: it had copied
 * it, and crashed before its log was cut. An older one and the whole log are there, too.
 */
async function crashedBeforeTheCut(): Promise<{ id: number; older: SnapshotMeta; later: number }> {
  group = await new Group({ snapshots: byHand }).formed();
  await group.work(10);
  await group.settled();
  const { id } = await group.follower();
  const { meta: older } = await group.layer(id).saveNow();
  await group.work(10);
  await group.settled();
  await isRecorded(id);
  await group.stop(id);
  await group.work(40);
  const { id: leader } = await group.leader();
  const { meta } = await group.layer(leader).saveNow();
  const whole = group.shelf(leader).snapshots.get(meta.slot);
  if (whole !== undefined) group.shelf(id).snapshots.set(meta.slot, whole);
  return { id, older, later: meta.slot };
}

test('a start with a snapshot later than the log cuts the log before it takes part', async () => {
  const { id, later } = await crashedBeforeTheCut();
  const cuts: number[] = [];
  const disk = group.disks.get(id);
  if (disk !== undefined) disk.onCut = (before) => void cuts.push(before);
  const replica = await group.start(id);
  expect(replica.executedThrough).toBe(later);
  expect(cuts).toEqual([later + 1]);
  await group.settled();
});

test('if that snapshot turns out bad later there is no hole in the log: it fetches', async () => {
  const { id, later } = await crashedBeforeTheCut();
  await group.start(id);
  await group.work(10);
  await group.settled();
  await group.stop(id);
  group.shelf(id).damage(later, 5);
  const replica = await group.start(id);
  await group.settled();
  await until('it follows', () => replica.status().state === 'follower');
  expect(replica.status().firstSlot).toBeGreaterThanOrEqual(later + 1);
});

test('if it is bad at once, the older one and the log behind it are gone on with', async () => {
  const { id, older, later } = await crashedBeforeTheCut();
  group.shelf(id).damage(later, 5);
  const replica = await group.start(id);
  expect(replica.executedThrough).toBeGreaterThanOrEqual(older.slot);
  expect(replica.status().firstSlot).toBe(1);
  await group.settled();
});

test('a start whose log goes on behind its snapshot cuts nothing', async () => {
  group = await new Group({ snapshots: byHand }).formed();
  await group.work(10);
  const { id } = await group.follower();
  await group.layer(id).saveNow();
  await group.work(10);
  await group.settled();
  await isRecorded(id);
  await group.stop(id);
  const replica = await group.start(id);
  await group.settled();
  expect(replica.status().firstSlot).toBe(1);
});
