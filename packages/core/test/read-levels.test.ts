import { type DigestMachine, MemoryDisk } from '@rsl/core/testing';
import { afterEach, expect, test } from 'vitest';
import { bytesOf, Cluster, proposed, textOf, until } from './cluster.ts';

let cluster: Cluster;

afterEach(async () => {
  await cluster.close();
});

/** The slot that a command was executed in: its result says so. */
async function slotOf(text: string, id: number): Promise<number> {
  return Number(textOf(await cluster.at(id).propose(bytesOf(text))).split('.')[0]);
}

test('whoever gives the slot it has seen reads its own writes on any replica (Q3)', async () => {
  cluster = await new Cluster().formed();
  for (const [i, id] of cluster.ids.entries()) {
    const slot = await slotOf(`command ${i}`, id);
    for (const other of cluster.ids) {
      const at = await cluster.at(other).barrier({ atLeast: slot }, { timeoutMs: 2_000 });
      expect(at).toBeGreaterThanOrEqual(slot);
      expect((cluster.machines.get(other) as DigestMachine).slot).toBeGreaterThanOrEqual(slot);
    }
  }
  expect(await cluster.at(1).barrier({ atLeast: 0 }, { timeoutMs: 2_000 })).toBeGreaterThan(0);
});

test('a slot that is already executed needs no leader, and no group', async () => {
  cluster = await new Cluster().formed();
  const slot = await slotOf('a', 1);
  const lonely = await cluster.follower();
  await lonely.barrier({ atLeast: slot });
  for (const id of cluster.ids) if (id !== lonely.id) await cluster.stop(id);
  expect(await lonely.barrier({ atLeast: slot })).toBeGreaterThanOrEqual(slot);
  const next = lonely.barrier({ atLeast: slot + 1_000 }, { timeoutMs: 50 });
  await expect(next).rejects.toMatchObject({ code: 'RSL_SLOT_NOT_REACHED', outcome: 'none' });
});

test('a replica that is behind answers once it has caught up', async () => {
  cluster = await new Cluster().formed();
  const behind = await cluster.follower();
  cluster.arrives = (_, to) => to !== behind.id;
  const other = cluster.ids.find((id) => id !== behind.id) as number;
  const slot = await slotOf('a', other);
  let isThere = false;
  const read = behind.barrier({ atLeast: slot }).then((at) => {
    isThere = true;
    return at;
  });
  await proposed(cluster.at(other), ['b', 'c']);
  expect([isThere, behind.status().executedThrough < slot]).toEqual([false, true]);
  cluster.arrives = () => true;
  expect(await read).toBeGreaterThanOrEqual(slot);
});

test('a newcomer, which has no vote, serves it too (S2)', async () => {
  cluster = await new Cluster().formed();
  const slot = await slotOf('a', 1);
  const id = (await cluster.follower()).id;
  await cluster.stop(id);
  cluster.disks.set(id, new MemoryDisk());
  const newcomer = await cluster.start(id);
  expect(await newcomer.barrier({ atLeast: slot })).toBeGreaterThanOrEqual(slot);
  expect(newcomer.status().state).toBe('newcomer');
});

test('a replica that knows no group yet waits, and an AbortSignal ends that', async () => {
  cluster = new Cluster();
  const alone = await cluster.start(1);
  const stop = new AbortController();
  const read = alone.barrier({ atLeast: 1 }, { signal: stop.signal });
  stop.abort();
  await expect(read).rejects.toMatchObject({ code: 'RSL_ABORTED' });
});

test('what is no slot is refused', async () => {
  cluster = new Cluster();
  const alone = await cluster.start(1);
  for (const atLeast of [-1, 1.5, Number.NaN, 2 ** 53]) {
    const read = alone.barrier({ atLeast });
    await expect(read).rejects.toMatchObject({ code: 'RSL_INVALID_OPTION', option: 'atLeast' });
  }
  await alone.close();
  await expect(alone.barrier({ atLeast: 1 })).rejects.toMatchObject({ code: 'RSL_CLOSED' });
});

test('with leases all replicas read what was acknowledged, under an heir too', async () => {
  cluster = await new Cluster({ lease: { forMs: 250, drift: 0.001 } }).formed();
  for (let round = 0; round < 2; round += 1) {
    const running = [...cluster.replicas.keys()];
    for (const id of running) {
      const slot = await slotOf(`command ${round}.${id}`, id);
      const reads = running.map((other) => cluster.at(other).barrier('linearizable'));
      for (const at of await Promise.all(reads)) expect(at).toBeGreaterThanOrEqual(slot);
    }
    if (round === 0) await cluster.stop((await cluster.leader()).id);
  }
});

test('what a member has granted outlives it in its log (Q2)', async () => {
  cluster = await new Cluster({ lease: { forMs: 250, drift: 0.001 } }).formed();
  const { id } = await cluster.follower();
  await until('a lease is granted', () => cluster.disks.get(id)?.leaseMs === 250);
});
