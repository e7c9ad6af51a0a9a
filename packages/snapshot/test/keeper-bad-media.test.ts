import { StorageError } from '@rsl/core';
import type { Port, SnapshotMeta, SnapshotStore, StateMachine } from '@rsl/core/protocol';
import { DigestMachine, MemoryShelf, memorySnapshots } from '@rsl/core/testing';
import { describe, expect, test } from 'vitest';
import { KeyValues } from './key-values.ts';
import { Stage } from './keeper-stage.ts';
import { PlayedMedium } from './played-medium.ts';
import { openOn } from './stage.ts';

const newest = (stage: Stage<StateMachine>): SnapshotMeta =>
  stage.keeper.snapshots[0] as SnapshotMeta;

describe('story 6: bad media', () => {
  /** Two snapshots, and everything in the log. */
  async function twoSnapshots() {
    const shelf = new MemoryShelf();
    const stage = await new Stage(new DigestMachine()).start(shelf, { everySlots: 10 });
    await stage.run(25);
    await stage.until('saved', () => stage.slots.length === 2);
    await stage.close();
    return { shelf, log: stage.log, digest: stage.machine.digest };
  }

  test('an unverifiable snapshot is never loaded; an older one is taken', async () => {
    for (const bit of [0, 77, 300]) {
      const { shelf, log, digest } = await twoSnapshots();
      shelf.damage(20, bit);
      const stage = await new Stage(new DigestMachine(), log.copy()).start(shelf);
      expect(stage.slots).toEqual([10]);
      expect(stage.machine.digest).toBe(digest);
      expect(stage.progress.map(({ kind }) => kind)).toEqual(['condemned', 'loading', 'loaded']);
      await stage.close();
    }
  });

  test('of those that a start finds bad the layer never hears, to cut behind them', async () => {
    const { shelf, log } = await twoSnapshots();
    shelf.damage(20, 9);
    const stage = await new Stage(new DigestMachine(), log).start(shelf);
    const told = stage.answers.flatMap((answer) =>
      answer.kind === 'snapshots' ? [answer.snapshots.map(({ slot }) => slot)] : [],
    );
    expect(told).toEqual([[10]]);
    await stage.close();
  });

  test('two are bad, and an older one is good: the log is cut behind no bad one', async () => {
    const shelf = new MemoryShelf();
    const options = { everySlots: 10, keep: 3 };
    const first = await new Stage(new DigestMachine()).start(shelf, options);
    await first.run(35);
    await first.until('saved', () => first.slots.length === 3);
    await first.close();
    for (const slot of [20, 30]) shelf.damage(slot, 9);
    const stage = await new Stage(new DigestMachine(), first.log).start(shelf, { keep: 3 });
    const told = stage.answers.flatMap((answer) =>
      answer.kind === 'snapshots' ? answer.snapshots.map(({ slot }) => slot) : [],
    );
    expect(Math.max(...told)).toBe(10);
    await stage.close();
  });

  test('whichever byte is another one on a medium, an older snapshot is loaded', async () => {
    const medium = new PlayedMedium();
    const storeOn = (on: PlayedMedium) => ({
      open: () => openOn(on, '/data', { chunkBytes: 512 }),
    });
    const options = { everySlots: 10, store: storeOn(medium) };
    const first = await new Stage(new KeyValues()).start(new MemoryShelf(), options);
    await first.run(25, (i) => `${i}=${'v'.repeat(100)}`);
    await first.until('saved', () => first.slots.length === 2);
    await first.close();
    const file = '/data/0000000000000020.snapshot';
    const { length } = medium.bytesOf(file);
    for (let at = 0; at < length; at += 37) {
      const damaged = medium.copy();
      damaged.flip(file, at);
      const again = new Stage(new KeyValues(), first.log.copy());
      await again.start(new MemoryShelf(), { store: storeOn(damaged) });
      expect(again.slots, `byte ${at}`).toEqual([10]);
      expect(again.machine.entries).toEqual(first.machine.entries);
      await again.close();
    }
  });

  test('all bad: the state is made from the log, if that has every slot', async () => {
    const { shelf, log, digest } = await twoSnapshots();
    for (const slot of [10, 20]) shelf.damage(slot, 9);
    const stage = await new Stage(new DigestMachine(), log).start(shelf);
    expect(stage.slots).toEqual([]);
    expect(stage.machine.digest).toBe(digest);
    await stage.close();
  });

  test('all bad never means empty: there is no state until a peer gives one', async () => {
    const { shelf, log } = await twoSnapshots();
    const source = await new Stage(new DigestMachine()).start(new MemoryShelf());
    for (let slot = 1; slot <= 15; slot += 1) source.execute(`${slot % 50}=${slot}`);
    const { meta } = await source.keeper.saveNow();
    log.cut(11);
    for (const slot of [10, 20]) shelf.damage(slot, 9);
    const stage = await new Stage(new DigestMachine(), log).start(shelf);
    expect(stage.begun).toBe('stateless');
    expect(stage.progress.at(-1)).toMatchObject({
      kind: 'stateless',
      need: 10,
      error: { code: 'RSL_SNAPSHOT_CORRUPT' },
    });
    expect([stage.machine.slot, stage.lone.state.canSave]).toEqual([0, false]);
    await stage.copyFrom(source, meta);
    await stage.answer({ kind: 'install', meta }, 'installed');
    expect([stage.machine.slot, stage.machine.digest]).toEqual([15, source.machine.digest]);
    for (const one of [source, stage]) await one.close();
  });

  test('without a snapshot that reaches the log there is no state either', async () => {
    const { shelf, log } = await twoSnapshots();
    log.cut(22);
    for (const each of [shelf, new MemoryShelf()]) {
      const stage = await new Stage(new DigestMachine(), log.copy()).start(each);
      expect(stage.begun).toBe('stateless');
      const error = { code: 'RSL_LOG_TRUNCATED' };
      expect(stage.progress.at(-1)).toMatchObject({ kind: 'stateless', need: 21, error });
      await stage.close();
    }
  });

  test('whoever is in no group has nobody to ask: it does not start', async () => {
    const { log } = await twoSnapshots();
    log.cut(22);
    const group = undefined;
    const start = new Stage(new DigestMachine(), log).start(new MemoryShelf(), { group });
    await expect(start).rejects.toMatchObject({ code: 'RSL_LOG_TRUNCATED' });
  });

  test('a snapshot that cannot be read now is no lost state: the start fails', async () => {
    const { shelf, log } = await twoSnapshots();
    log.cut(11);
    const kept = memorySnapshots(shelf);
    const store: Port<SnapshotStore> = {
      open: async (context) => {
        const opened = await kept.open(context);
        const open = async () => {
          throw new StorageError('RSL_STORAGE_FAILED', 'the medium does not answer');
        };
        return Object.assign(opened, { open });
      },
    };
    const start = new Stage(new DigestMachine(), log).start(shelf, { store });
    await expect(start).rejects.toMatchObject({ code: 'RSL_STORAGE_FAILED' });
    expect(shelf.snapshots.size).toBe(2);
  });

  test('without a state even what is listed here is verified before it is loaded', async () => {
    const { shelf, log } = await twoSnapshots();
    log.cut(22);
    let verified = 0;
    const kept = memorySnapshots(shelf);
    const store: Port<SnapshotStore> = {
      open: async (context) => {
        const opened = await kept.open(context);
        const open = opened.open.bind(opened);
        const verify = async () => void (verified += 1);
        return Object.assign(opened, {
          open: async (meta: SnapshotMeta) => Object.assign(await open(meta), { verify }),
        });
      },
    };
    const stage = await new Stage(new DigestMachine(), log).start(shelf, { store });
    await stage.answer({ kind: 'install', meta: newest(stage) }, 'installed');
    expect([verified, stage.machine.slot]).toEqual([1, 20]);
    await stage.close();
  });

  test('that nobody gives one is said', async () => {
    const stage = await new Stage(new DigestMachine()).start(new MemoryShelf());
    stage.order({ kind: 'unserved', need: 7 });
    expect(stage.progress).toEqual([{ kind: 'unserved', need: 7 }]);
    expect(stage.warnings).toHaveLength(1);
    await stage.close();
  });

  test('snapshots of another group are not loaded, nor if the log is in none', async () => {
    for (const group of ['0123456789abcdef', undefined]) {
      const { shelf, log } = await twoSnapshots();
      const machine = new DigestMachine();
      const start = new Stage(machine, log).start(shelf, { group });
      await expect(start).rejects.toMatchObject({ code: 'RSL_WRONG_STORE' });
      expect(machine.slot).toBe(0);
      expect([...shelf.snapshots.keys()]).toEqual([10, 20]);
    }
  });

  test('disk full while saving leaves old ones and log; it is tried again later', async () => {
    const { shelf, log, digest } = await twoSnapshots();
    const stage = await new Stage(new DigestMachine(), log).start(shelf, {
      everySlots: 10,
      saveAgainMs: 500,
    });
    expect(stage.machine.digest).toBe(digest);
    shelf.bytesFree = 3;
    await stage.run(8);
    expect(stage.slots).toEqual([20, 10]);
    expect(stage.log.firstSlot).toBe(1);
    const failed = stage.progress.filter(({ kind }) => kind === 'save-failed');
    expect(failed).toMatchObject([{ slot: 30, error: { code: 'RSL_STORAGE_FULL' } }]);
    shelf.bytesFree = Infinity;
    stage.clock.ms += 499;
    await stage.run(1);
    expect(stage.slots).toEqual([20, 10]);
    stage.clock.ms += 1;
    await stage.run(1);
    await stage.until('saved', () => stage.slots[0] === 35);
    expect(stage.slots).toEqual([35, 20]);
    expect(stage.failures).toEqual([]);
    await stage.close();
  });

  test('who asks for a snapshot hears that there is no room for it', async () => {
    const shelf = new MemoryShelf();
    const stage = await new Stage(new DigestMachine()).start(shelf);
    stage.execute('a');
    shelf.bytesFree = 3;
    await expect(stage.keeper.saveNow()).rejects.toMatchObject({ code: 'RSL_STORAGE_FULL' });
    expect(shelf.snapshots.size).toBe(0);
    shelf.bytesFree = Infinity;
    expect((await stage.keeper.saveNow()).meta).toEqual(newest(stage));
    await stage.close();
  });
});
