import type { MemoryDisk } from '@rsl/core/testing';
import { afterEach, expect, test } from 'vitest';
import { bytesOf, Cluster, until } from './cluster.ts';

// S2a: a store that was put back to an earlier copy has forgotten what it promised.

let cluster: Cluster;

afterEach(() => cluster.close());

const propose = async (text: string): Promise<void> => {
  const leader = await cluster.leader();
  await leader.propose(bytesOf(text));
};

test('an older copy of a store stops, and comes back as another store without a vote', async () => {
  cluster = await new Cluster({ timings: { standingIntervalMs: 10 } }).formed();
  await propose('before');
  const copy = (cluster.disks.get(3) as MemoryDisk).copy();
  const { store } = cluster.at(3).status();
  // A start of its own in between: its count is told at the handshake, whatever the timing.
  await cluster.stop(3);
  await cluster.start(3);
  await cluster.leader();
  await propose('voted for by all three');
  await cluster.stop(3);

  cluster.disks.set(3, copy);
  const put = await cluster.start(3);
  await until('it has stopped', () => put.status().state === 'stopped');
  expect(put.status().reason?.code).toBe('RSL_OLD_COPY');
  expect(copy.store).not.toBe(store);

  await cluster.stop(3);
  const again = await cluster.start(3);
  expect(again.status().store).toBe(copy.store);
  await until('it learns', () => again.status().state === 'newcomer');
  await propose('without its vote');
  const leader = await cluster.leader();
  await until(
    'it has caught up',
    () => again.status().executedThrough >= leader.status().executedThrough,
  );
  expect(again.status().members.map((m) => m.store)).toContain(store);
});

test('a copy from before the group was formed is told apart by the group itself', async () => {
  // It has agreed to nothing, and a group that names it exists: it must not wait for ever.
  cluster = new Cluster();
  await Promise.all(cluster.ids.map((id) => cluster.start(id)));
  const copy = (cluster.disks.get(3) as MemoryDisk).copy();
  await cluster.at(1).bootstrap(cluster.members);
  await cluster.leader();
  await cluster.stop(3);
  cluster.disks.set(3, copy);
  const put = await cluster.start(3);
  await until('it has stopped', () => put.status().state === 'stopped');
  expect(put.status().reason?.code).toBe('RSL_OLD_COPY');
  await cluster.stop(3);
  const again = await cluster.start(3);
  await until('it learns', () => again.status().state === 'newcomer');
});

test('copied files are another store from the start', async () => {
  // The original may still run somewhere: two of one store would vote twice.
  cluster = await new Cluster().formed();
  await propose('before');
  await cluster.stop(3);
  const disk = cluster.disks.get(3) as MemoryDisk;
  const { store } = disk;
  disk.copied = 'files';
  const copy = await cluster.start(3);
  expect(copy.status().store).not.toBe(store);
  await until('it learns', () => copy.status().state === 'newcomer');
});

test('the files of another device are the same store', async () => {
  cluster = await new Cluster().formed();
  await cluster.stop(3);
  const disk = cluster.disks.get(3) as MemoryDisk;
  const { store } = disk;
  disk.copied = 'device';
  const same = await cluster.start(3);
  expect(same.status().store).toBe(store);
  await until('it takes part', () => same.status().state === 'follower');
});
