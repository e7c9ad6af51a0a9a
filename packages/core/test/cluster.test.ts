import { afterEach, expect, test } from 'vitest';
import { bytesOf, Cluster, memberAt, proposed, textOf, until } from './cluster.ts';

let cluster: Cluster;

afterEach(async () => {
  await cluster.close();
});

test('any replica takes a command, and all execute the same', async () => {
  cluster = await new Cluster().formed();
  const results = new Set<string>();
  for (const id of [1, 2, 3]) {
    results.add(textOf(await cluster.at(id).propose(bytesOf(`command ${id}`))));
  }
  expect(results.size).toBe(3);
  for (const id of [1, 2, 3]) await cluster.at(id).barrier('linearizable');
  expect(new Set([1, 2, 3].map((id) => cluster.digest(id))).size).toBe(1);
});

test('many commands of one call keep their order and get their own results', async () => {
  cluster = await new Cluster({ limits: { batchCommandsMax: 7 } }).formed();
  const follower = await cluster.follower();
  const commands = Array.from({ length: 100 }, (_, i) => `command ${i}`);
  const positions = (await proposed(follower, commands)).map((text) => text.split('.').map(Number));
  const sorted = [...positions].sort(([a = 0, b = 0], [c = 0, d = 0]) => a - c || b - d);
  expect(positions).toEqual(sorted);
});

test('when the leader goes, the others go on, and nothing acknowledged is missing', async () => {
  cluster = await new Cluster().formed();
  const leader = await cluster.leader();
  await proposed(leader, ['a', 'b', 'c']);
  await cluster.stop(leader.id);
  const next = await cluster.leader();
  expect(await proposed(next, ['d'])).toHaveLength(1);
  await cluster.start(leader.id);
  await until('the old leader has caught up', () => {
    return new Set(cluster.ids.map((id) => cluster.digest(id))).size === 1;
  });
});

test('a command that waits on a follower outlives the leader that it was sent to', async () => {
  // The follower learns from the first batch of the next leader that its command was not
  // executed and never will be; only then it sends it again.
  cluster = await new Cluster().formed();
  const leader = await cluster.leader();
  const follower = await cluster.follower();
  const pending = Promise.all(
    Array.from({ length: 200 }, (_, i) => follower.propose(bytesOf(`command ${i}`))),
  );
  await cluster.stop(leader.id);
  const positions = (await pending).map(textOf);
  expect(new Set(positions).size).toBe(200);
});

test('a follower that was away catches up from the logs of the others', async () => {
  cluster = await new Cluster({ limits: { cacheBytesMax: 4_096, partBytesMax: 2_048 } }).formed();
  const follower = await cluster.follower();
  await cluster.stop(follower.id);
  const leader = await cluster.leader();
  for (let i = 0; i < 50; i += 1) {
    await proposed(
      leader,
      Array.from({ length: 20 }, (_, n) => `command ${i}.${n}`),
    );
  }
  await cluster.start(follower.id);
  await until('it has caught up', () => cluster.digest(follower.id) === cluster.digest(leader.id));
});

test('a whole group comes back with its state', async () => {
  cluster = await new Cluster().formed();
  await proposed(cluster.at(1), ['a', 'b', 'c']);
  for (const id of cluster.ids) await cluster.at(id).barrier('linearizable');
  const digest = cluster.digest(1);
  await Promise.all(cluster.ids.map((id) => cluster.stop(id)));
  await Promise.all(cluster.ids.map((id) => cluster.start(id)));
  await cluster.leader();
  expect(await cluster.at(2).bootstrap(cluster.members)).toBe('already');
  await cluster.at(2).barrier('linearizable');
  expect(cluster.replicas.size).toBe(3);
  expect(cluster.digest(2)).not.toBe(0);
  expect(digest).not.toBe(0);
});

test('a group of one needs nobody', async () => {
  cluster = await new Cluster({ replicas: 1 }).formed();
  expect(await proposed(cluster.at(1), ['a', 'b'])).toHaveLength(2);
  expect(await cluster.at(1).barrier('linearizable')).toBeGreaterThan(0);
});

test('a member that lost its store replicates, and does not vote (S2)', async () => {
  cluster = await new Cluster().formed();
  const follower = await cluster.follower();
  await proposed(await cluster.leader(), ['a', 'b']);
  await cluster.stop(follower.id);
  cluster.disks.delete(follower.id);
  const back = await cluster.start(follower.id);
  await until('it knows where it is', () => back.status().state === 'newcomer');
  const leader = await cluster.leader();
  await until('it has learned', () => cluster.digest(back.id) === cluster.digest(leader.id));

  // With one of the two others gone there is no quorum: it must not make one.
  const other = cluster.ids.find((id) => id !== back.id && id !== leader.id) as number;
  await cluster.stop(other);
  const alone = leader.propose(bytesOf('c'), { timeoutMs: 1_500 });
  await expect(alone).rejects.toMatchObject({ code: expect.stringMatching(/RSL_/) as string });
  expect(back.status().state).toBe('newcomer');
});

test('a group is formed once, by all that are named (S10)', async () => {
  cluster = new Cluster();
  await cluster.start(1);
  await cluster.start(2);
  const early = cluster.at(1).bootstrap(cluster.members, { timeoutMs: 300 });
  await expect(early).rejects.toMatchObject({ code: 'RSL_BOOTSTRAP_INCOMPLETE' });
  expect(cluster.at(1).status().state).toBe('waiting');
  await cluster.start(3);
  expect(await cluster.at(1).bootstrap(cluster.members)).toBe('formed');
  await cluster.leader();
  expect(await cluster.at(3).bootstrap(cluster.members)).toBe('already');
  const others = cluster.at(2).bootstrap([memberAt(1), memberAt(2)]);
  await expect(others).rejects.toMatchObject({ code: 'RSL_ALREADY_FORMED' });
});

test('two operators with different members cannot form two groups (S10)', async () => {
  cluster = new Cluster({ replicas: 4 });
  await Promise.all(cluster.ids.map((id) => cluster.start(id)));
  const one = cluster.at(1).bootstrap([1, 2, 3].map(memberAt), { timeoutMs: 3_000 });
  const two = cluster.at(4).bootstrap([2, 3, 4].map(memberAt), { timeoutMs: 3_000 });
  const outcomes = await Promise.allSettled([one, two]);
  expect(outcomes.filter(({ status }) => status === 'fulfilled').length).toBeLessThanOrEqual(1);
});

test('a promise that is larger than all that may be queued for a peer makes a leader', async () => {
  const KiB = 1_024;
  const commandBytesMax = 16 * KiB;
  const most = { commandBytesMax, batchBytesMax: 16 * KiB, partBytesMax: 16 * KiB };
  const queue = { frameBytesMax: 128 * KiB, sendQueueBytesMax: 128 * KiB };
  cluster = await new Cluster({ limits: { ...most, ...queue } }).formed();
  const leader = await cluster.leader();
  const follower = await cluster.follower();
  const votes = (): number => cluster.disks.get(follower.id)?.records.length ?? 0;
  // It hears of no vote: followers vote for more than they could tell at once, undecided.
  cluster.arrives = (_, to, lane) => to !== leader.id || lane === 'bulk';
  const lost: Promise<unknown>[] = [];
  for (let i = 0; i < 40; i += 1) {
    const before = votes();
    const command = leader.propose(new Uint8Array(commandBytesMax).fill(i));
    lost.push(command.catch(() => 'its outcome is unknown'));
    await until('a vote', () => votes() > before);
  }
  expect(follower.status().executedThrough).toBeLessThan(40);
  await cluster.stop(leader.id);
  cluster.arrives = () => true;
  const next = await cluster.leader();
  expect(await next.barrier('linearizable')).toBeGreaterThanOrEqual(40);
  await Promise.all(lost);
});
