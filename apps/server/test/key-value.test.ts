import fc from 'fast-check';
import { expect, test } from 'vitest';
import { BundleWriter } from '../src/bundle/bundle-writer.ts';
import { KeyValue } from '../src/key-value.ts';
import { commandOf, Database } from './database.ts';

type Words = readonly string[];

const key = fc.constantFrom('a', 'b', 'c', 'd', 'e');
const text = fc.constantFrom('x', 'y', '1', '', '\0ÿ');
const command: fc.Arbitrary<Words> = fc.oneof(
  fc.tuple(key, text).map(([k, v]) => ['SET', k, v]),
  fc
    .tuple(key, text, fc.integer({ min: 1, max: 50 }))
    .map(([k, v, t]) => ['SET', k, v, 'PX', `${t}`]),
  fc.tuple(key, fc.integer({ min: -1, max: 50 })).map(([k, t]) => ['PEXPIRE', k, `${t}`]),
  key.map((k) => ['INCR', k]),
  fc.tuple(key, text).map(([k, v]) => ['APPEND', k, v]),
  fc.tuple(key, text).map(([k, v]) => ['RPUSH', k, v, 'z']),
  fc.tuple(key, text).map(([k, v]) => ['LPUSH', k, v]),
  key.map((k) => ['LPOP', k]),
  fc.tuple(key, text, text).map(([k, f, v]) => ['HSET', k, f, v]),
  fc.tuple(key, text).map(([k, v]) => ['SADD', k, v, 'm']),
  key.map((k) => ['DEL', k]),
  key.map((k) => ['PERSIST', k]),
  fc.integer({ min: 1, max: 30 }).map((ms) => ['time', `${ms}`]),
);
const history = fc.array(command, { size: 'max', maxLength: 120 });

const textOf = (chunks: Iterable<Uint8Array>): string =>
  Buffer.concat([...chunks].map((chunk) => Buffer.from(chunk))).toString('latin1');
const saved = (machine: KeyValue): string => textOf(machine.save());

function execute(database: Database, commands: readonly Words[]): unknown[] {
  return commands.map((words) => {
    if (words[0] !== 'time') return database.run(...words);
    database.passTime(Number(words[1]));
    return null;
  });
}

async function loaded(chunks: readonly Uint8Array[]): Promise<Database> {
  const database = new Database();
  await database.machine.load(inTurn(chunks));
  return database;
}

async function* inTurn(chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* chunks;
}

test('the same commands give the same replies and the same state', () => {
  fc.assert(
    fc.property(history, (commands) => {
      const [one, other] = [new Database(), new Database()];
      expect(execute(one, commands)).toEqual(execute(other, commands));
      expect(saved(one.machine)).toBe(saved(other.machine));
    }),
    { seed: 5, numRuns: 200 },
  );
});

test('a saved and loaded state goes on as if nothing had been, however it was cut', async () => {
  await fc.assert(
    fc.asyncProperty(
      history,
      history,
      fc.integer({ min: 1, max: 99 }),
      async (before, after, size) => {
        const original = new Database();
        execute(original, before);
        const bytes = Buffer.from(saved(original.machine), 'latin1');
        const chunks: Buffer[] = [];
        for (let at = 0; at < bytes.length; at += size) chunks.push(bytes.subarray(at, at + size));
        const copy = await loaded(chunks);
        copy.replica.timeMs = original.replica.timeMs;

        expect(saved(copy.machine)).toBe(saved(original.machine));
        expect(copy.machine.wakeAtMs()).toBe(original.machine.wakeAtMs());
        expect(execute(copy, after)).toEqual(execute(original, after));
        expect(saved(copy.machine)).toBe(saved(original.machine));
      },
    ),
    { seed: 6, numRuns: 200 },
  );
});

test('a saved state does not move when execution goes on', () => {
  const database = new Database();
  database.run('RPUSH', 'l', 'a');
  const before = saved(database.machine);
  const view = database.machine.save();
  database.run('RPUSH', 'l', 'b');
  expect(textOf(view)).toBe(before);
});

test('a large state is saved in pieces of about 64 KiB', async () => {
  const database = new Database();
  for (let i = 0; i < 3_000; i++) {
    database.run('SET', `key-${i}`, 'x'.repeat(50));
    database.run('RPUSH', 'list', `item-${i}`);
    database.run('HSET', 'hash', `field-${i}`, i);
  }
  database.run('SET', 'large', 'x'.repeat(200_000));
  const chunks = [...database.machine.save()];
  expect(chunks.length).toBeGreaterThan(4);
  expect(Math.max(...chunks.map(({ length }) => length))).toBeLessThan(300_000);
  const copy = await loaded(chunks);
  expect(copy.run('LRANGE', 'list', 0, -1)).toEqual(database.run('LRANGE', 'list', 0, -1));
  expect(copy.run('HGETALL', 'hash')).toEqual(database.run('HGETALL', 'hash'));
});

test('a saved state that is cut short or changed in its counts is refused', async () => {
  const database = new Database();
  database.run('MSET', 'a', 1, 'b', 2);
  const bytes = Buffer.from(saved(database.machine), 'latin1');
  for (let length = 0; length < bytes.length; length++) {
    await expect(loaded([bytes.subarray(0, length)]), `${length} bytes`).rejects.toThrow();
  }
  await expect(loaded([bytes, bytes])).rejects.toThrow('behind its end');
});

test('a bundle gives one piece with all its replies, in the version it asks for', () => {
  const database = new Database();
  const bundle = new BundleWriter(3, 0);
  for (const words of [
    ['HSET', 'h', 'a', '1'],
    ['HGETALL', 'h'],
    ['GET', 'h'],
    ['INCR', 'n'],
  ]) {
    bundle.add(...commandOf(words));
  }
  const reply = Buffer.from(database.replica.executeNow(bundle.bytes)).toString();
  expect(reply).toBe(
    ':1\r\n%1\r\n$1\r\na\r\n$1\r\n1\r\n' +
      '-WRONGTYPE Operation against a key holding the wrong kind of value\r\n:1\r\n',
  );
});

test('bytes that no server wrote are answered the same way everywhere, and stop nobody', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
      const [one, other] = [new Database(), new Database()];
      const reply = one.replica.executeNow(bytes);
      expect(other.replica.executeNow(bytes)).toEqual(reply);
      expect(saved(one.machine)).toBe(saved(other.machine));
    }),
    { seed: 7, numRuns: 2_000 },
  );
});

test('a result that nobody waits for is empty, and the state is the same', () => {
  const bundle = new BundleWriter(2, 0);
  bundle.add(...commandOf(['APPEND', 'a', 'x']));
  const { bytes } = bundle;
  const results: Uint8Array[] = [];
  const machine = new KeyValue(1_000);
  const batch = { slot: 1, timeMs: 5, live: true, count: 2, bytes: Buffer.concat([bytes, bytes]) };
  machine.execute(
    {
      ...batch,
      start: (i) => i * bytes.length,
      end: (i) => (i + 1) * bytes.length,
      session: () => undefined,
    },
    { wanted: (i) => i === 1, push: (result) => results.push(result) },
  );
  expect(results.map((result) => Buffer.from(result).toString())).toEqual(['', ':2\r\n']);
});
