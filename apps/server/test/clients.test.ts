import { Redis } from 'ioredis';
import { createClient } from 'redis';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ServerUnderTest } from './server-under-test.ts';

// What people really use: both clients say a lot before the first command of their user.

let server: ServerUnderTest;

beforeEach(async () => {
  server = await ServerUnderTest.start();
});

afterEach(() => server.close());

test('ioredis', async () => {
  const redis = new Redis({ port: server.port, host: '127.0.0.1', connectionName: 'test' });
  expect(await redis.set('a', '1', 'EX', 100)).toBe('OK');
  expect(await redis.incrby('a', 41)).toBe(42);
  expect(await redis.hset('h', { x: '1', y: '2' })).toBe(2);
  expect(await redis.hgetall('h')).toEqual({ x: '1', y: '2' });
  expect(await redis.smembers('none')).toEqual([]);
  expect(await redis.getBuffer('a')).toEqual(Buffer.from('42'));

  const piped = redis.pipeline().rpush('l', 'a', 'b').lpop('l').llen('l').get('l');
  expect((await piped.exec())?.map(([error, value]) => error?.message ?? value)).toEqual([
    2,
    'a',
    1,
    'WRONGTYPE Operation against a key holding the wrong kind of value',
  ]);
  await redis.watch('a');
  await redis.set('a', 'changed');
  expect(await redis.multi().get('a').exec()).toBeNull();
  expect(await redis.multi().get('a').set('b', 1).exec()).toEqual([
    [null, 'changed'],
    [null, 'OK'],
  ]);
  expect(await redis.client('GETNAME')).toBe('test');
  await redis.quit();
});

test.each([2, 3] as const)('node-redis with RESP%i', async (RESP) => {
  const url = `redis://127.0.0.1:${server.port}`;
  const client = createClient({ url, RESP });
  await client.connect();
  expect(await client.set('a', '1', { expiration: { type: 'EX', value: 100 } })).toBe('OK');
  expect(await client.incr('a')).toBe(2);
  expect(await client.ttl('a')).toBe(100);
  await client.hSet('h', { x: '1', y: '2' });
  expect({ ...(await client.hGetAll('h')) }).toEqual({ x: '1', y: '2' });
  expect(await client.sAdd('s', ['a', 'b'])).toBe(2);
  expect([...(await client.sMembers('s'))].sort()).toEqual(['a', 'b']);
  expect(await Promise.all([client.get('a'), client.get('none'), client.ping()])).toEqual([
    '2',
    null,
    'PONG',
  ]);
  expect(await client.multi().set('a', 'x').get('a').exec()).toEqual(['OK', 'x']);
  await client.close();
});
