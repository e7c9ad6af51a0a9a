import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { Cluster } from './cluster.ts';
import type { RedisClient } from './redis-client.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

let cluster: Cluster;
let clients: RedisClient[];

beforeAll(async () => {
  cluster = await Cluster.start();
});

beforeEach(async () => {
  clients = await Promise.all([1, 2, 3].map((id) => cluster.client(id)));
  await clients[0]?.call('FLUSHALL');
});

afterAll(() => cluster.remove());

test('what one replica has acknowledged, every other one reads', async () => {
  for (const [i, writer] of clients.entries()) {
    expect(await writer.call('SET', 'a', `from ${i}`)).toBe('OK');
    const reads = await Promise.all(clients.map((reader) => reader.call('GET', 'a')));
    expect(reads).toEqual(new Array(3).fill(`from ${i}`));
  }
});

test('a slot that was seen at one replica is waited for at another', async () => {
  for (const [i, writer] of clients.entries()) {
    await writer.call('SET', 'a', `from ${i}`);
    const slot = Number(await writer.call('RSL.SLOT'));
    const reads = clients.map(async (reader) => {
      await reader.call('CLIENT', 'RSL-READ', 'AT-LEAST', slot);
      return await reader.call('GET', 'a');
    });
    expect(await Promise.all(reads)).toEqual(new Array(3).fill(`from ${i}`));
  }
});

test('what three clients count in pipelines is counted once each', async () => {
  const each = 2_000;
  const increments = new Array<['INCR', string]>(each).fill(['INCR', 'n']);
  const replies = await Promise.all(clients.map((client) => client.pipeline(...increments)));
  expect(new Set(replies.flat()).size).toBe(3 * each);
  for (const own of replies) {
    expect(own.every((value, i) => i === 0 || Number(value) > Number(own[i - 1]))).toBe(true);
  }
  expect(await clients[0]?.call('GET', 'n')).toBe(String(3 * each));
});

test('WATCH sees what was changed through another replica', async () => {
  const [one, other] = clients;
  await one?.call('WATCH', 'a');
  await other?.call('SET', 'a', 'theirs');
  expect(await one?.pipeline(['MULTI'], ['SET', 'a', 'mine'], ['EXEC'])).toEqual([
    'OK',
    'QUEUED',
    null,
  ]);
  expect(await one?.call('GET', 'a')).toBe('theirs');
});

test('a key expires on every replica although nobody writes', async () => {
  await clients[0]?.call('SET', 'a', 1, 'PX', 150);
  const sizes = (): number[] => cluster.ids.map((id) => cluster.at(id).machine.keyspace.size);
  await expect.poll(sizes, { timeout: 10_000 }).toEqual([0, 0, 0]);
});

test('when the leader is gone the others go on, and it comes back with all there is', async () => {
  await expect.poll(() => cluster.leader()).toBeDefined();
  await clients[0]?.call('SET', 'a', 'before');
  const leader = cluster.leader() ?? 1;
  await cluster.stopOne(leader);
  const rest = clients.filter((_, i) => i + 1 !== leader);
  expect(await rest[0]?.pipeline(['SET', 'b', 'after'], ['GET', 'a'])).toEqual(['OK', 'before']);

  await cluster.startOne(leader);
  const back = await cluster.client(leader);
  expect(await back.call('MGET', 'a', 'b')).toEqual(['before', 'after']);
});

test('a cluster that was stopped comes back with its data', async () => {
  await clients[0]?.pipeline(
    ['SET', 'a', 1, 'EX', 1_000],
    ['RPUSH', 'l', 'x', 'y'],
    ['HSET', 'h', 'f', 'v'],
    ['SADD', 's', 'm'],
  );
  await cluster.stopAll();
  await cluster.startAll();
  const client = await cluster.client(2);
  const [a, ttl, l, h, s] = await client.pipeline(
    ['GET', 'a'],
    ['TTL', 'a'],
    ['LRANGE', 'l', 0, -1],
    ['HGETALL', 'h'],
    ['SMEMBERS', 's'],
  );
  expect([a, l, h, s]).toEqual(['1', ['x', 'y'], ['f', 'v'], ['m']]);
  expect(ttl).toBeGreaterThan(900);
});
