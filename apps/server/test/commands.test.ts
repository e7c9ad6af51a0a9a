import { expect, test } from 'vitest';
import { Database } from './database.ts';
import { refused } from './resp-reader.ts';

type Step = readonly [command: string, reply: unknown];

const wrongType = refused('WRONGTYPE Operation against a key holding the wrong kind of value');
const notAnInteger = refused('ERR value is not an integer or out of range');
const syntaxError = refused('ERR syntax error');

/** Runs commands one after the other; words are separated by blanks, '' is an empty word. */
function story(...steps: readonly Step[]): void {
  const database = new Database();
  for (const [command, reply] of steps) {
    const words = command.split(' ').map((word) => (word === "''" ? '' : word));
    expect(database.run(...words), command).toEqual(reply);
  }
}

test('GET and SET', () => {
  story(
    ['GET a', null],
    ['SET a 1', 'OK'],
    ['GET a', '1'],
    ["SET a ''", 'OK'],
    ['GET a', ''],
    ['RPUSH l x', 1],
    ['GET l', wrongType],
    ['SET l now-a-string', 'OK'],
    ['GET l', 'now-a-string'],
  );
});

test('keys and values are any bytes', () => {
  const database = new Database();
  const bytes = Buffer.from(Array.from({ length: 256 }, (_, i) => i)).toString('latin1');
  database.run('SET', bytes, bytes);
  expect(database.run('GET', bytes)).toBe(bytes);
  database.run('HSET', 'h', bytes, bytes);
  expect(database.run('HGETALL', 'h')).toEqual([bytes, bytes]);
});

test('SET with NX, XX and GET', () => {
  story(
    ['SET a 1 XX', null],
    ['SET a 1 NX', 'OK'],
    ['SET a 2 NX', null],
    ['SET a 2 xx', 'OK'],
    ['SET a 3 GET', '2'],
    ['SET b 1 GET', null],
    ['GET b', '1'],
    ['SET b 2 NX GET', '1'],
    ['GET b', '1'],
    ['SET c 1 XX GET', null],
    ['EXISTS c', 0],
    ['RPUSH l x', 1],
    ['SET l 1 GET', wrongType],
    ['LLEN l', 1],
    ['SET a 1 NX XX', syntaxError],
    ['SET a 1 EX', syntaxError],
    ['SET a 1 EX 10 PX 10', syntaxError],
    ['SET a 1 EX 10 KEEPTTL', syntaxError],
    ['SET a 1 KEEPTTL PX 10', syntaxError],
    ['SET a 1 ONCE', syntaxError],
    ['SET a 1 EX ten', notAnInteger],
    ['SET a 1 EX 0', refused("ERR invalid expire time in 'set' command")],
    ['SET a 1 PX -5', refused("ERR invalid expire time in 'set' command")],
    ['SET a 1 EX 9223372036854775807', refused("ERR invalid expire time in 'set' command")],
    ['GET a', '3'],
  );
});

test('SETNX, GETSET, APPEND, STRLEN', () => {
  story(
    ['SETNX a 1', 1],
    ['SETNX a 2', 0],
    ['GETSET a 3', '1'],
    ['GETSET b 4', null],
    ['APPEND a xyz', 4],
    ['GET a', '3xyz'],
    ['APPEND c new', 3],
    ['STRLEN c', 3],
    ['STRLEN none', 0],
    ['SADD s m', 1],
    ['APPEND s x', wrongType],
    ['STRLEN s', wrongType],
    ['GETSET s x', wrongType],
    ['SETNX s x', 0],
  );
});

test('a string that grows by many small pieces stays whole, and ends at its limit', () => {
  const database = new Database();
  for (let i = 0; i < 2_000; i++) database.run('APPEND', 'a', String(i % 10));
  expect(database.run('GET', 'a')).toBe('0123456789'.repeat(200));

  const piece = 'x'.repeat(512 * 1024);
  for (let i = 0; i < 64; i++) database.run('APPEND', 'b', piece);
  expect(database.run('STRLEN', 'b')).toBe(32 * 1024 * 1024);
  expect(database.run('APPEND', 'b', 'x')).toEqual(
    refused('ERR string exceeds maximum allowed size (proto-max-bulk-len)'),
  );
});

test('MGET and MSET', () => {
  story(
    ['MSET a 1 b 2 a 3', 'OK'],
    ['RPUSH l x', 1],
    ['MGET a b none l', ['3', '2', null, null]],
    ['MSET a 1 b', refused("ERR wrong number of arguments for 'mset' command")],
    ['MSET l 1', 'OK'],
    ['GET l', '1'],
  );
});

test('counters go to the ends of 64 bits and no further', () => {
  const overflow = refused('ERR increment or decrement would overflow');
  story(
    ['INCR a', 1],
    ['INCRBY a 41', 42],
    ['DECR a', 41],
    ['DECRBY a 50', -9],
    ['INCRBY a -1', -10],
    ['SET a 9223372036854775806', 'OK'],
    ['INCR a', 9223372036854775807n],
    ['INCR a', overflow],
    ['GET a', '9223372036854775807'],
    ['DECRBY a 9223372036854775807', 0],
    ['DECRBY a 9223372036854775807', -9223372036854775807n],
    ['DECR a', -9223372036854775808n],
    ['DECR a', overflow],
    ['DECRBY a -9223372036854775808', refused('ERR decrement would overflow')],
    ['INCRBY a 9223372036854775808', notAnInteger],
    ['INCRBY a 999999999999999', -9222372036854775809n],
  );
});

test('a counter is a string in the one form that an integer has', () => {
  const badForms = [
    '',
    ' 1',
    '1 ',
    '+1',
    '01',
    '-0',
    '1.0',
    '1e3',
    'x',
    '-',
    '99999999999999999999',
  ];
  for (const bad of badForms) {
    const database = new Database();
    database.run('SET', 'a', bad);
    expect(database.run('INCR', 'a'), bad).toEqual(notAnInteger);
    expect(database.run('INCRBY', 'b', bad), bad).toEqual(notAnInteger);
  }
  story(['RPUSH l 1', 1], ['INCR l', wrongType]);
});

test('DEL, EXISTS, DBSIZE and FLUSHALL', () => {
  story(
    ['MSET a 1 b 2 c 3', 'OK'],
    ['EXISTS a a b none', 3],
    ['DEL a a none', 1],
    ['DBSIZE', 2],
    ['FLUSHALL SOON', syntaxError],
    ['FLUSHALL ASYNC', 'OK'],
    ['DBSIZE', 0],
  );
});

test('lists', () => {
  story(
    ['RPUSH l b c', 2],
    ['LPUSH l a z', 4],
    ['LRANGE l 0 -1', ['z', 'a', 'b', 'c']],
    ['LRANGE l 1 2', ['a', 'b']],
    ['LRANGE l -2 100', ['b', 'c']],
    ['LRANGE l 3 1', []],
    ['LRANGE l 9 10', []],
    ['LRANGE l -100 0', ['z']],
    ['LRANGE none 0 1', []],
    ['LRANGE l x 1', notAnInteger],
    ['LLEN l', 4],
    ['LPOP l', 'z'],
    ['RPOP l', 'c'],
    ['LPOP l 0', []],
    ['LPOP none 0', null],
    ['LPOP l -1', refused('ERR value is out of range, must be positive')],
    ['LPOP l x', refused('ERR value is out of range, must be positive')],
    ['LPOP l 1 2', refused("ERR wrong number of arguments for 'lpop' command")],
    ['RPOP l 9', ['b', 'a']],
    ['EXISTS l', 0],
    ['RPOP l', null],
    ['RPOP l 2', null],
    ['LLEN l', 0],
    ['SET s 1', 'OK'],
    ['LPUSH s x', wrongType],
    ['LPOP s', wrongType],
    ['LLEN s', wrongType],
    ['LRANGE s 0 1', wrongType],
  );
});

test('hashes', () => {
  story(
    ['HSET h a 1 b 2', 2],
    ['HSET h a 3 c 4', 1],
    ['HGET h a', '3'],
    ['HGET h none', null],
    ['HGET none a', null],
    ['HGETALL h', ['a', '3', 'b', '2', 'c', '4']],
    ['HGETALL none', []],
    ['HLEN h', 3],
    ['HDEL h a none a', 1],
    ['HDEL none a', 0],
    ['HDEL h b c', 2],
    ['EXISTS h', 0],
    ['HSET h a', refused("ERR wrong number of arguments for 'hset' command")],
    ['SET s 1', 'OK'],
    ['HSET s a 1', wrongType],
    ['HGET s a', wrongType],
    ['HLEN s', wrongType],
  );
});

test('sets', () => {
  story(
    ['SADD s a b a', 2],
    ['SADD s b c', 1],
    ['SCARD s', 3],
    ['SISMEMBER s a', 1],
    ['SISMEMBER s z', 0],
    ['SISMEMBER none z', 0],
    ['SMEMBERS s', ['a', 'b', 'c']],
    ['SMEMBERS none', []],
    ['SREM s a z', 1],
    ['SREM s b c', 2],
    ['SREM s b', 0],
    ['EXISTS s', 0],
    ['HSET h a 1', 1],
    ['SADD h x', wrongType],
    ['SMEMBERS h', wrongType],
  );
});

test('RESP3 tells maps, sets and nothing apart', () => {
  const database = new Database();
  database.run('HSET', 'h', 'a', '1');
  database.run('SADD', 's', 'm');
  expect(database.run3('HGETALL', 'h')).toEqual(new Map([['a', '1']]));
  expect(database.run3('SMEMBERS', 's')).toEqual(new Set(['m']));
  expect(database.run3('GET', 'none')).toBeNull();
  expect(database.run3('LPOP', 'none', 2)).toBeNull();
});
