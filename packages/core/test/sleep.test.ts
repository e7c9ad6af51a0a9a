import { expect, test } from 'vitest';
import { DigestMachine } from '@rsl/core/testing';
import { bytesOf, Cluster, until } from './cluster.ts';

const timings = { sleepAfterMs: 300 };
const allSleep = (cluster: Cluster): boolean =>
  [...cluster.replicas.values()].every((replica) => replica.status().asleep);

/** A formed group, all of it asleep. */
async function asleep(options: ConstructorParameters<typeof Cluster>[0] = {}): Promise<Cluster> {
  const cluster = await new Cluster({ timings, ...options }).formed();
  await until('all sleep', () => allSleep(cluster));
  return cluster;
}

test('a group with nothing to do sleeps, and a command to any replica wakes it', async () => {
  const cluster = await asleep();
  const leader = await cluster.leader();
  const { ballot } = leader.status();
  for (const id of cluster.ids) {
    await cluster.at(id).propose(bytesOf('x'));
    expect(leader.status().asleep).toBe(false);
    await until('all sleep again', () => allSleep(cluster));
  }
  expect(leader.status().ballot).toEqual(ballot);
  await cluster.close();
});

test('reads of every level wake as much of a group as they need', async () => {
  const cluster = await asleep();
  const follower = await cluster.follower();
  const slot = await follower.barrier('local');
  await follower.barrier({ atLeast: slot });
  expect(allSleep(cluster)).toBe(true);
  // Nobody else can tell when this slot is there.
  const waits = follower.barrier({ atLeast: slot + 1 });
  expect(follower.status().asleep).toBe(false);
  await (await cluster.leader()).propose(bytesOf('x'));
  expect(await waits).toBe(slot + 1);
  await until('all sleep again', () => allSleep(cluster));
  expect(await follower.barrier('linearizable')).toBeGreaterThan(slot);
  await cluster.close();
});

test('a lease that has run out while its leader slept is not read by', async () => {
  const cluster = await asleep({ lease: { forMs: 250, drift: 0.01 } });
  const leader = await cluster.leader();
  await until('its lease is over', () => leader.metrics().overMs > 3_000);
  const { framesSent: before = 0 } = leader.status().counters;
  await leader.barrier('linearizable');
  expect(leader.status().counters['framesSent']).toBeGreaterThan(before);
  await cluster.close();
});

test('a session ends in time although everybody sleeps', async () => {
  const ended: string[] = [];
  const machine = (): DigestMachine =>
    Object.assign(new DigestMachine(), { sessionEnded: (id: string) => void ended.push(id) });
  const cluster = await asleep({ machine });
  const leader = await cluster.leader();
  // Nobody uses it: its client has gone.
  const id = await leader.relay.open(1_500);
  await until('all sleep', () => allSleep(cluster));
  expect(ended).toEqual([]);
  await until('it has ended everywhere', () => ended.length === 3);
  expect(new Set(ended)).toEqual(new Set([id]));
  await cluster.close();
});

test('a state machine is woken in time although everybody sleeps', async () => {
  const wokenAt: number[] = [];
  const wake = { atMs: undefined as number | undefined };
  const machine = (): DigestMachine =>
    Object.assign(new DigestMachine(({ timeMs }) => void wokenAt.push(timeMs)), {
      wakeAtMs: () => wake.atMs,
    });
  const cluster = await new Cluster({ timings, machine }).formed();
  wake.atMs = Date.now() + 1_500;
  const leader = await cluster.leader();
  await leader.propose(bytesOf('x'));
  await until('all sleep', () => allSleep(cluster));
  const before = wokenAt.length;
  await until('time has passed everywhere', () => wokenAt.length === before + 3);
  expect(Math.min(...wokenAt.slice(before))).toBeGreaterThanOrEqual(wake.atMs);
  await cluster.close();
});

test('a replica that is closed, and one that comes back, wake the others', async () => {
  const cluster = await asleep();
  const follower = await cluster.follower();
  await cluster.stop(follower.id);
  expect(allSleep(cluster)).toBe(false);
  await until('the others sleep', () => allSleep(cluster));
  await cluster.start(follower.id);
  expect(allSleep(cluster)).toBe(false);
  await until('all sleep again', () => cluster.replicas.size === 3 && allSleep(cluster));
  await cluster.close();
});
