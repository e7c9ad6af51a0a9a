import { OutcomeUnknownError, OverloadedError, NotLeaderError } from '@rsl/core';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { RedisClient } from './redis-client.ts';
import { refused } from './resp-reader.ts';
import { ServerUnderTest } from './server-under-test.ts';

let server: ServerUnderTest;
let client: RedisClient;

beforeEach(async () => {
  server = await ServerUnderTest.start();
  client = await server.client();
});

afterEach(() => server.close());

test('a pipeline is answered in order; reads see the writes before them only', async () => {
  expect(
    await client.pipeline(
      ['SET', 'a', 1],
      ['GET', 'a'],
      ['PING'],
      ['INCR', 'a'],
      ['INCR', 'a'],
      ['NOSUCH'],
      ['GET', 'a'],
      ['GET', 'a'],
      ['SET', 'a', 'x'],
      ['ECHO', 'hi'],
    ),
  ).toEqual([
    'OK',
    '1',
    'PONG',
    2,
    3,
    refused("ERR unknown command 'NOSUCH', with args beginning with: "),
    '3',
    '3',
    'OK',
    'hi',
  ]);
  // Runs of one kind share a proposal or a barrier.
  expect(server.replica.calls).toEqual([
    'propose',
    'linearizable',
    'propose',
    'linearizable',
    'propose',
  ]);
});

test('while one run waits, what comes in gathers and goes together', async () => {
  server.replica.hold();
  client.send('set a 1\r\n');
  await expect.poll(() => server.replica.calls.length).toBe(1);
  for (let i = 0; i < 20; i++) client.send('incr a\r\n');
  await expect.poll(() => server.server.counters.commands).toBe(21);
  server.replica.release();
  expect(await client.replies(21)).toEqual(['OK', ...Array.from({ length: 20 }, (_, i) => i + 2)]);
  expect(server.replica.calls).toEqual(['propose', 'propose']);
});

test('READONLY reads without asking the group, READWRITE asks again', async () => {
  expect(await client.pipeline(['READONLY'], ['GET', 'a'], ['READWRITE'], ['GET', 'a'])).toEqual([
    'OK',
    null,
    'OK',
    null,
  ]);
  expect(server.replica.calls).toEqual(['local', 'linearizable']);
});

test('CLIENT RSL-READ chooses what reads have to reflect', async () => {
  const { calls } = server.replica;
  expect(
    await client.pipeline(
      ['CLIENT', 'RSL-READ', 'LOCAL'],
      ['GET', 'a'],
      ['CLIENT', 'RSL-READ', 'at-least', 7],
      ['GET', 'a'],
      ['GET', 'b'],
      ['TTL', 'a'],
      ['CLIENT', 'rsl-read', 'Linearizable'],
      ['GET', 'a'],
      ['CLIENT', 'RSL-READ', 'AT-LEAST'],
      ['GET', 'a'],
      ['READWRITE'],
      ['GET', 'a'],
    ),
  ).toEqual(['OK', null, 'OK', null, null, -2, 'OK', null, 'OK', null, 'OK', null]);
  // Reads of one level that came in a row share one barrier.
  const levels = ['local', { atLeast: 7 }, 'linearizable', { atLeast: 0 }, 'linearizable'];
  expect(calls).toEqual(levels);
});

test('CLIENT RSL-READ refuses what is no level, and changes nothing then', async () => {
  const { calls } = server.replica;
  const syntax = refused('ERR syntax error');
  const range = refused('ERR value is not an integer or out of range');
  expect(
    await client.pipeline(
      ['CLIENT', 'RSL-READ', 'EVENTUAL'],
      ['CLIENT', 'RSL-READ', 'LOCAL', 7],
      ['CLIENT', 'RSL-READ', 'AT-LEAST', -1],
      ['CLIENT', 'RSL-READ', 'AT-LEAST', '9007199254740992'],
      ['CLIENT', 'RSL-READ', 'AT-LEAST', 'x'],
      ['CLIENT', 'RSL-READ'],
      ['CLIENT', 'RSL-READ', 'AT-LEAST', 1, 2],
      ['GET', 'a'],
    ),
  ).toEqual([
    syntax,
    syntax,
    range,
    range,
    range,
    refused("ERR wrong number of arguments for 'client|rsl-read' command"),
    refused("ERR wrong number of arguments for 'client|rsl-read' command"),
    null,
  ]);
  expect(calls).toEqual(['linearizable']);
});

test('RSL.SLOT is told in its turn: it reflects the commands before it', async () => {
  server.replica.hold();
  client.send('SET a 1\r\nRSL.SLOT\r\nPING\r\n');
  await expect.poll(() => server.replica.calls.length).toBe(1);
  server.replica.release();
  expect(await client.replies(3)).toEqual(['OK', 1, 'PONG']);
  expect(await client.pipeline(['SET', 'a', 2], ['RSL.SLOT'])).toEqual(['OK', 2]);
  expect(await client.pipeline(['MULTI'], ['RSL.SLOT'], ['DISCARD'])).toEqual([
    'OK',
    refused('ERR Command not allowed inside a transaction'),
    'OK',
  ]);
});

test('TTL is told by group time, so it goes through the log', async () => {
  await client.call('SET', 'a', 1, 'EX', 100);
  server.replica.timeMs += 30_000;
  expect(await client.call('TTL', 'a')).toBe(70);
});

test('MULTI and EXEC', async () => {
  expect(
    await client.pipeline(
      ['MULTI'],
      ['SET', 'a', 1],
      ['INCR', 'a'],
      ['LPUSH', 'a', 1],
      ['PING'],
      ['EXEC'],
      ['GET', 'a'],
    ),
  ).toEqual([
    'OK',
    'QUEUED',
    'QUEUED',
    'QUEUED',
    'QUEUED',
    ['OK', 2, refused('WRONGTYPE Operation against a key holding the wrong kind of value'), 'PONG'],
    '2',
  ]);
  expect(server.replica.calls).toEqual(['propose', 'linearizable']);
});

test('a transaction with a command that cannot be queued is not executed', async () => {
  expect(
    await client.pipeline(
      ['MULTI'],
      ['SET', 'a', 1],
      ['NOSUCH'],
      ['EXEC'],
      ['MULTI'],
      ['GET'],
      ['EXEC'],
      ['MULTI'],
      ['INFO'],
      ['EXEC'],
      ['GET', 'a'],
      ['EXEC'],
      ['DISCARD'],
      ['MULTI'],
      ['MULTI'],
      ['WATCH', 'a'],
      ['EXEC'],
    ),
  ).toEqual([
    'OK',
    'QUEUED',
    refused("ERR unknown command 'NOSUCH', with args beginning with: "),
    refused('EXECABORT Transaction discarded because of previous errors.'),
    'OK',
    refused("ERR wrong number of arguments for 'get' command"),
    refused('EXECABORT Transaction discarded because of previous errors.'),
    'OK',
    refused('ERR Command not allowed inside a transaction'),
    refused('EXECABORT Transaction discarded because of previous errors.'),
    null,
    refused('ERR EXEC without MULTI'),
    refused('ERR DISCARD without MULTI'),
    'OK',
    refused('ERR MULTI calls can not be nested'),
    refused('ERR WATCH inside MULTI is not allowed'),
    [],
  ]);
});

test('EXEC does nothing if a watched key was changed by anybody', async () => {
  const other = await server.client();
  const watched = [['WATCH', 'a', 'b'], ['GET', 'a'], ['MULTI'], ['SET', 'a', 'mine']] as const;

  await client.pipeline(...watched);
  await other.call('SET', 'b', 'theirs');
  expect(await client.call('EXEC')).toBeNull();
  expect(await client.call('GET', 'a')).toBeNull();

  await client.pipeline(...watched);
  expect(await client.call('EXEC')).toEqual(['OK']);

  // Watching ended with EXEC, and ends with UNWATCH and DISCARD.
  await client.call('WATCH', 'a');
  await client.call('UNWATCH');
  await other.call('SET', 'a', 'theirs');
  expect(await client.pipeline(['MULTI'], ['GET', 'a'], ['EXEC'])).toEqual([
    'OK',
    'QUEUED',
    ['theirs'],
  ]);
});

test('a watched key that expires has changed', async () => {
  await client.call('SET', 'a', 1, 'PX', 100);
  await client.pipeline(['WATCH', 'a'], ['MULTI'], ['SET', 'a', 2]);
  server.replica.passTime(100);
  expect(await client.call('EXEC')).toBeNull();
});

test('WATCH that failed makes EXEC fail, as nobody knows what has changed', async () => {
  server.replica.failNext(new NotLeaderError('nobody leads'));
  expect(await client.pipeline(['WATCH', 'a'], ['MULTI'], ['SET', 'a', 1], ['EXEC'])).toEqual([
    refused('RSL_NOT_LEADER nobody leads'),
    'OK',
    'QUEUED',
    refused('EXECABORT Transaction discarded because a WATCH before it failed'),
  ]);
});

test('an error of the library is the reply of each command it concerns', async () => {
  server.replica.failNext(new OutcomeUnknownError('leadership was lost'));
  expect(await client.pipeline(['SET', 'a', 1], ['SET', 'b', 1], ['GET', 'a'])).toEqual([
    refused('RSL_OUTCOME_UNKNOWN leadership was lost'),
    refused('RSL_OUTCOME_UNKNOWN leadership was lost'),
    null,
  ]);
  server.replica.failNext(new OverloadedError('pendingBytesMax', 'too much is waiting'));
  expect(await client.call('SET', 'a', 1)).toEqual(refused('RSL_OVERLOADED too much is waiting'));
  expect(await client.call('SET', 'a', 1)).toBe('OK');
});

test('HELLO 3 changes how replies look from there on', async () => {
  const [, before, hello, after, nothing, info] = await client.pipeline(
    ['HSET', 'h', 'a', 1],
    ['HGETALL', 'h'],
    ['HELLO', 3, 'SETNAME', 'me'],
    ['HGETALL', 'h'],
    ['GET', 'none'],
    ['CLIENT', 'INFO'],
  );
  expect(before).toEqual(['a', '1']);
  expect(hello).toBeInstanceOf(Map);
  expect(hello).toEqual(expect.objectContaining({ size: 7 }));
  expect(after).toEqual(new Map([['a', '1']]));
  expect(nothing).toBeNull();
  expect(info).toMatch(/ name=me .* resp=3 /);
  expect(await client.call('HELLO', 4)).toEqual(refused('NOPROTO unsupported protocol version'));
});

test('what clients and benchmarks ask about the server', async () => {
  expect(await client.call('CONFIG', 'GET', 'save')).toEqual(['save', '']);
  expect(await client.call('CONFIG', 'GET', 'append*')).toEqual([
    'appendfsync',
    'always',
    'appendonly',
    'yes',
  ]);
  expect(await client.call('INFO')).toMatch(/loading:0\r\n/);
  expect(await client.call('INFO', 'rsl')).toMatch(/^# Rsl\r\nrsl_group:fake\r\n/);
  expect(await client.call('ROLE')).toEqual(['master', expect.any(Number), []]);
  expect(await client.call('COMMAND', 'COUNT')).toBeGreaterThan(50);
  expect(await client.call('COMMAND', 'INFO', 'get', 'nosuch')).toEqual([
    ['get', 2, ['readonly', 'fast'], 1, 1, 1, ['@string'], [], [], []],
    null,
  ]);
  expect(await client.call('COMMAND', 'GETKEYS', 'MSET', 'a', 1, 'b', 2)).toEqual(['a', 'b']);
  expect(await client.call('COMMAND', 'DOCS', 'get')).toEqual(['get', expect.any(Array)]);
  expect(await client.call('CLIENT', 'SETINFO', 'LIB-NAME', 'x y')).toEqual(
    refused('ERR lib-name cannot contain spaces, newlines or special characters.'),
  );
  expect(await client.call('CLIENT', 'ID')).toBe(1);
  expect(await client.call('SELECT', 1)).toEqual(refused('ERR DB index is out of range'));
  const status = await client.call('RSL.STATUS');
  expect(typeof status === 'string' && JSON.parse(status)).toMatchObject({
    group: 'fake',
    state: 'leader',
    server: { keys: 0 },
  });
});

test('RSL.METRICS gives what was measured, and begins anew if it is told to', async () => {
  const overMs = async (...args: string[]): Promise<unknown> => {
    const text = await client.call('RSL.METRICS', ...args);
    const metrics = typeof text === 'string' && JSON.parse(text);
    expect(metrics).toMatchObject({ commandUs: { count: 0 }, counters: {} });
    return metrics.overMs;
  };
  expect(await overMs()).toBe(2);
  expect(await overMs('reset')).toBe(1);
  const wrong = refused('ERR RSL.METRICS takes nothing but RESET');
  expect(await client.call('RSL.METRICS', 'all')).toEqual(wrong);
});

test('QUIT answers everything before it and closes', async () => {
  expect(await client.pipeline(['SET', 'a', 1], ['QUIT'])).toEqual(['OK', 'OK']);
  await client.closed();
});

test('a client that has sent all it wanted to send still gets its replies', async () => {
  const count = 5_000;
  client.socket.end(Buffer.from('incr a\r\nget a\r\n'.repeat(count)));
  const replies = await client.replies(2 * count);
  expect(replies.at(-1)).toBe(String(count));
  await client.closed();
});

test('closing the server answers what was sent, and takes no new clients', async () => {
  server.replica.hold();
  client.send('set a 1\r\n');
  await expect.poll(() => server.replica.calls.length).toBe(1);
  const closed = server.server.close(60_000);
  server.replica.release();
  expect(await client.reply()).toBe('OK');
  await client.closed();
  await closed;
  await expect(server.client()).rejects.toThrow('ECONNREFUSED');
});
