import { createHash } from 'node:crypto';
import { MemoryShelf, memorySnapshots, LoneMachine, DigestMachine } from '@rsl/core/testing';
import { describe, expect, test } from 'vitest';
import { snapshots, type SnapshotsOptions } from '../src/snapshots.ts';
import { membershipOf, TestClock, turn } from './keeper-stage.ts';
import { contextOf } from './stage.ts';

type Options = Omit<SnapshotsOptions, 'store'>;

const made = (options: Options = {}) =>
  snapshots({ store: memorySnapshots(new MemoryShelf()), ...options });

async function stage(options: Options = {}) {
  const handle = made(options);
  const lone = new LoneMachine(new DigestMachine());
  const open = async () => {
    const beside = await handle.beside.open({ ...contextOf(), clock: new TestClock() });
    const { group } = membershipOf(1);
    const nothing = () => {};
    const told = { founding: undefined, founded: nothing, answer: nothing, fail: nothing };
    const host = { state: lone.state, group, ...told };
    await lone.start({
      begin: (firstSlot) => beside.begin(host, firstSlot),
      executed: (slot, value) => beside.executed(slot, value),
    });
    beside.order({ kind: 'governs', from: 1, membership: membershipOf(1) });
    return beside;
  };
  return { lone, handle, open };
}

describe('the handle of an operator', () => {
  test('works while the replica runs, and says when it does not', async () => {
    const { lone, handle, open } = await stage();
    await expect(handle.saveNow()).rejects.toMatchObject({ code: 'RSL_CLOSED' });
    expect(handle.list).toEqual([]);
    const beside = await open();
    lone.execute('a');
    const { meta } = await handle.saveNow();
    expect(handle.list).toEqual([meta]);
    await beside.close();
    await expect(handle.saveNow()).rejects.toMatchObject({ code: 'RSL_CLOSED' });
  });

  test('the state can be copied from a running replica, whatever goes on there', async () => {
    const { lone, handle, open } = await stage({ keep: 1 });
    const beside = await open();
    lone.execute('a');
    const { meta } = await handle.saveNow();
    const reader = await handle.open(meta);
    lone.execute('b');
    await handle.saveNow();
    await expect(handle.open(meta)).rejects.toMatchObject({ code: 'RSL_SNAPSHOT_GONE' });
    const content = await reader.read(0, meta.bytes);
    expect(createHash('sha256').update(content).digest('hex')).toBe(meta.digest);
    await reader.close();
    await beside.close();
  });

  test('nothing is saved by itself while saving is stopped', async () => {
    const { lone, handle, open } = await stage({ everySlots: 1 });
    const beside = await open();
    handle.stopSaving();
    lone.execute('a');
    for (let i = 0; i < 20; i += 1) await turn();
    expect(handle.list).toEqual([]);
    handle.allowSaving();
    for (let i = 0; i < 20; i += 1) await turn();
    expect(handle.list.map(({ slot }) => slot)).toEqual([1]);
    await beside.close();
  });
});

describe('options', () => {
  const bad: readonly Partial<Record<string, unknown>>[] = [
    { everySlots: -1 },
    { everyBytes: 1.5 },
    { everyMs: Number.NaN },
    { keep: 0 },
    { keep: 65 },
    { saveAgainMs: 0 },
    { readersMax: '3' },
    { followersOnly: 1 },
    { onProgress: {} },
    { everySlot: 5 },
    { constructor: 5 },
  ];

  for (const options of bad) {
    test(`${JSON.stringify(options)} cannot be meant`, () => {
      expect(() => made(options)).toThrowError(
        expect.objectContaining({ code: 'RSL_INVALID_OPTION' }) as Error,
      );
    });
  }

  test('undefined is as if it was not given', () => {
    const options = { keep: undefined } as unknown as Options;
    expect(made(options).channel).toBe(16);
  });
});
