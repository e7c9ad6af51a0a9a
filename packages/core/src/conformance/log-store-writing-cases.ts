/** The LogStore kit: what a store is, `recover` and `append`. */
import assert from 'node:assert/strict';
import { zeroBallot } from '../paxos/ballot.ts';
import type { LogRecord } from '../paxos/log-record.ts';
import type { ConformanceCase } from './case.ts';
import {
  type OpenLogStore,
  KiB,
  MiB,
  recovered,
  opened,
  restarted,
  appended,
  read,
  valueOf,
  vote,
  decided,
  stored,
  learned,
  range,
  oneOfEach,
} from './log-store-stage.ts';

export const logStoreWritingCases: readonly ConformanceCase<OpenLogStore>[] = [
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
        { kind: 'lease', leaseMs: 2 ** 32 - 1 },
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
];
