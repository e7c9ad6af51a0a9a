import { silentLogger, StorageError } from '@rsl/core';
import type { SnapshotMeta, SnapshotReader } from '@rsl/core/protocol';
import type { Saved, Snapshots } from '@rsl/snapshot';
import { afterEach, expect, test } from 'vitest';
import { SnapshotDesk } from '../src/snapshots/snapshot-desk.ts';
import { RespError } from './resp-reader.ts';
import { ServerUnderTest } from './server-under-test.ts';

const membership = {
  number: 1,
  firstSlot: 1,
  members: [],
} as unknown as SnapshotMeta['membership'];
const metaOf = (slot: number): SnapshotMeta => ({
  slot,
  membership,
  layout: 1,
  bytes: 1_000,
  digest: `${slot}`.padStart(64, '0'),
});
const savedOf = (slot: number): Saved => ({ meta: metaOf(slot), where: `/data/${slot}` });

/** Snapshots of slots 1 to 6 of a thousand bytes each; a save ends when the test says so. */
class FakeSnapshots {
  readonly list = [6, 5, 4, 3, 2, 1].map(metaOf);
  /** Those that are open. */
  readonly readers = new Set<number>();
  isStopped = false;
  /** Of the save that was asked for last. */
  #waiter: { resolve: (saved: Saved) => void; reject: (error: Error) => void } | undefined;
  #asked: () => void = () => undefined;
  readonly asked = new Promise<void>((resolve) => {
    this.#asked = resolve;
  });

  saveNow(): Promise<Saved> {
    return new Promise((resolve, reject) => {
      this.#waiter = { resolve, reject };
      this.#asked();
    });
  }

  saved(slot: number): void {
    this.#waiter?.resolve(savedOf(slot));
  }

  failed(error: Error): void {
    this.#waiter?.reject(error);
  }

  stopSaving(): void {
    this.isStopped = true;
  }

  allowSaving(): void {
    this.isStopped = false;
  }

  open(meta: SnapshotMeta): Promise<SnapshotReader> {
    this.readers.add(meta.slot);
    let isBusy = false;
    return Promise.resolve({
      meta,
      async read(offset: number, bytesMax: number): Promise<Uint8Array> {
        if (isBusy) throw new Error('a reader is read by one at a time');
        isBusy = true;
        await Promise.resolve();
        isBusy = false;
        const length = Math.max(0, Math.min(bytesMax, meta.bytes - offset, 400));
        return new Uint8Array(length).fill(meta.slot);
      },
      verify: () => Promise.resolve(),
      close: () => {
        this.readers.delete(meta.slot);
        return Promise.resolve();
      },
    });
  }
}

let server: ServerUnderTest | undefined;

afterEach(async () => {
  await server?.close();
  server = undefined;
});

async function serving() {
  const fake = new FakeSnapshots();
  const desk = new SnapshotDesk(silentLogger);
  desk.serve(fake as unknown as Snapshots);
  server = await ServerUnderTest.start({}, desk);
  return { fake, desk, client: await server.client(), other: await server.client() };
}

const text = (value: unknown): string => (value instanceof RespError ? value.text : String(value));

test('a save keeps back what its own connection sends after it, and nobody else', async () => {
  const { fake, client, other } = await serving();
  const replies = client.pipeline(['SET', 'a', 1], ['SAVE'], ['GET', 'a'], ['PING']);
  await fake.asked;
  let isAnswered = false;
  void replies.then(() => (isAnswered = true));
  expect(await other.call('GET', 'a')).toBe('1');
  expect(await other.call('SET', 'a', 2)).toBe('OK');
  expect(isAnswered).toBe(false);
  fake.saved(7);
  expect(await replies).toEqual(['OK', 'OK', '2', 'PONG']);
});

test('a save says what was saved and where', async () => {
  const { fake, client } = await serving();
  const saving = client.call('RSL.SNAPSHOT', 'SAVE');
  await fake.asked;
  fake.saved(7);
  expect(JSON.parse(text(await saving))).toEqual(savedOf(7));
});

test('a save that fails says why, in its reply and in INFO', async () => {
  const { fake, desk, client } = await serving();
  const error = new StorageError('RSL_STORAGE_FULL', 'no room');
  const saving = client.call('SAVE');
  await fake.asked;
  desk.heard({ kind: 'saving', slot: 8, bytes: 0 });
  expect(desk.state.underWay).toMatchObject([{ kind: 'saving', slot: 8 }]);
  desk.heard({ kind: 'save-failed', slot: 8, error });
  fake.failed(error);
  expect(text(await saving)).toBe('RSL_STORAGE_FULL no room');
  expect(text(await client.call('INFO', 'persistence'))).toContain('rdb_last_bgsave_status:err');
  expect(desk.state).toMatchObject({ lastError: 'no room', underWay: [] });
});

test('how far a copy and a load have come is told until they are done', async () => {
  const { desk, client } = await serving();
  const meta = metaOf(9);
  desk.heard({ kind: 'copying', meta, bytes: 400 });
  desk.heard({ kind: 'loading', meta: metaOf(8), bytes: 100 });
  const info = text(await client.call('INFO', 'snapshots'));
  expect(info).toContain('rsl_snapshot_copying_bytes:400\r\nrsl_snapshot_copying_bytes_total:1000');
  expect(info).toContain('rsl_snapshot_loading_slot:8\r\n');
  desk.heard({ kind: 'copied', meta });
  desk.heard({ kind: 'loaded', meta: metaOf(8) });
  expect(text(await client.call('INFO', 'snapshots'))).not.toContain('_bytes_total');
  expect(desk.state.counters).toMatchObject({ copied: 1, loaded: 1 });
});

test('saving is stopped and allowed', async () => {
  const { fake, client } = await serving();
  expect(await client.call('rsl.snapshot', 'stop')).toBe('OK');
  expect(fake.isStopped).toBe(true);
  expect(text(await client.call('RSL.STATUS'))).toContain('"savingStopped":true');
  expect(await client.call('RSL.SNAPSHOT', 'ALLOW')).toBe('OK');
  expect(fake.isStopped).toBe(false);
});

test('a snapshot is read piece by piece, by several at a time', async () => {
  const { client, other } = await serving();
  const read = (from: number) => ['RSL.SNAPSHOT', 'READ', metaOf(6).digest, from, 9_999] as const;
  const [pieces, others] = await Promise.all([
    client.pipeline(read(0), read(400), read(800), read(1_000)),
    other.pipeline(read(800), read(0)),
  ]);
  expect(pieces.map((piece) => text(piece).length)).toEqual([400, 400, 200, 0]);
  expect(others.map((piece) => text(piece).length)).toEqual([200, 400]);
  expect(await client.call('RSL.SNAPSHOT', 'READ', metaOf(6).digest, 0, 7)).toBe('\x06'.repeat(7));
});

test('four are read at a time, and who is done gives room', async () => {
  const { fake, client } = await serving();
  const read = (slot: number, from = 0) =>
    client.call('RSL.SNAPSHOT', 'READ', metaOf(slot).digest, from, 1_000);
  for (const slot of [1, 2, 3, 4]) expect(text(await read(slot))).toHaveLength(400);
  expect(text(await read(5))).toMatch(/^RSL_OVERLOADED /);
  expect(text(await read(2, 800))).toHaveLength(200);
  expect(text(await read(5))).toHaveLength(400);
  expect([...fake.readers]).toEqual([1, 3, 4, 5]);
  expect(text(await read(7))).toMatch(/^RSL_SNAPSHOT_GONE /);
});

test('what cannot be meant is refused', async () => {
  const { client } = await serving();
  const refusal = async (...words: string[]): Promise<string> => text(await client.call(...words));
  expect(await refusal('RSL.SNAPSHOT', 'EAT')).toContain("unknown subcommand 'EAT'. Try SAVE,");
  expect(await refusal('RSL.SNAPSHOT', 'READ')).toContain('wrong number of arguments');
  expect(await refusal('RSL.SNAPSHOT', 'READ', 'x', '-1', '5')).toContain('not an integer');
  expect(await refusal('RSL.SNAPSHOT', 'constructor')).toContain('unknown subcommand');
  expect(await refusal('BGSAVE', 'NOW')).toBe('ERR syntax error');
  await client.call('MULTI');
  expect(await refusal('SAVE')).toContain('not allowed inside a transaction');
});

test('a server without snapshots says so', async () => {
  server = await ServerUnderTest.start();
  const client = await server.client();
  expect(text(await client.call('SAVE'))).toBe('ERR this server keeps no snapshots');
  expect(text(await client.call('BGSAVE'))).toBe('ERR this server keeps no snapshots');
  expect(text(await client.call('INFO', 'snapshots'))).toBe('# Snapshots\r\n');
});
