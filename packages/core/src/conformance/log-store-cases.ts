/**
 * The LogStore kit: one case for each sentence of the port, with its words. A case calls `open`
 * twice to mean "restart"; every case needs a medium of its own that is empty at first.
 */
import assert from 'node:assert/strict';
import { crc32 } from 'node:zlib';
import { type Ballot, zeroBallot } from '../paxos/ballot.ts';
import type { LogRecord } from '../paxos/log-record.ts';
import type { Membership } from '../paxos/membership.ts';
import type { Slot } from '../paxos/slot.ts';
import type { Value } from '../paxos/value.ts';
import type { LogStore, StoredValue } from '../ports/log-store.ts';
import type { ConformanceCase } from './case.ts';

/** Opens the store of this case, again if it was closed; does not call `recover`. */
export type OpenLogStore = () => Promise<LogStore>;

/** A store whose medium can be made to fail at the next write. */
export interface FailingLogStore {
  readonly log: LogStore;
  /** Every write from now on fails. */
  fail(): void;
}

export type OpenFailingLogStore = () => Promise<FailingLogStore>;

const KiB = 1024;
const MiB = 1024 * KiB;

const cases: readonly ConformanceCase<OpenLogStore>[] = [
  {
    name: 'drawn at random when the store was created; never changes while it is the same store',
    async run(open) {
      const log = await opened(open);
      const { store } = log.info();
      assert.match(store, /^[0-9a-f]{16}$/);
      assert.equal((await restarted(log, open)).info.store, store);
    },
  },
  {
    name: 'created: true if this opening found nothing and created the store',
    async run(open) {
      const first = await recovered(open);
      assert.equal(first.info.created, true);
      assert.equal(first.log.info().created, true);
      assert.equal((await restarted(first.log, open)).info.created, false);
    },
  },
  {
    name: 'firstSlot: 1 in a new store; lastSlot: 0 if there is none',
    async run(open) {
      const { log, info, records } = await recovered(open);
      assert.equal(info.firstSlot, 1);
      assert.equal(info.lastSlot, 0);
      assert.equal(info.damaged.size, 0);
      assert.ok(info.bytesUsed >= 0 && info.bytesFree > 0);
      assert.notEqual(info.mode, '');
      assert.deepEqual(records, []);
      assert.deepEqual(await read(log, 1, 10, MiB), []);
    },
  },
  {
    name: 'lastSlot: the highest slot that a vote or a decided value is stored for',
    async run(open) {
      const log = await opened(open);
      await appended(log, [vote(4), decided(9), vote(7), { kind: 'decided-through', slot: 50 }]);
      assert.equal(log.info().lastSlot, 9);
      const again = await restarted(log, open);
      assert.equal(again.info.lastSlot, 9);
      again.log.truncate(10);
      assert.equal(again.log.info().lastSlot, 0);
    },
  },
  {
    name: 'open takes the exclusive lock (S7)',
    async run(open) {
      const log = await opened(open);
      await assert.rejects(open(), { code: 'RSL_STORAGE_LOCKED' });
      await appended(log, [vote(1)]);
      assert.deepEqual((await restarted(log, open)).records, [vote(1)]);
    },
  },
  {
    name: 'visits every stored record, and every other kind, in the order of their appends',
    async run(open) {
      const log = await opened(open);
      for (const record of oneOfEach) await appended(log, [record]);
      await appended(log, oneOfEach);
      assert.deepEqual((await restarted(log, open)).records, [...oneOfEach, ...oneOfEach]);
    },
  },
  {
    name: 'keeps the extremes of what records may hold',
    async run(open) {
      const ballot = { configuration: 2 ** 32 - 1, round: 2 ** 32 - 1, proposer: 65_535 };
      const records: LogRecord[] = [
        { kind: 'promise', ballot },
        { kind: 'promise', ballot: zeroBallot },
        { kind: 'start', count: 2 ** 32, nonce: 2 ** 48 - 1 },
        { kind: 'start', count: 1, nonce: 0 },
        { kind: 'vote', slot: Number.MAX_SAFE_INTEGER, vote: { ballot, value: valueOf('last') } },
        {
          kind: 'decided',
          slot: 2 ** 32,
          value: { bytes: Uint8Array.of(3), checksum: 0x4b0bbe37 },
        },
        { kind: 'decided-through', slot: Number.MAX_SAFE_INTEGER },
      ];
      const log = await opened(open);
      await appended(log, records);
      assert.deepEqual((await restarted(log, open)).records, records);
    },
  },
  {
    name: 'visits records of slots from firstSlot on',
    async run(open) {
      const log = await opened(open);
      await appended(log, [vote(1), vote(2), decided(3), vote(4), decided(2)]);
      log.truncate(3);
      assert.deepEqual((await restarted(log, open)).records, [decided(3), vote(4)]);
    },
  },
  {
    name: 'a value’s bytes are valid during `visit`, whatever the size of the log',
    async run(open) {
      const log = await opened(open);
      const slots = 40;
      for (let slot = 1; slot <= slots; slot++) await appended(log, [vote(slot, 1, 128 * KiB)]);
      await log.close();
      const again = await open();
      let visited = 0;
      await again.recover((record) => {
        visited += 1;
        assert.deepEqual(record, vote(visited, 1, 128 * KiB));
      });
      await again.close();
      assert.equal(visited, slots);
    },
  },
  {
    name: 'the newest record of a slot wins',
    async run(open) {
      const log = await opened(open);
      await appended(log, [vote(1, 1), vote(2, 1), vote(3, 1)]);
      await appended(log, [vote(2, 2)]);
      assert.deepEqual(await read(log, 1, 3, MiB), [stored(1, 1), stored(2, 2), stored(3, 1)]);
      const again = await restarted(log, open);
      assert.deepEqual(again.records.at(-1), vote(2, 2));
      assert.deepEqual(await read(again.log, 2, 2, MiB), [stored(2, 2)]);
    },
  },
  {
    name: 'a decided value wins over any vote of the slot (P11)',
    async run(open) {
      const log = await opened(open);
      await appended(log, [vote(1, 1), decided(2), vote(3, 1)]);
      await appended(log, [decided(1), vote(2, 2)]);
      const wanted = [learned(1), learned(2), stored(3, 1)];
      assert.deepEqual(await read(log, 1, 3, MiB), wanted);
      assert.deepEqual(await read((await restarted(log, open)).log, 1, 3, MiB), wanted);
    },
  },
  {
    name: 'append: all records or none',
    async run(open) {
      const log = await opened(open);
      const records = range(1, 500).map((slot) => vote(slot, 1, slot * 3));
      await appended(log, records);
      assert.deepEqual((await restarted(log, open)).records, records);
    },
  },
  {
    name: '`done` runs when they are durable, in call order',
    async run(open) {
      const log = await opened(open);
      const order: number[] = [];
      const all = range(1, 200).map((slot) =>
        appended(log, slot % 10 === 0 ? [] : [vote(slot, 1, 1 + (slot % 7) * 5_000)]).then(() =>
          order.push(slot),
        ),
      );
      await Promise.all(all);
      assert.deepEqual(order, range(1, 200));
      assert.equal((await restarted(log, open)).records.length, 180);
    },
  },
  {
    name: '`done` never runs before `append` has returned',
    async run(open) {
      const log = await opened(open);
      for (const records of [[vote(1)], [], [vote(2)]]) {
        let returned = false;
        await new Promise<void>((resolve, reject) => {
          log.append(records, (error) => {
            if (error !== undefined) reject(error);
            else if (returned) resolve();
            else reject(new assert.AssertionError({ message: 'done ran inside append' }));
          });
          returned = true;
        });
      }
      await log.close();
    },
  },
  {
    name: 'an append inside `done` is like any other',
    async run(open) {
      const log = await opened(open);
      const order: string[] = [];
      await new Promise<void>((resolve) => {
        log.append([vote(1)], () => {
          log.append([], () => order.push('barrier in 1'));
          log.append([vote(3)], () => {
            order.push('3');
            resolve();
          });
          order.push('1');
        });
        log.append([vote(2)], () => order.push('2'));
      });
      assert.deepEqual(order, ['1', '2', 'barrier in 1', '3']);
      assert.equal((await restarted(log, open)).records.length, 3);
    },
  },
  {
    name: 'with no records it waits for every earlier append',
    async run(open) {
      const log = await opened(open);
      let durable = 0;
      for (const slot of range(1, 50)) {
        log.append([vote(slot, 1, 10_000)], () => {
          durable += 1;
        });
      }
      await appended(log, []);
      assert.equal(durable, 50);
      await appended(log, []);
      await log.close();
    },
  },
  {
    name: 'the bytes of values are taken over: nobody writes them',
    async run(open) {
      const log = await opened(open);
      const record = vote(1, 1, 70_000);
      await appended(log, [record]);
      assert.deepEqual(record, vote(1, 1, 70_000));
      await log.close();
    },
  },
  {
    name: 'values of a megabyte, and many of them in one append',
    async run(open) {
      const log = await opened(open);
      await appended(log, [vote(1, 1, MiB), vote(2, 1, 9 * MiB), vote(3, 1, MiB + 1)]);
      await appended(log, [vote(4, 1, 5)]);
      const again = await restarted(log, open);
      assert.equal(again.records.length, 4);
      const sizes = (await again.log.read(1, 4, 64 * MiB)).map(({ value }) => value.bytes.length);
      assert.deepEqual(sizes, [MiB, 9 * MiB, MiB + 1, 5]);
    },
  },
  {
    name: 'read: the newest values of the consecutive slots from `from` up to `to`',
    async run(open) {
      const log = await opened(open);
      await appended(
        log,
        range(1, 20).map((slot) => vote(slot)),
      );
      assert.deepEqual(slotsOf(await log.read(5, 9, MiB)), [5, 6, 7, 8, 9]);
      assert.deepEqual(await read(log, 5, 5, MiB), [stored(5)]);
      assert.deepEqual(await read(log, 6, 5, MiB), []);
    },
  },
  {
    name: 'at most `bytesMax` bytes of values but at least one value',
    async run(open) {
      const log = await opened(open);
      await appended(
        log,
        range(1, 9).map((slot) => vote(slot, 1, 100)),
      );
      assert.deepEqual(slotsOf(await log.read(1, 9, 350)), [1, 2, 3]);
      assert.deepEqual(slotsOf(await log.read(1, 9, 400)), [1, 2, 3, 4]);
      assert.deepEqual(slotsOf(await log.read(4, 9, 1)), [4]);
      assert.deepEqual(slotsOf(await log.read(4, 9, 0)), [4]);
    },
  },
  {
    name: 'ends before the first slot that is not stored',
    async run(open) {
      const log = await opened(open);
      await appended(log, [vote(1), vote(2), vote(4), vote(9)]);
      assert.deepEqual(slotsOf(await log.read(1, 9, MiB)), [1, 2]);
      assert.deepEqual(slotsOf(await log.read(3, 9, MiB)), []);
      assert.deepEqual(slotsOf(await log.read(9, 100, MiB)), [9]);
      assert.deepEqual(slotsOf(await log.read(10, 100, MiB)), []);
    },
  },
  {
    name: 'sees every append whose `done` has run',
    async run(open) {
      const log = await opened(open);
      for (const slot of range(1, 60)) {
        await appended(log, [vote(slot, 1, 4_000)]);
        assert.deepEqual(await read(log, slot, slot, MiB), [stored(slot, 1, 4_000)]);
      }
      for (const slot of range(1, 30)) {
        await appended(log, [vote(slot, 2, 4_000)]);
        assert.deepEqual(await read(log, slot, slot, MiB), [stored(slot, 2, 4_000)]);
      }
      await log.close();
    },
  },
  {
    name: 'RSL_LOG_TRUNCATED below firstSlot',
    async run(open) {
      const log = await opened(open);
      await appended(
        log,
        range(1, 5).map((slot) => vote(slot)),
      );
      log.truncate(4);
      await assert.rejects(log.read(3, 5, MiB), { code: 'RSL_LOG_TRUNCATED', firstSlot: 4 });
      assert.deepEqual(slotsOf(await log.read(4, 5, MiB)), [4, 5]);
      const again = (await restarted(log, open)).log;
      await assert.rejects(again.read(1, 5, MiB), { code: 'RSL_LOG_TRUNCATED', firstSlot: 4 });
    },
  },
  {
    name: 'RSL_LOG_CORRUPT where a stored value fails its checksum',
    async run(open) {
      const log = await opened(open);
      const { bytes, checksum } = valueOf('not these bytes');
      const value = { bytes, checksum: checksum ^ 1 };
      await appended(log, [
        vote(1),
        { kind: 'vote', slot: 2, vote: { ballot: ballotOf(1), value } },
      ]);
      assert.deepEqual(slotsOf(await log.read(1, 1, MiB)), [1]);
      await assert.rejects(log.read(1, 2, MiB), { code: 'RSL_LOG_CORRUPT' });
      await log.close();
    },
  },
  {
    name: 'truncate forgets slots below `before` and nothing else',
    async run(open) {
      const log = await opened(open);
      const kept: LogRecord[] = [
        { kind: 'bootstrap', membership: membershipOf(1) },
        { kind: 'configuration', membership: membershipOf(1) },
        { kind: 'configuration', membership: membershipOf(2) },
        { kind: 'start', count: 3, nonce: 77 },
        { kind: 'promise', ballot: ballotOf(9) },
        { kind: 'decided-through', slot: 6 },
      ];
      await appended(log, kept);
      await appended(
        log,
        range(1, 8).map((slot) => vote(slot)),
      );
      log.truncate(7);
      const again = await restarted(log, open);
      assert.deepEqual(again.records, [...kept, vote(7), vote(8)]);
      assert.deepEqual(slotsOf(await again.log.read(7, 9, MiB)), [7, 8]);
    },
  },
  {
    name: 'promises, the newest configuration, bootstrap and start records stay',
    async run(open) {
      // Much more is appended than is kept, so that the medium has to give room back.
      const log = await opened(open);
      await appended(log, [
        { kind: 'bootstrap', membership: membershipOf(1) },
        { kind: 'configuration', membership: membershipOf(1) },
        { kind: 'configuration', membership: membershipOf(2) },
        { kind: 'start', count: 1, nonce: 5 },
        { kind: 'start', count: 2, nonce: 6 },
        { kind: 'promise', ballot: ballotOf(2) },
        { kind: 'promise', ballot: ballotOf(3) },
        { kind: 'decided-through', slot: 1 },
      ]);
      for (const slot of range(1, 100)) {
        await appended(log, [vote(slot, 3, 20_000)]);
        log.truncate(slot);
      }
      await appended(log, []);
      const { records } = await restarted(log, open);
      assert.deepEqual(newest(records, 'promise'), { kind: 'promise', ballot: ballotOf(3) });
      assert.deepEqual(newest(records, 'configuration'), {
        kind: 'configuration',
        membership: membershipOf(2),
      });
      assert.deepEqual(newest(records, 'bootstrap'), {
        kind: 'bootstrap',
        membership: membershipOf(1),
      });
      assert.deepEqual(newest(records, 'start'), { kind: 'start', count: 2, nonce: 6 });
      assert.deepEqual(newest(records, 'decided-through'), { kind: 'decided-through', slot: 1 });
      assert.deepEqual(votesOf(records), [vote(100, 3, 20_000)]);
    },
  },
  {
    name: 'firstSlot never goes back',
    async run(open) {
      const log = await opened(open);
      await appended(log, [vote(1), vote(2), vote(3)]);
      log.truncate(3);
      log.truncate(2);
      assert.equal(log.info().firstSlot, 3);
      const again = await restarted(log, open);
      assert.equal(again.info.firstSlot, 3);
      again.log.truncate(1);
      assert.equal(again.log.info().firstSlot, 3);
    },
  },
  {
    name: 'truncate past everything that is stored',
    async run(open) {
      const log = await opened(open);
      await appended(log, [vote(1), vote(2)]);
      log.truncate(1_000);
      assert.equal(log.info().lastSlot, 0);
      await appended(log, [vote(1_000), vote(1_001)]);
      const again = await restarted(log, open);
      assert.deepEqual(again.records, [vote(1_000), vote(1_001)]);
      assert.equal(again.info.firstSlot, 1_000);
      assert.equal(again.info.lastSlot, 1_001);
    },
  },
  {
    name: 'truncate in constant time',
    async run(open) {
      // It returns at once, whatever is in flight, and what is in flight still completes.
      const log = await opened(open);
      const all = range(1, 50).map((slot) => appended(log, [vote(slot, 1, 30_000)]));
      for (const slot of range(1, 50)) log.truncate(slot);
      assert.equal(log.info().firstSlot, 50);
      await Promise.all(all);
      const { records } = await restarted(log, open);
      assert.deepEqual(votesOf(records), [vote(50, 1, 30_000)]);
    },
  },
  {
    name: 'close waits for every append, then gives up the lock',
    async run(open) {
      const log = await opened(open);
      let durable = 0;
      for (const slot of range(1, 30)) {
        log.append([vote(slot, 1, 50_000)], (error) => {
          if (error === undefined) durable += 1;
        });
      }
      await log.close();
      assert.equal(durable, 30);
      const again = await recovered(open);
      assert.equal(again.records.length, 30);
      await again.log.close();
    },
  },
  {
    name: 'a second call of close does nothing',
    async run(open) {
      const log = await opened(open);
      await appended(log, [vote(1)]);
      await Promise.all([log.close(), log.close()]);
      const again = await recovered(open);
      await log.close();
      await appended(again.log, [vote(2)]);
      await assert.rejects(open(), { code: 'RSL_STORAGE_LOCKED' });
      await again.log.close();
    },
  },
  {
    name: 'a store that is opened and closed again and again stays as it is',
    async run(open) {
      for (const start of range(1, 5)) {
        const { log, records } = await recovered(open);
        assert.equal(records.length, start - 1);
        await appended(log, [{ kind: 'start', count: start, nonce: start }]);
        await log.close();
      }
      for (const _ of range(1, 3)) {
        const { log, records } = await recovered(open);
        assert.equal(records.length, 5);
        await log.close();
      }
    },
  },
];

export const logStoreCases: readonly ConformanceCase<OpenLogStore>[] = cases.map(withClosing);

/** For media that can be made to fail. */
export const failingLogStoreCases: readonly ConformanceCase<OpenFailingLogStore>[] = [
  {
    name: 'after a failure every later append fails with the same error, RSL_STORAGE_FAILED (S4)',
    async run(open) {
      const { log, fail } = await open();
      await log.recover(() => {});
      await appended(log, [vote(1)]);
      fail();
      const errors: unknown[] = [];
      const record = (error: unknown) => errors.push(error);
      await Promise.all([
        appended(log, [vote(2)]).catch(record),
        appended(log, []).catch(record),
        appended(log, [vote(3)]).catch(record),
      ]);
      await appended(log, [vote(4)]).catch(record);
      await appended(log, []).catch(record);
      assert.equal(errors.length, 5);
      assert.equal((errors[0] as { code?: unknown }).code, 'RSL_STORAGE_FAILED');
      for (const error of errors) assert.equal(error, errors[0]);
      assert.deepEqual(slotsOf(await log.read(1, 4, MiB)), [1]);
      await log.close();
    },
  },
];

/** Closes what a case leaves open, also when it fails. */
function withClosing(theCase: ConformanceCase<OpenLogStore>): ConformanceCase<OpenLogStore> {
  return {
    name: theCase.name,
    async run(open) {
      const logs: LogStore[] = [];
      try {
        await theCase.run(async () => {
          const log = await open();
          logs.push(log);
          return log;
        });
      } finally {
        for (const log of logs) await log.close();
      }
    },
  };
}

interface Recovered {
  readonly log: LogStore;
  readonly info: ReturnType<LogStore['info']>;
  readonly records: readonly LogRecord[];
}

async function recovered(open: OpenLogStore): Promise<Recovered> {
  const log = await open();
  const records: LogRecord[] = [];
  const info = await log.recover((record) => records.push(copied(record)));
  return { log, info, records };
}

const opened = async (open: OpenLogStore): Promise<LogStore> => (await recovered(open)).log;

async function restarted(log: LogStore, open: OpenLogStore): Promise<Recovered> {
  await log.close();
  return recovered(open);
}

const appended = (log: LogStore, records: readonly LogRecord[]): Promise<void> =>
  new Promise((resolve, reject) => {
    log.append(records, (error) => (error === undefined ? resolve() : reject(error)));
  });

/** The same with plain byte arrays, whatever kind the store has. */
async function read(log: LogStore, from: Slot, to: Slot, bytesMax: number): Promise<StoredValue[]> {
  const values = await log.read(from, to, bytesMax);
  return values.map((stored) => ({ ...stored, value: copiedValue(stored.value) }));
}

/** A value's bytes are valid only during `visit`. */
function copied(record: LogRecord): LogRecord {
  if (record.kind === 'decided') return { ...record, value: copiedValue(record.value) };
  if (record.kind !== 'vote') return record;
  return { ...record, vote: { ballot: record.vote.ballot, value: copiedValue(record.vote.value) } };
}

const copiedValue = ({ bytes, checksum }: Value): Value => ({
  bytes: Uint8Array.from(bytes),
  checksum,
});

const ballotOf = (round: number): Ballot => ({ configuration: 1, round, proposer: 2 });

function valueOf(text: string, length = text.length + 1): Value {
  const bytes = new Uint8Array(length);
  for (let i = 1; i < length; i++) bytes[i] = text.charCodeAt(i % text.length) + (i % 3);
  if (length > 0) bytes[0] = 1;
  return { bytes, checksum: crc32(bytes) };
}

const votedValue = (slot: Slot, round: number, length?: number) =>
  valueOf(`voted ${slot} in ${round}`, length);
const decidedValue = (slot: Slot) => valueOf(`decided ${slot}`);

const vote = (slot: Slot, round = 1, length?: number): LogRecord => ({
  kind: 'vote',
  slot,
  vote: { ballot: ballotOf(round), value: votedValue(slot, round, length) },
});
const decided = (slot: Slot): LogRecord => ({ kind: 'decided', slot, value: decidedValue(slot) });

const stored = (slot: Slot, round = 1, length?: number): StoredValue => ({
  slot,
  ballot: ballotOf(round),
  value: votedValue(slot, round, length),
});
const learned = (slot: Slot): StoredValue => ({
  slot,
  ballot: undefined,
  value: decidedValue(slot),
});

const slotsOf = (values: readonly StoredValue[]): Slot[] => values.map(({ slot }) => slot);

/** A store may keep the ballot of a vote that it forgets as a promise: a vote raises it (P1). */
const votesOf = (records: readonly LogRecord[]): LogRecord[] =>
  records.filter((record) => record.kind === 'vote');

const newest = (records: readonly LogRecord[], kind: LogRecord['kind']) =>
  records.filter((record) => record.kind === kind).at(-1);

const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, i) => from + i);

const membershipOf = (number: number): Membership => ({
  group: '00112233445566ff',
  number,
  firstSlot: number * 10,
  members: [1, 2, 3].map((id) => ({
    id,
    store: `00000000000000a${id}`,
    role: id === 3 ? 'observer' : 'voter',
    addresses: { tcp: `wörk${id}.example:7001`, rdma: '10.9.0.1:7001' },
  })),
  previous: [{ id: 9, store: 'ffffffffffffffff', role: 'voter', addresses: {} }],
});

const oneOfEach: readonly LogRecord[] = [
  { kind: 'start', count: 1, nonce: 123_456_789_012 },
  { kind: 'bootstrap', membership: membershipOf(1) },
  { kind: 'configuration', membership: membershipOf(1) },
  { kind: 'promise', ballot: ballotOf(7) },
  vote(1, 7),
  decided(2),
  vote(3, 7, 1),
  { kind: 'decided-through', slot: 2 },
];
