import { expect, test } from 'vitest';
import { Database } from './database.ts';
import { refused } from './resp-reader.ts';

test('a key lives as long as group time says, and not by any clock', () => {
  const database = new Database();
  database.run('SET', 'a', 1, 'EX', 10);
  database.run('SET', 'b', 1, 'PX', 2_500);
  expect(database.run('TTL', 'a')).toBe(10);
  expect(database.run('TTL', 'b')).toBe(3);
  expect(database.run('PTTL', 'b')).toBe(2_500);
  expect(database.machine.wakeAtMs()).toBe(database.replica.timeMs + 2_500);

  database.passTime(2_499);
  expect(database.run('GET', 'b')).toBe('1');
  database.passTime(1);
  expect(database.run('GET', 'b')).toBeNull();
  expect(database.run('PTTL', 'b')).toBe(-2);
  expect(database.run('TTL', 'a')).toBe(8);
});

test('an expired key leaves nothing behind although nobody asks for it', () => {
  const database = new Database();
  database.run('SET', 'a', 1, 'PX', 100);
  database.passTime(100);
  expect(database.machine.keyspace.size).toBe(0);
  expect(database.machine.wakeAtMs()).toBeUndefined();
});

test('group time that stands still or is behind changes nothing', () => {
  const database = new Database();
  database.run('SET', 'a', 1, 'PX', 100);
  database.passTime(50);
  database.passTime(-40);
  expect(database.run('PTTL', 'a')).toBe(50);
});

test('what keeps an expiry, and what ends it', () => {
  const database = new Database();
  const keeps = [
    ['SET', 'a', '2', 'KEEPTTL'],
    ['INCR', 'a'],
    ['APPEND', 'a', '0'],
  ];
  const ends = [
    ['SET', 'a', '2'],
    ['SET', 'a', '2', 'GET'],
    ['GETSET', 'a', '2'],
    ['MSET', 'a', '2'],
    ['PERSIST', 'a'],
  ];
  for (const command of keeps) {
    database.run('SET', 'a', 1, 'EX', 10);
    database.run(...command);
    expect(database.run('TTL', 'a'), command.join(' ')).toBe(10);
  }
  for (const command of ends) {
    database.run('SET', 'a', 1, 'EX', 10);
    database.run(...command);
    expect(database.run('TTL', 'a'), command.join(' ')).toBe(-1);
    expect(database.machine.wakeAtMs(), command.join(' ')).toBeUndefined();
  }
  expect(database.run('PERSIST', 'a')).toBe(0);
  expect(database.run('PERSIST', 'none')).toBe(0);
  expect(database.run('TTL', 'none')).toBe(-2);
});

test('EXPIRE with conditions', () => {
  const database = new Database();
  database.run('SET', 'a', 1);
  expect(database.run('EXPIRE', 'a', 10, 'XX')).toBe(0);
  expect(database.run('EXPIRE', 'a', 10, 'GT')).toBe(0);
  expect(database.run('EXPIRE', 'a', 10, 'NX')).toBe(1);
  expect(database.run('EXPIRE', 'a', 20, 'NX')).toBe(0);
  expect(database.run('EXPIRE', 'a', 5, 'GT')).toBe(0);
  expect(database.run('EXPIRE', 'a', 20, 'LT')).toBe(0);
  expect(database.run('EXPIRE', 'a', 20, 'GT', 'XX')).toBe(1);
  expect(database.run('PEXPIRE', 'a', 5_000, 'LT')).toBe(1);
  expect(database.run('TTL', 'a')).toBe(5);
  expect(database.run('EXPIRE', 'none', 5)).toBe(0);
  expect(database.run('EXPIRE', 'a', 5, 'NX', 'GT')).toEqual(
    refused('ERR NX and XX, GT or LT options at the same time are not compatible'),
  );
  expect(database.run('EXPIRE', 'a', 5, 'GT', 'LT')).toEqual(
    refused('ERR GT and LT options at the same time are not compatible'),
  );
  expect(database.run('EXPIRE', 'a', 5, 'SOON')).toEqual(refused('ERR Unsupported option SOON'));
  expect(database.run('EXPIRE', 'a', '9223372036854775807')).toEqual(
    refused("ERR invalid expire time in 'expire' command"),
  );
});

test('a time to live that is over deletes at once', () => {
  const database = new Database();
  database.run('SET', 'a', 1);
  expect(database.run('EXPIRE', 'a', -1)).toBe(1);
  expect(database.run('DBSIZE')).toBe(0);
});

test('more keys than one batch removes are hidden at once and gone after the next ones', () => {
  const database = new Database();
  for (let i = 0; i < 10_500; i++) database.run('SET', `key-${i}`, i, 'PX', 100);
  database.passTime(100);
  expect(database.machine.keyspace.size).toBe(500);
  expect(database.machine.keyspace.find('key-10499')).toBeUndefined();
  expect(database.machine.wakeAtMs()).toBe(database.replica.timeMs + 1);
  database.passTime(1);
  expect(database.machine.keyspace.size).toBe(0);
});

test('changing the expiry of one key over and over takes no room', () => {
  const database = new Database();
  for (let i = 1; i <= 1_000; i++) database.run('SET', 'a', 1, 'EX', 1 + (i % 7));
  expect(database.machine.keyspace.expiries.size).toBe(1);
});
