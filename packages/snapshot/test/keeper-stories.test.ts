import { DigestMachine, LoneLog, MemoryShelf } from '@rsl/core/testing';
import { describe, expect, test } from 'vitest';
import { KeyValues } from './key-values.ts';
import { membershipOf, Stage, turn } from './keeper-stage.ts';

describe('story 1: snapshot-guided start', () => {
  test('a replica that restarts loads its snapshot and executes the slots after it', async () => {
    const shelf = new MemoryShelf();
    const first = await new Stage(new KeyValues()).start(shelf, { everySlots: 40 });
    await first.run(100);
    await first.until('saved', () => first.slots[0] === 80);
    await first.close();

    const second = await new Stage(new KeyValues(), first.log).start(shelf);
    expect(second.machine.executed).toEqual(Array.from({ length: 20 }, (_, i) => 81 + i));
    expect(second.machine.entries).toEqual(first.machine.entries);
    expect(second.answersOf('snapshots').at(-1)?.snapshots[0]?.slot).toBe(80);
    await second.close();
  });

  test('with a snapshot of a peer it is the same, and older log records are skipped', async () => {
    const source = await new Stage(new KeyValues()).start(new MemoryShelf());
    await source.run(60);
    const { meta } = await source.keeper.saveNow();
    await source.run(10);

    // It had executed 7 slots, and has 20 in its log, when it was left behind.
    const shelf = new MemoryShelf();
    const log = source.log.copy();
    const behind = new Stage(new KeyValues(), new LoneLog());
    await behind.start(shelf);
    for (let slot = 1; slot <= 7; slot += 1) behind.execute(`${slot % 50}=${slot}`);
    await behind.copyFrom(source, meta);
    const { slot, membership } = await behind.answer({ kind: 'install', meta }, 'installed');
    expect([slot, membership]).toEqual([60, meta.membership]);
    expect(behind.lone.state.executedThrough).toBe(60);
    await behind.close();

    const again = await new Stage(new KeyValues(), log).start(shelf);
    expect(again.machine.executed).toEqual([61, 62, 63, 64, 65, 66, 67, 68, 69, 70]);
    expect(again.machine.entries).toEqual(source.machine.entries);
    for (const stage of [source, again]) await stage.close();
  });

  test('a snapshot newer than everything in the log is the state', async () => {
    const source = await new Stage(new KeyValues()).start(new MemoryShelf());
    await source.run(30);
    const { meta } = await source.keeper.saveNow();
    const shelf = new MemoryShelf();
    const behind = await new Stage(new KeyValues()).start(shelf);
    await behind.copyFrom(source, meta);
    await behind.close();
    const again = await new Stage(new KeyValues(), new LoneLog()).start(shelf);
    expect(again.lone.state.executedThrough).toBe(30);
    expect(again.machine.executed).toEqual([]);
    expect(again.machine.entries).toEqual(source.machine.entries);
    for (const stage of [source, again]) await stage.close();
  });
});

describe('story 2: bounded log', () => {
  test('bytes stay under a bound under endless load, and restarts take no longer', async () => {
    const shelf = new MemoryShelf();
    const stage = await new Stage(new KeyValues()).start(shelf, { everySlots: 200, keep: 2 });
    let logBytesMost = 0;
    let snapshotBytesMost = 0;
    for (let i = 0; i < 5_000; i += 1) {
      await stage.run(1);
      // The layer cuts what the oldest kept snapshot covers.
      if (stage.slots.length === 2) stage.log.cut((stage.slots[1] as number) + 1);
      logBytesMost = Math.max(logBytesMost, stage.log.bytes);
      snapshotBytesMost = Math.max(snapshotBytesMost, shelf.bytes);
    }
    const perSlot = 32 + 32 + 4 + 8;
    expect(logBytesMost).toBeLessThan(4 * 200 * perSlot);
    expect(snapshotBytesMost).toBeLessThan(4 * 1_000);
    expect(stage.slots).toEqual([5_000, 4_800]);
    expect(stage.log.firstSlot).toBe(4_801);
    stage.execute('last=1');
    await stage.close();

    const again = await new Stage(new KeyValues(), stage.log).start(shelf);
    expect(again.machine.executed).toEqual([5_001]);
    expect(again.machine.entries).toEqual(stage.machine.entries);
    await again.close();
  });
});

describe('story 4: no stop', () => {
  test('commands continue while a large state is saved, as it was at its slot', async () => {
    const shelf = new MemoryShelf();
    const stage = await new Stage(new KeyValues()).start(shelf);
    const large = 'x'.repeat(100);
    for (let slot = 0; slot < 100; slot += 1) {
      stage.execute(...Array.from({ length: 1_000 }, (_, i) => `${slot}.${i}=${large}`));
    }
    const expected = stage.machine.entries;
    const saved = stage.keeper.saveNow();
    let meanwhile = 0;
    let isSaved = false;
    void saved.then(() => (isSaved = true));
    while (!isSaved) {
      stage.execute(`${meanwhile % 100}.${meanwhile % 1_000}=changed`, `new${meanwhile}=1`);
      meanwhile += 1;
      await turn();
    }
    const { meta } = await saved;
    expect(meta.slot).toBe(100);
    expect(meta.bytes).toBeGreaterThan(100_000 * 100);
    // Somebody else had a turn after every 256 KiB and the piece that went beyond them.
    expect(meanwhile).toBeGreaterThan(meta.bytes / (2 * 256 * 1024));
    const other = await new Stage(new KeyValues(), new LoneLog()).start(shelf);
    expect(other.machine.entries).toEqual(expected);
    for (const one of [stage, other]) await one.close();
  }, 40_000);

  test('a leader leaves saving to its followers, if the policy says so', async () => {
    const options = { everySlots: 10, followersOnly: true };
    const leader = new Stage(new DigestMachine());
    leader.membership = membershipOf(3);
    await leader.start(new MemoryShelf(), options);
    leader.execute();
    leader.order({ kind: 'leads', leads: true });
    await leader.run(50);
    expect(leader.slots).toEqual([]);
    // It does once somebody else leads, or there is nobody else.
    leader.order({ kind: 'leads', leads: false });
    await leader.until('saved', () => leader.slots.length === 1);
    const alone = await new Stage(new DigestMachine()).start(new MemoryShelf(), options);
    alone.execute();
    alone.order({ kind: 'leads', leads: true });
    await alone.run(30);
    await alone.until('saved', () => alone.slots.length > 0);
    for (const stage of [leader, alone]) await stage.close();
  });
});

describe('story 5: operator control', () => {
  test('save now, and say where', async () => {
    const stage = await new Stage(new DigestMachine()).start(new MemoryShelf());
    await stage.run(7);
    const { meta, where } = await stage.keeper.saveNow();
    expect([meta.slot, where]).toEqual([7, 'memory, slot 7']);
    expect(meta.membership).toEqual(membershipOf(1));
    // Nothing was executed since: it is there already.
    expect(await stage.keeper.saveNow()).toEqual({ meta, where });
    const early = new Stage(new DigestMachine());
    await early.start(new MemoryShelf());
    const waits = early.keeper.saveNow();
    early.execute('a');
    expect((await waits).meta.slot).toBe(1);
    for (const one of [stage, early]) await one.close();
  });

  test('two who ask while one is being saved get one of the slot that they have seen', async () => {
    const stage = await new Stage(new DigestMachine()).start(new MemoryShelf());
    await stage.run(3);
    const first = stage.keeper.saveNow();
    stage.execute('4');
    const [a, b] = [stage.keeper.saveNow(), stage.keeper.saveNow()];
    expect((await first).meta.slot).toBe(3);
    expect((await a).meta.slot).toBe(4);
    expect((await b).meta.slot).toBe(4);
    await stage.close();
  });

  test('stop and allow saving', async () => {
    const stage = await new Stage(new DigestMachine()).start(new MemoryShelf(), { everySlots: 5 });
    stage.keeper.stopSaving();
    await stage.run(30);
    expect(stage.slots).toEqual([]);
    expect((await stage.keeper.saveNow()).meta.slot).toBe(30);
    stage.keeper.allowSaving();
    await stage.run(5);
    await stage.until('saved', () => stage.slots[0] === 35);
    await stage.close();
  });

  test('stopping gives up what is being saved, unless somebody waits for it', async () => {
    const stage = await new Stage(new DigestMachine()).start(new MemoryShelf(), { everySlots: 5 });
    await stage.run(4);
    stage.execute('5');
    stage.keeper.stopSaving();
    await stage.run(3);
    expect(stage.slots).toEqual([]);
    const waited = stage.keeper.saveNow();
    stage.keeper.stopSaving();
    expect((await waited).meta.slot).toBe(8);
    await stage.close();
  });

  test('keep N: older ones go once the next is durable', async () => {
    const stage = await new Stage(new DigestMachine()).start(new MemoryShelf(), { keep: 3 });
    const seen: number[][] = [];
    for (let i = 0; i < 5; i += 1) {
      await stage.run(2);
      await stage.keeper.saveNow();
      seen.push(stage.slots);
    }
    expect(seen).toEqual([[2], [4, 2], [6, 4, 2], [8, 6, 4], [10, 8, 6]]);
    await stage.close();
  });

  test('members are staggered: each saves at its own place of the interval', async () => {
    const places: (number | undefined)[][] = [];
    for (const self of [1, 2, 3]) {
      const stage = new Stage(new DigestMachine());
      stage.membership = membershipOf(3);
      await stage.start(new MemoryShelf(), { self, everySlots: 30, keep: 9 });
      await stage.run(95);
      await stage.until('saved', () => stage.slots.length >= 3);
      places.push(stage.slots);
      await stage.close();
    }
    expect(places).toEqual([
      [90, 60, 30],
      [70, 40, 10],
      [80, 50, 20],
    ]);
  });

  test('policy by bytes of executed values, and by group time', async () => {
    const byBytes = await new Stage(new DigestMachine()).start(new MemoryShelf(), {
      everyBytes: 1_000,
      keep: 9,
    });
    await byBytes.run(100, () => 'x'.repeat(32));
    // 32 of the batch, 32 of the segment, 4 of the command's end, and the command.
    const slotsOfOne = 1_000 / (32 + 32 + 4 + 32);
    await byBytes.until('saved', () => byBytes.slots.length === 9);
    expect(byBytes.slots).toEqual([9, 8, 7, 6, 5, 4, 3, 2, 1].map((n) => (n + 1) * slotsOfOne));
    const byTime = await new Stage(new DigestMachine()).start(new MemoryShelf(), {
      everyMs: 25,
      keep: 9,
    });
    await byTime.run(100);
    await byTime.until('saved', () => byTime.slots.length === 4);
    expect(byTime.slots).toEqual([100, 75, 50, 25]);
    for (const stage of [byBytes, byTime]) await stage.close();
  });

  test('progress is told: saves, copies and loads', async () => {
    const shelf = new MemoryShelf();
    const stage = await new Stage(new DigestMachine()).start(shelf);
    await stage.run(3);
    const { meta } = await stage.keeper.saveNow();
    expect(stage.progress.map(({ kind }) => kind)).toEqual(['saving', 'saved']);
    await stage.close();
    const again = await new Stage(new DigestMachine(), stage.log).start(shelf);
    expect(again.progress).toEqual([
      { kind: 'loading', meta, bytes: 0 },
      { kind: 'loaded', meta },
    ]);
    await again.close();
  });
});
