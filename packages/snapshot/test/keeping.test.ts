import { MemoryShelf, memorySnapshots, LoneMachine, DigestMachine } from '@rsl/core/testing';
import { describe, expect, test } from 'vitest';
import { keeperPort } from '../src/keeper/keeping.ts';
import type { KeeperOptions } from '../src/keeper/keeper-options.ts';
import { membershipOf, TestClock, turn } from './keeper-stage.ts';
import { contextOf } from './stage.ts';

async function started(options: Partial<KeeperOptions> = {}) {
  const { port, keeping } = keeperPort(memorySnapshots(new MemoryShelf()), options);
  const lone = new LoneMachine(new DigestMachine());
  const open = async () => {
    const beside = await port.open({ ...contextOf(), clock: new TestClock() });
    const host = { state: lone.state, answer: () => {}, fail: () => {} };
    await lone.start({
      begin: (firstSlot) => beside.begin(host, firstSlot),
      executed: (slot, value) => beside.executed(slot, value),
    });
    beside.order({ kind: 'governs', membership: membershipOf(1) });
    return beside;
  };
  return { lone, keeping, open };
}

describe('the handle of an operator', () => {
  test('works while the replica runs, and says when it does not', async () => {
    const { lone, keeping, open } = await started();
    await expect(keeping.saveNow()).rejects.toMatchObject({ code: 'RSL_CLOSED' });
    expect(() => keeping.snapshots()).toThrowError(
      expect.objectContaining({ code: 'RSL_CLOSED' }) as Error,
    );
    const beside = await open();
    lone.execute('a');
    const { meta } = await keeping.saveNow();
    expect(keeping.snapshots()).toEqual([meta]);
    await beside.close();
    await expect(keeping.saveNow()).rejects.toMatchObject({ code: 'RSL_CLOSED' });
  });

  test('saving can be stopped before the replica runs', async () => {
    const { lone, keeping, open } = await started({ everySlots: 1 });
    keeping.stopSaving();
    const beside = await open();
    lone.execute('a');
    for (let i = 0; i < 20; i += 1) await turn();
    expect(keeping.snapshots()).toEqual([]);
    keeping.allowSaving();
    for (let i = 0; i < 20; i += 1) await turn();
    expect(keeping.snapshots().map(({ slot }) => slot)).toEqual([1]);
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
    { retryMs: 0 },
    { readersMax: '3' },
    { followersOnly: 1 },
    { onProgress: {} },
    { everySlot: 5 },
    { constructor: 5 },
  ];

  for (const options of bad) {
    test(`${JSON.stringify(options)} cannot be meant`, () => {
      expect(() => keeperPort(memorySnapshots(), options)).toThrowError(
        expect.objectContaining({ code: 'RSL_INVALID_OPTION' }) as Error,
      );
    });
  }

  test('undefined is as if it was not given', () => {
    const options = { keep: undefined } as unknown as Partial<KeeperOptions>;
    expect(keeperPort(memorySnapshots(), options).keeping).toBeDefined();
  });
});
