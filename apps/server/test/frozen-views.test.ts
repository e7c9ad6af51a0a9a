import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { KeyValue } from '../src/key-value.ts';
import { Database } from './database.ts';

type Words = readonly (string | number)[];

/** What is done to a database, and to the views of it that are open. */
type Step =
  | { readonly kind: 'run'; readonly words: Words }
  | { readonly kind: 'open' }
  | { readonly kind: 'abandon' }
  | { readonly kind: 'walk'; readonly chunks: number };

const large = 'x'.repeat(20_000);
const some = (from: number, count: number): string[] =>
  Array.from({ length: count }, (_, i) => `${from + i}`.padStart(40, '0'));

const named = (type: string, count: number): fc.Arbitrary<string> =>
  fc.integer({ min: 1, max: count }).map((n) => `${type}-${n}`);
const string = named('string', 5);
const list = named('list', 3);
const set = named('set', 3);
const hash = named('hash', 3);
/** Now and then one that is of another type. */
const key = fc.oneof(string, list, set, hash);
const text = fc.constantFrom('x', '17', '', large);
const from = fc.nat(1_900);
const count = fc.constantFrom(1, 7, 150, 1_100);
const words: fc.Arbitrary<Words> = fc.oneof(
  fc.tuple(key, text).map(([k, v]) => ['APPEND', k, v]),
  fc.tuple(string, text).map(([k, v]) => ['SET', k, v]),
  fc.tuple(string, fc.integer({ min: 1, max: 90 })).map(([k, t]) => ['SET', k, large, 'PX', t]),
  fc.tuple(key, fc.integer({ min: 20, max: 90 })).map(([k, t]) => ['PEXPIRE', k, t]),
  key.map((k) => ['PERSIST', k]),
  string.map((k) => ['INCR', k]),
  fc.tuple(list, from, count).map(([k, i, n]) => ['RPUSH', k, ...some(i, n)]),
  fc.tuple(list, from, count).map(([k, i, n]) => ['LPUSH', k, ...some(i, n)]),
  fc.tuple(list, count).map(([k, n]) => ['LPOP', k, n]),
  fc.tuple(list, count).map(([k, n]) => ['RPOP', k, n]),
  fc.tuple(set, from, count).map(([k, i, n]) => ['SADD', k, ...some(i, n)]),
  fc.tuple(set, from, count).map(([k, i, n]) => ['SADD', k, ...some(i, n)]),
  fc.tuple(set, from, count).map(([k, i, n]) => ['SREM', k, ...some(i, n)]),
  fc
    .tuple(hash, from, count, text)
    .map(([k, i, n, v]) => ['HSET', k, ...some(i, n).flatMap((f) => [f, n < 99 ? v : f])]),
  fc
    .tuple(hash, from, count)
    .map(([k, i, n]) => ['HSET', k, ...some(i, n).flatMap((f) => [f, f.slice(-9)])]),
  fc.tuple(hash, from, count).map(([k, i, n]) => ['HDEL', k, ...some(i, n)]),
  set.map((k) => ['SMEMBERS', k]),
  hash.map((k) => ['HGETALL', k]),
  key.map((k) => ['DEL', k]),
  fc.integer({ min: 1, max: 30 }).map((ms) => ['time', ms]),
);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 24, arbitrary: words.map((each) => ({ kind: 'run' as const, words: each })) },
  { weight: 1, arbitrary: fc.constant<Step>({ kind: 'run', words: ['FLUSHALL'] }) },
  { weight: 3, arbitrary: fc.constant<Step>({ kind: 'open' }) },
  { weight: 1, arbitrary: fc.constant<Step>({ kind: 'abandon' }) },
  {
    weight: 9,
    arbitrary: fc.record({ kind: fc.constant('walk' as const), chunks: fc.constantFrom(1, 2, 99) }),
  },
);

const bytesOf = (chunks: Iterable<Uint8Array>): Buffer =>
  Buffer.concat([...chunks].map((chunk) => Buffer.from(chunk)));

function run(database: Database, given: Words): unknown {
  if (given[0] !== 'time') return database.run(...given);
  database.passTime(Number(given[1]));
  return undefined;
}

/** A view that is walked bit by bit, and what it has to come to. */
class Walk {
  readonly #chunks: Iterator<Uint8Array>;
  readonly #expected: Buffer;
  readonly #found: Uint8Array[] = [];

  constructor(machine: KeyValue) {
    this.#expected = bytesOf(machine.save());
    this.#chunks = machine.save()[Symbol.iterator]();
    this.advance(1);
  }

  /** True if that was all. */
  advance(count: number): boolean {
    for (let i = 0; i < count; i++) {
      const next = this.#chunks.next();
      if (next.done === true) {
        expect(bytesOf(this.#found).equals(this.#expected)).toBe(true);
        return true;
      }
      this.#found.push(next.value);
    }
    return false;
  }

  abandon(): void {
    this.#chunks.return?.();
  }
}

test('what has become large stays so through a load, however few items it has', async () => {
  const one = new Database();
  const fields = some(0, 200);
  one.run('HSET', 'hash', ...fields.flatMap((field) => [field, '1']));
  one.run('SADD', 'set', ...fields);
  one.run('HDEL', 'hash', ...fields.slice(20));
  one.run('SREM', 'set', ...fields.slice(20));
  const other = new Database();
  await other.machine.load(inTurn([...one.machine.save()]));
  for (const field of some(1_000, 20)) {
    one.run('HSET', 'hash', field, '2');
    other.run('HSET', 'hash', field, '2');
    one.run('SADD', 'set', field);
    other.run('SADD', 'set', field);
  }
  expect(other.run('HGETALL', 'hash')).toEqual(one.run('HGETALL', 'hash'));
  expect(other.run('SMEMBERS', 'set')).toEqual(one.run('SMEMBERS', 'set'));
});

test('all is saved as it was, whatever is done meanwhile', () => {
  const database = new Database();
  const items = some(0, 5_000);
  for (const name of ['first', 'second']) {
    database.run('SADD', `set-${name}`, ...items);
    database.run('RPUSH', `list-${name}`, ...items);
    database.run('HSET', `hash-${name}`, ...items.flatMap((field) => [field, 'as it was']));
    for (const n of some(0, 40)) database.run('SET', `${name}-${n}`, large, 'PX', 1_000_000);
  }
  const expected = bytesOf(database.machine.save());
  const view = database.machine.save()[Symbol.iterator]();
  const found: Uint8Array[] = [];
  for (let i = 0; ; i++) {
    const next = view.next();
    if (next.done === true) break;
    found.push(next.value);
    for (const name of ['first', 'second']) {
      database.run('SREM', `set-${name}`, ...items.slice(100 * i, 100 * i + 90));
      database.run('SADD', `set-${name}`, `new-${i}`);
      database.run('LPOP', `list-${name}`, 70);
      database.run('RPOP', `list-${name}`, 70);
      database.run(
        'HSET',
        `hash-${name}`,
        ...items.slice(9 * i, 9 * i + 90).flatMap((f) => [f, i]),
      );
      database.run('HDEL', `hash-${name}`, items.at(-1 - i) ?? '');
      const n = i % 40;
      const key = (ahead: number): string => `${name}-${some((n + ahead) % 40, 1)[0]}`;
      database.run('SET', key(3), 'another');
      database.run('APPEND', key(7), 'and more');
      database.run('PEXPIRE', key(11), 5_000_000);
      database.run('DEL', key(15));
    }
  }
  expect(found.length).toBeGreaterThan(10);
  expect(bytesOf(found).equals(expected)).toBe(true);
});

test('an expiry that a view has seen still comes', () => {
  const database = new Database();
  database.run('SET', 'a', '1', 'PX', 50);
  database.run('SET', 'b', '1', 'PX', 70);
  const view = database.machine.save()[Symbol.iterator]();
  view.next();
  const second = database.machine.save()[Symbol.iterator]();
  database.run('PEXPIRE', 'a', 90);
  database.run('APPEND', 'b', '2');
  second.next();
  database.passTime(75);
  expect(database.run('EXISTS', 'a', 'b')).toBe(1);
  expect(database.machine.keyspace.expiries.size).toBe(1);
  database.passTime(20);
  expect(database.machine.keyspace.expiries.size).toBe(0);
});

test('views give the bytes of their moment, and leave no trace in later ones', async () => {
  let slow = 0;
  const story = fc.asyncProperty(
    fc.array(step, { size: 'max', maxLength: 150 }),
    fc.array(words, { size: 'max', maxLength: 40 }),
    async (steps, after) => {
      const [viewed, other] = [new Database(), new Database()];
      let walks: Walk[] = [];
      for (const each of steps) {
        if (each.kind === 'run') {
          expect(run(viewed, each.words)).toEqual(run(other, each.words));
          slow += walks.length;
        } else if (each.kind === 'open') walks.push(new Walk(viewed.machine));
        else if (each.kind === 'abandon') walks.pop()?.abandon();
        else walks = walks.filter((walk) => !walk.advance(each.chunks));
      }
      for (const walk of walks) expect(walk.advance(Infinity)).toBe(true);

      const bytes = bytesOf(viewed.machine.save());
      expect(bytes.equals(bytesOf(other.machine.save()))).toBe(true);
      const loaded = new Database();
      await loaded.machine.load(inTurn([bytes]));
      loaded.replica.timeMs = other.replica.timeMs;
      expect(loaded.machine.wakeAtMs()).toBe(other.machine.wakeAtMs());
      for (const each of after) expect(run(loaded, each)).toEqual(run(other, each));
      expect(bytesOf(loaded.machine.save()).equals(bytesOf(other.machine.save()))).toBe(true);
    },
  );
  await fc.assert(story, { seed: 8, numRuns: 60 });
  expect(slow).toBeGreaterThan(500);
}, 120_000);

async function* inTurn(chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* chunks;
}
