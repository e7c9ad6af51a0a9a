/**
 * The LogStore kit: one case for each sentence of the port, with its words. A case calls `open`
 * twice to mean "restart"; every case needs a medium of its own that is empty at first.
 */
import assert from 'node:assert/strict';
import type { LogStore } from '../ports/log-store.ts';
import type { ConformanceCase } from './case.ts';
import {
  type OpenLogStore,
  type OpenFailingLogStore,
  type OpenFullLogStore,
  MiB,
  appended,
  vote,
  slotsOf,
} from './log-store-stage.ts';
import { logStoreIdentityCases } from './log-store-identity-cases.ts';
import { logStoreReadingCases } from './log-store-reading-cases.ts';
import { logStoreWritingCases } from './log-store-writing-cases.ts';

/** For every LogStore. */
export const logStoreCases: readonly ConformanceCase<OpenLogStore>[] = [
  ...logStoreWritingCases,
  ...logStoreReadingCases,
  ...logStoreIdentityCases,
].map(withClosing);

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

const fullCode = 'RSL_STORAGE_FULL';
const slotsMax = 10_000;

/** For media that can be made full. */
export const fullLogStoreCases: readonly ConformanceCase<OpenFullLogStore>[] = [
  {
    name: 'RSL_STORAGE_FULL: nothing is stored, those behind it fail, a later one is tried (S5)',
    async run(open) {
      const { log, fill, free } = await open();
      await log.recover(() => {});
      await appended(log, [vote(1)]);
      fill();
      const full = await filled(log, 2);
      const errors: unknown[] = [];
      const record = (error: unknown) => errors.push(error);
      await Promise.all([
        appended(log, [vote(full, 1, 9_000)]).catch(record),
        appended(log, [vote(full + 1)]).catch(record),
        appended(log, []).catch(record),
      ]);
      assert.equal(errors.length, 3);
      for (const error of errors) assert.equal((error as { code?: unknown }).code, fullCode);
      // No failure stays: what is called later is tried again.
      await appended(log, []);
      assert.deepEqual(slotsOf(await log.read(full, full + 1, MiB)), []);
      free();
      await appended(log, [vote(full, 1, 9_000)]);
      assert.deepEqual(slotsOf(await log.read(full, full, MiB)), [full]);
      await log.close();
    },
  },
];

/** Uses up what is allocated; the first slot that did not fit. */
async function filled(log: LogStore, from: number): Promise<number> {
  for (let slot = from; slot < slotsMax; slot += 1) {
    try {
      await appended(log, [vote(slot, 1, 9_000)]);
    } catch (error) {
      assert.equal((error as { code?: unknown }).code, fullCode);
      return slot;
    }
  }
  throw new Error('the medium does not get full');
}

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
