/** The LogStore kit: `read`, `truncate` and `close`. */
import assert from 'node:assert/strict';
import type { LogRecord } from '../paxos/log-record.ts';
import type { ConformanceCase } from './case.ts';
import {
  type OpenLogStore,
  MiB,
  recovered,
  opened,
  restarted,
  appended,
  read,
  ballotOf,
  valueOf,
  vote,
  stored,
  slotsOf,
  votesOf,
  newest,
  range,
  membershipOf,
} from './log-store-stage.ts';

export const logStoreReadingCases: readonly ConformanceCase<OpenLogStore>[] = [
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
        { kind: 'lease', leaseMs: 250 },
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
      assert.deepEqual(votesOf(again.records), [vote(1_000), vote(1_001)]);
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
