import { afterEach, expect, test } from 'vitest';
import type { ClientLimits } from '../src/client/client-limits.ts';
import type { RedisClient } from './redis-client.ts';
import { encode } from './redis-client.ts';
import { refused } from './resp-reader.ts';
import { ServerUnderTest } from './server-under-test.ts';

let server: ServerUnderTest | undefined;

afterEach(() => server?.close());

async function started(limits: Partial<ClientLimits> = {}): Promise<RedisClient> {
  server = await ServerUnderTest.start(limits);
  return await server.client();
}

/** Another client is served as if nothing had happened, and nothing is held for the first. */
async function expectServing(): Promise<void> {
  const client = await server?.client();
  expect(await client?.call('SET', 'still', 'here')).toBe('OK');
  await expect.poll(() => server?.server.counters.heldBytes).toBe(0);
  client?.close();
}

test('what is no RESP is answered once, in its turn, and ends the connection', async () => {
  const client = await started();
  client.send(Buffer.concat([encode('SET', 'a', 1), encode('GET', 'a')]));
  client.send('*1\r\n!garbage\r\nPING\r\n');
  expect(await client.replies(4)).toEqual([
    'OK',
    '1',
    refused("ERR Protocol error: expected '$', got '!'"),
    undefined,
  ]);
  await expectServing();
});

test('a command that is too large is refused before it has been sent', async () => {
  const client = await started({ commandBytesMax: 10_000 });
  client.send('*3\r\n$3\r\nSET\r\n$1\r\na\r\n$10001\r\n');
  expect(await client.reply()).toEqual(refused('ERR Protocol error: invalid bulk length'));
  await client.closed();

  const many = await server?.client();
  many?.send(encode('MSET', 'a', 'x'.repeat(6_000), 'b', 'x'.repeat(6_000)));
  expect(await many?.reply()).toEqual(
    refused('ERR Protocol error: a command may have at most 10000 bytes'),
  );
  await expectServing();
});

test('a transaction or a set of watched keys cannot grow without end either', async () => {
  const client = await started({ commandBytesMax: 10_000 });
  const value = 'x'.repeat(4_000);
  expect(
    await client.pipeline(
      ['MULTI'],
      ['SET', 'a', value],
      ['SET', 'b', value],
      ['SET', 'c', value],
      ['EXEC'],
      ['WATCH', value],
    ),
  ).toEqual([
    'OK',
    'QUEUED',
    'QUEUED',
    refused('ERR a transaction may have at most 10000 bytes'),
    refused('EXECABORT Transaction discarded because of previous errors.'),
    refused('ERR watched keys may have at most 2500 bytes'),
  ]);
});

test('one client too many is told so and closed', async () => {
  const client = await started({ connectionsMax: 1 });
  expect(await client.call('PING')).toBe('PONG');
  const second = await server?.client();
  expect(await second?.reply()).toEqual(refused('ERR max number of clients reached'));
  await second?.closed();
  expect(await client.call('PING')).toBe('PONG');
  client.close();
  await expect.poll(() => server?.server.counters.connections).toBe(0);
  await expectServing();
});

test('half a command and then silence is closed after a while', async () => {
  const client = await started({ stallMs: 150 });
  const idle = await server?.client();
  client.send('*3\r\n$3\r\nSET\r\n$1\r\na\r\n$5\r\nhe');
  await client.closed();
  // A client that only has nothing to say is left alone.
  expect(await idle?.call('PING')).toBe('PONG');
  expect(server?.server.counters.closed).toBe(1);
  await expectServing();
});

test('a command that waits for the group is not taken for silence', async () => {
  const client = await started({ stallMs: 60 });
  server?.replica.hold();
  client.send('set a 1\r\n');
  const quiet = await server?.client();
  quiet?.send('half');
  await quiet?.closed();
  server?.replica.release();
  expect(await client.reply()).toBe('OK');
});

test('a client that never reads is paused, and closed after a while', async () => {
  const client = await started({ stallMs: 300, outputPauseBytes: 64 * 1024 });
  await client.call('SET', 'a', 'x'.repeat(100_000));
  client.socket.pause();
  const request = encode('GET', 'a');
  client.send(Buffer.concat(new Array<Buffer>(5_000).fill(request)));
  await expect.poll(() => server?.server.counters.commands).toBeGreaterThan(10);
  await expect.poll(() => server?.server.counters.closed, { timeout: 5_000 }).toBe(1);
  client.close();
  await expectServing();
});

test('a client that reads slowly gets everything', async () => {
  const client = await started({ outputPauseBytes: 64 * 1024 });
  const value = 'x'.repeat(100_000);
  await client.call('SET', 'a', value);
  client.send(Buffer.concat(new Array<Buffer>(200).fill(encode('GET', 'a'))));
  client.send('incr n\r\n'.repeat(100));
  const replies = await client.replies(300);
  expect(replies.slice(0, 200).every((reply) => reply === value)).toBe(true);
  expect(replies.at(-1)).toBe(100);
});

test('a client that sends more than can be executed is not read any more', async () => {
  const client = await started({ pendingCommandsMax: 100 });
  server?.replica.hold();
  client.send('incr a\r\n'.repeat(10_000));
  await expect.poll(() => server?.server.counters.commands).toBe(100);
  server?.replica.release();
  expect((await client.replies(10_000)).at(-1)).toBe(10_000);
});

test('a reply that is too large closes the connection, also that of a transaction', async () => {
  const client = await started({ outputBytesMax: 100_000 });
  for (let i = 0; i < 20; i++) await client.call('RPUSH', 'l', 'x'.repeat(10_000));
  client.send(encode('LRANGE', 'l', 0, -1));
  await client.closed();
  const other = await server?.client();
  await other?.pipeline(['MULTI'], ['LRANGE', 'l', 0, -1], ['SET', 'after', 1]);
  other?.send(encode('EXEC'));
  await other?.closed();
  const third = await server?.client();
  expect(await third?.call('GET', 'after')).toBe('1');
  expect(await third?.call('LRANGE', 'l', 0, 2)).toHaveLength(3);
});

test('all connections together may hold so much and no more', async () => {
  const first = await started({ heldBytesMax: 300_000 });
  const half = `*2\r\n$4\r\nECHO\r\n$200000\r\n${'x'.repeat(180_000)}`;
  first.send(half);
  await expect.poll(() => server?.server.counters.heldBytes).toBeGreaterThan(180_000);
  const second = await server?.client();
  second?.send(half);
  expect(await second?.reply()).toMatchObject({
    text: expect.stringMatching(/^RSL_OVERLOADED .* more than the 300000 /),
  });
  await second?.closed();
  first.close();
  await expectServing();
});

test('a browser that was led here gets nothing executed', async () => {
  const client = await started();
  client.send('POST / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\nSET a 1\r\n');
  await client.closed();
  expect(server?.machine.keyspace.size).toBe(0);
  await expectServing();
});

test('a connection that is reset in the middle of everything leaves nothing behind', async () => {
  const client = await started();
  server?.replica.hold();
  client.send('watch a\r\nmulti\r\nset a 1\r\nexec\r\nset b 2\r\nget b\r\n*3\r\n$3\r\nSE');
  await expect.poll(() => server?.server.counters.commands).toBe(6);
  client.socket.resetAndDestroy();
  await expect.poll(() => server?.server.counters.connections).toBe(0);
  server?.replica.release();
  await expectServing();
});
