import { expect, test } from 'vitest';
import { Effects, type EffectsParts } from '../../src/host/effects.ts';
import { GroupCommit } from '../../src/host/group-commit.ts';
import type { LogStore } from '../../src/ports/log-store.ts';
import { batch } from '../paxos/fixture.ts';

function stage() {
  const writes: (() => void)[] = [];
  const did: string[] = [];
  const log = {
    append: (_, done) => void writes.push(done),
    truncate: (before) => void did.push(`truncate ${before}`),
  } as Partial<LogStore> as LogStore;
  const commit = new GroupCommit(
    log,
    () => {},
    () => {},
  );
  const serving = { serve: () => did.push('serve') };
  const application = { execute: (slot: number) => did.push(`execute ${slot}`) };
  let isStopped = false;
  const parts = {
    application,
    commit,
    log,
    serving,
    isStopped: () => isStopped,
    metrics: { decided() {} },
  };
  const effects = new Effects(parts as unknown as EffectsParts);
  const flush = (): void => {
    commit.flush();
    for (const done of writes.splice(0)) done();
  };
  return { effects, commit, did, flush, stop: () => (isStopped = true) };
}

const decided = { kind: 'decided', slot: 4, value: batch('v4') } as const;
const served = { fromSlot: 1, through: 4, bytesMax: 100, firstSlot: 1, decidedThrough: 4 };

test('slots are cut only once what says that they are decided is durable (P11)', () => {
  // Cut first, a crash would leave neither the slots nor the word that they were decided.
  const { effects, did, flush } = stage();
  effects.perform({
    kind: 'persist',
    records: [{ kind: 'decided-through', slot: 4 }],
    then: [],
  });
  effects.perform({ kind: 'truncate-log', before: 4 });
  expect(did).toEqual([]);
  flush();
  expect(did).toEqual(['truncate 4']);
});

test('the log is read for others once what was released is in it (R1)', () => {
  const { effects, did, flush } = stage();
  effects.perform({ kind: 'persist', records: [decided], then: [] });
  effects.perform({ kind: 'serve', to: 2, ...served });
  expect(did).toEqual([]);
  flush();
  expect(did).toEqual(['serve']);
});

test('nothing is begun once the replica has stopped', () => {
  const { effects, did, flush, stop } = stage();
  effects.perform({ kind: 'truncate-log', before: 4 });
  stop();
  flush();
  expect(did).toEqual([]);
});
