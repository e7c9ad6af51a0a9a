import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { RealRedis } from './real-redis.ts';
import { RedisClient } from './redis-client.ts';
import { RespError, type RespValue } from './resp-reader.ts';
import { ServerUnderTest } from './server-under-test.ts';

// The best description of what Redis does is Redis: the same random commands go to both, and every
// reply has to be the same, to the letter of the error texts.

type Words = readonly string[];

let redis: RealRedis | string;
let server: ServerUnderTest;

beforeAll(async () => {
  redis = await RealRedis.start();
  server = await ServerUnderTest.start();
});

afterAll(async () => {
  await server.close();
  if (typeof redis !== 'string') await redis.stop();
});

const key = fc.constantFrom('a', 'b', 'c', 'd');
/**
 * It exists from the start and is never deleted: for a key that comes and goes again, EXEC
 * executes here and not in Redis.
 */
const watched = fc.constant('watched');
const text = fc.constantFrom(
  'x',
  'y',
  'z',
  '',
  '7',
  '-12',
  '007',
  '9223372036854775800',
  'é\x00\r\n',
);
const integer = fc.constantFrom('0', '1', '-1', '2', '15', '-3', 'x', '1.5', '9223372036854775807');
/** Never the same twice, or GT and LT would depend on how quick Redis was. */
const seconds = fc.noBias(fc.integer({ min: 1_000, max: 1_000_000 })).map(String);
const anySeconds = fc.oneof({ weight: 8, arbitrary: seconds }, fc.constantFrom('-5', 'x', '0'));
const expiry = fc
  .constantFrom('EX', 'PX', 'ex')
  .chain((unit) => anySeconds.map((time) => [unit, unit === 'PX' ? `${time}000` : time]));
const setOption = fc.oneof(fc.constantFrom(['NX'], ['XX'], ['get'], ['KEEPTTL'], ['NOPE']), expiry);

const on = (name: string, ...args: readonly fc.Arbitrary<string>[]): fc.Arbitrary<Words> =>
  fc.tuple(...args).map((words) => [name, ...words]);
const onMany = (name: string, arg: fc.Arbitrary<string>): fc.Arbitrary<Words> =>
  fc
    .tuple(key, fc.array(arg, { minLength: 1, maxLength: 3 }))
    .map(([k, args]) => [name, k, ...args]);

const regular: fc.Arbitrary<Words> = fc.oneof(
  on('GET', key),
  fc
    .tuple(key, text, fc.array(setOption, { maxLength: 2 }))
    .map(([k, v, options]) => ['SET', k, v, ...options.flat()]),
  on('set', key, integer),
  on('SETNX', key, text),
  on('GETSET', key, text),
  on('APPEND', key, text),
  on('STRLEN', key),
  onMany('MGET', key),
  fc.array(fc.tuple(key, text), { minLength: 1, maxLength: 3 }).map((p) => ['MSET', ...p.flat()]),
  on('INCR', key),
  on('DECR', key),
  on('INCRBY', key, integer),
  on('DECRBY', key, integer),
  onMany('DEL', key),
  onMany('EXISTS', key),
  on('EXPIRE', key, anySeconds),
  on(
    'PEXPIRE',
    key,
    seconds.map((s) => `${s}000`),
  ),
  on('EXPIRE', key, seconds, fc.constantFrom('NX', 'XX', 'gt', 'LT', 'no')),
  on('EXPIRE', key, seconds, fc.constantFrom('NX', 'XX'), fc.constantFrom('GT', 'LT')),
  on('TTL', key),
  on('PTTL', key),
  on('PERSIST', key),
  onMany('LPUSH', text),
  onMany('RPUSH', text),
  on('LPOP', key),
  on('RPOP', key),
  on('LPOP', key, integer),
  on('RPOP', key, integer),
  on('LLEN', key),
  on('LRANGE', key, integer, integer),
  onMany('HSET', text),
  fc.tuple(key, text, text).map((words) => ['HSET', ...words]),
  on('HGET', key, text),
  onMany('HDEL', text),
  on('HGETALL', key),
  on('HLEN', key),
  onMany('SADD', text),
  onMany('SREM', text),
  on('SMEMBERS', key),
  on('SCARD', key),
  on('SISMEMBER', key, text),
  on('DBSIZE'),
);
const rare: fc.Arbitrary<Words> = fc.oneof(
  on('PING'),
  on('PING', text),
  on('ECHO', text),
  on('SELECT', fc.constantFrom('0', 'x', '-1')),
  on('NOSUCHCOMMAND', integer, key),
);
const transactional: fc.Arbitrary<Words> = fc.oneof(
  on('MULTI'),
  on('EXEC'),
  on('DISCARD'),
  on('WATCH', watched),
  on('UNWATCH'),
  on('APPEND', watched, text),
  on('EXPIRE', watched, seconds),
  on('GET', watched),
);
/** One argument too many or too few. */
const misshapen = regular.chain((words) =>
  fc.constantFrom(words.slice(0, -1), [...words, 'extra'], words.slice(0, 1)),
);
const command: fc.Arbitrary<Words> = fc.oneof(
  { weight: 30, arbitrary: regular },
  { weight: 3, arbitrary: rare },
  { weight: 4, arbitrary: transactional },
  { weight: 1, arbitrary: misshapen.filter((words) => words.length > 0) },
);

for (const version of [2, 3]) {
  test(`RESP${version}: random commands get the replies that Redis gives`, async (story) => {
    if (typeof redis === 'string') {
      console.log(`skipped: ${redis} (apt-get install redis-server)`);
      return story.skip(redis);
    }
    const { port } = redis;
    await fc.assert(
      fc.asyncProperty(
        fc.array(command, { minLength: 1, maxLength: 80, size: 'max' }),
        async (commands) => {
          const theirs = await answers(port, version, commands);
          const ours = await answers(server.port, version, commands);
          expect(ours).toEqual(theirs);
        },
      ),
      { seed: 20_260 + version, numRuns: 250 },
    );
  }, 120_000);
}

/** `command → reply`, one line for each command. */
async function answers(
  port: number,
  version: number,
  commands: readonly Words[],
): Promise<string[]> {
  const client = await RedisClient.connect(port);
  await client.call('HELLO', version);
  await client.call('FLUSHALL');
  await client.call('SET', 'watched', 'x');
  const replies = await client.pipeline(...commands);
  client.close();
  const queue: Words[] = [];
  let isQueueing = false;
  return commands.map((words, i) => {
    const reply = replies[i];
    const name = (words[0] as string).toUpperCase();
    let shown: unknown;
    if (name === 'EXEC' && Array.isArray(reply)) {
      shown = reply.map((each: RespValue, at) => comparable(queue[at] ?? [], each));
    } else shown = comparable(words, reply);
    if (name === 'MULTI') isQueueing = true;
    if (name === 'EXEC' || name === 'DISCARD') isQueueing = false;
    if (!isQueueing) queue.length = 0;
    if (reply === 'QUEUED') queue.push(words);
    return `${JSON.stringify(words)} → ${JSON.stringify(shown)}`;
  });
}

/** What does not depend on the order of a hash table, or on how long Redis took. */
function comparable(words: Words, reply: RespValue | undefined): unknown {
  const name = (words[0] ?? '').toUpperCase();
  if (reply instanceof RespError) return `error ${reply.text}`;
  if (typeof reply === 'bigint') return `${reply}n`;
  if (reply instanceof Map) return { map: [...reply].map(String).sort() };
  if (reply instanceof Set) return { set: [...reply].map(String).sort() };
  if (name === 'TTL' && typeof reply === 'number' && reply > 0) return Math.round(reply / 100);
  if (name === 'PTTL' && typeof reply === 'number' && reply > 0) return Math.round(reply / 1e5);
  if (!Array.isArray(reply)) return reply;
  if (name === 'SMEMBERS') return reply.map(String).sort();
  if (name !== 'HGETALL') return reply;
  const pairs: string[] = [];
  for (let i = 0; i < reply.length; i += 2) pairs.push(`${reply[i]}=${reply[i + 1]}`);
  return pairs.sort();
}
