/** The LogStore kit: which store it is, where it stands, and another life. */
import assert from 'node:assert/strict';
import { compareBallots } from '../paxos/ballot.ts';
import type { LogRecord } from '../paxos/log-record.ts';
import type { ConformanceCase } from './case.ts';
import {
  appended,
  ballotOf,
  decided,
  MiB,
  newest,
  opened,
  type OpenLogStore,
  read,
  recovered,
  restarted,
  stored,
  learned,
  vote,
} from './log-store-stage.ts';

const promised = (records: readonly LogRecord[]): LogRecord[] =>
  records.filter((record) => record.kind === 'promise');

export const logStoreIdentityCases: readonly ConformanceCase<OpenLogStore>[] = [
  {
    name: 'position: counts what was ever stored, and never goes back',
    async run(open) {
      const log = await opened(open);
      let { position } = log.info();
      for (let slot = 1; slot <= 3; slot += 1) {
        await appended(log, [vote(slot)]);
        assert.ok(log.info().position > position);
        ({ position } = log.info());
      }
      log.truncate(3);
      await appended(log, []);
      assert.ok(log.info().position >= position);
      ({ position } = log.info());
      assert.ok((await restarted(log, open)).info.position >= position);
    },
  },
  {
    name: 'copied: no, for the files that the store made, however often they are opened',
    async run(open) {
      const { info, log } = await recovered(open);
      assert.equal(info.copied, 'no');
      assert.equal((await restarted(log, open)).info.copied, 'no');
    },
  },
  {
    name: 'the highest ballot voted in outlives its slot (P1)',
    async run(open) {
      const log = await opened(open);
      await appended(log, [{ kind: 'promise', ballot: ballotOf(1) }, vote(1, 3), vote(2, 2)]);
      log.truncate(3);
      await appended(log, []);
      const { records } = await restarted(log, open);
      const highest = promised(records).at(-1);
      assert.ok(highest?.kind === 'promise');
      assert.equal(compareBallots(highest.ballot, ballotOf(3)), 0);
    },
  },
  {
    name: 'the newest standings stay, whatever is truncated',
    async run(open) {
      const log = await opened(open);
      const standing = { store: '00000000000000a1', count: 3, nonce: 2 ** 47, position: 2 ** 40 };
      const standings: LogRecord = { kind: 'standings', standings: [standing] };
      await appended(log, [{ kind: 'standings', standings: [] }, standings, vote(1)]);
      log.truncate(2);
      await appended(log, []);
      assert.deepEqual(newest((await restarted(log, open)).records, 'standings'), standings);
    },
  },
  {
    name: 'the longest lease stays, whatever is truncated (Q2)',
    async run(open) {
      // Much more is appended than is kept; and the newest lease is not the longest.
      const log = await opened(open);
      await appended(log, [
        { kind: 'lease', leaseMs: 100 },
        { kind: 'lease', leaseMs: 250 },
        { kind: 'lease', leaseMs: 200 },
      ]);
      for (let slot = 1; slot <= 100; slot += 1) {
        await appended(log, [vote(slot, 3, 20_000)]);
        log.truncate(slot);
      }
      await appended(log, []);
      const { records } = await restarted(log, open);
      const leases = records.flatMap((r) => (r.kind === 'lease' ? [r.leaseMs] : []));
      assert.equal(Math.max(...leases), 250);
    },
  },
  {
    name: 'renew: takes a new store id, durably before it resolves',
    async run(open) {
      const log = await opened(open);
      const { store } = log.info();
      const renewed = await log.renew();
      assert.match(renewed, /^[0-9a-f]{16}$/);
      assert.notEqual(renewed, store);
      const again = await restarted(log, open);
      assert.equal(again.info.store, renewed);
      assert.equal(again.info.created, false);
    },
  },
  {
    name: 'renew: of what the old one stored only what is decided stays (S2)',
    async run(open) {
      const log = await opened(open);
      await appended(log, [{ kind: 'promise', ballot: ballotOf(9) }, vote(1), vote(2), decided(3)]);
      await appended(log, [vote(4), decided(6), { kind: 'decided-through', slot: 2 }]);
      await log.renew();
      const again = await restarted(log, open);
      const slots = (kind: 'vote' | 'decided'): number[] =>
        again.records.flatMap((record) => (record.kind === kind ? [record.slot] : []));
      assert.deepEqual(slots('vote'), [1, 2]);
      assert.deepEqual(slots('decided'), [3, 6]);
      for (const { ballot } of promised(again.records) as Extract<LogRecord, { kind: 'promise' }>[])
        assert.ok(compareBallots(ballot, ballotOf(1)) <= 0, 'no promise but by a decided vote');
      const values = await read(again.log, 1, 4, MiB);
      assert.deepEqual(values, [stored(1), stored(2), learned(3)]);
      assert.equal(again.info.lastSlot, 6);
    },
  },
  {
    name: 'renew: the new store takes votes of its own, in the slots that the old one voted in',
    async run(open) {
      const log = await opened(open);
      await appended(log, [vote(1, 5), vote(2, 5)]);
      await log.renew();
      const second = (await restarted(log, open)).log;
      await appended(second, [vote(1, 2), vote(2, 2)]);
      const { log: third, records } = await restarted(second, open);
      const votes = records.flatMap((r) => (r.kind === 'vote' ? [r.vote.ballot.round] : []));
      assert.deepEqual(votes, [2, 2]);
      assert.deepEqual(await read(third, 1, 2, MiB), [stored(1, 2), stored(2, 2)]);
    },
  },
];
