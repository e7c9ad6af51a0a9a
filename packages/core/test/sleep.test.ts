import { expect, test } from 'vitest';
import { bytesOf, Cluster, until } from './cluster.ts';

const timings = { sleepAfterMs: 300 };
const asleep = (cluster: Cluster): boolean =>
  [...cluster.replicas.values()].every((replica) => replica.status().asleep);

test('a group with nothing to do sleeps, and a command wakes it', async () => {
  const cluster = await new Cluster({ timings }).formed();
  const leader = await cluster.leader();
  await until('all sleep', () => asleep(cluster));
  const { framesSent } = leader.status().counters;
  const { ballot } = leader.status();
  const follower = await cluster.follower();
  await follower.propose(bytesOf('x'));
  expect(leader.status().counters['framesSent']).toBeGreaterThan(framesSent as number);
  expect(leader.status().ballot).toEqual(ballot);
  await until('all sleep again', () => asleep(cluster));
  await cluster.close();
});
