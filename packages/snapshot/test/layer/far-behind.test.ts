import { expect, test } from 'vitest';
import type { Word } from '../../src/words.ts';
import { type Whole, wholeOf } from './fake-keeper.ts';
import { type Node, World, type WorldOptions } from './world.ts';

const size = 100_000;

/**
 * 1 leads; 2 (and whoever else is named) has a snapshot of slot 1,000 and the log behind it; the
 * last replica has nothing, and nobody keeps what it needs.
 */
function farBehind(options: WorldOptions, savers: readonly number[] = [2]): World & { far: Node } {
  const world = new World(options);
  const others = world.nodes.slice(0, -1);
  world.node(1).inner.role = 'phase2';
  world.decide(
    others.map(({ id }) => id),
    1_010,
  );
  for (const { inner } of others) inner.firstSlot = 1_001;
  for (const id of savers) world.node(id).keeper.save(stateAt(world, 1_000));
  const far = world.nodes.at(-1) as Node;
  far.gets = [];
  return Object.assign(world, { far });
}

const stateAt = (world: World, slot: number): Whole => wholeOf(slot, size, world.membership);
const asksOf = (node: Node, offset: number): number =>
  node.gets.filter((get) => get.offset === offset).length;
const kindsOf = (node: Node): string[] => node.inner.inputs.map(({ kind }) => kind);

test('a replica whose next slot nobody keeps fetches a snapshot, installs it and learns on', () => {
  const world = farBehind({ replicas: 3 });

  expect(world.runUntil(() => world.far.inner.released >= 1_010, 20_000)).toBe(true);

  expect(world.far.keeper.committed.map(({ meta }) => meta.slot)).toEqual([1_000]);
  expect(world.far.keeper.committed[0]?.bytes).toEqual(stateAt(world, 1_000).bytes);
  expect(kindsOf(world.far).filter((kind) => kind === 'snapshot-installed')).toHaveLength(1);
  expect(world.far.layer.fetching).toBe('idle');
  // Whoever gave it is told.
  world.run(100);
  expect(world.node(2).keeper.openReaders).toBe(0);
});

test('that nobody gives one is said now and then, and somebody is asked all the same', () => {
  const giveUpMs = 10_000;
  const world = farBehind({ replicas: 3, options: { giveUpMs } }, []);
  const said = () => world.far.keeper.orders.filter(({ kind }) => kind === 'unserved');
  world.run(giveUpMs - 1_000);
  expect(said()).toEqual([]);
  world.run(2 * giveUpMs);
  expect(said()).toEqual([1, 2].map(() => ({ kind: 'unserved', need: 1 })));
  world.node(2).keeper.save(stateAt(world, 1_000));
  expect(world.runUntil(() => world.far.inner.released >= 1_010, 20_000)).toBe(true);
  world.run(3 * giveUpMs);
  expect(said()).toHaveLength(2);
});

test('one that is gone before any of it has come is left for another at once', () => {
  const world = farBehind({ replicas: 3, options: { giveUpMs: 60_000 } });
  const isOrdered = () => world.far.keeper.orders.some(({ kind }) => kind === 'copy');
  expect(world.runUntil(isOrdered, 20_000)).toBe(true);
  const { keeper } = world.node(2);
  keeper.save(stateAt(world, 1_005));
  keeper.discard(1_005);
  expect(world.runUntil(() => world.far.inner.released >= 1_010, 10_000)).toBe(true);
  expect(world.far.keeper.committed.map(({ meta }) => meta.slot)).toEqual([1_005]);
});

test('of a copy that goes on, however slowly, nothing is said', () => {
  const giveUpMs = 10_000;
  const options = { giveUpMs, bytesPerSecondMax: 2_000 };
  const world = farBehind({ replicas: 3, options });
  world.run(3 * giveUpMs);
  expect(world.far.layer.fetching).toBe('copying');
  expect(world.far.keeper.orders.some(({ kind }) => kind === 'unserved')).toBe(false);
});

test('the host never hears that a replica was behind', () => {
  const world = farBehind({ replicas: 3 });
  world.run(5_000);
  expect(world.far.effects.filter(({ kind }) => kind === 'behind')).toEqual([]);
});

test('it is fetched from a peer that does not lead where one can give it', () => {
  const world = farBehind({ replicas: 4 }, [1, 2]);
  world.runUntil(() => world.far.inner.released >= 1_010, 20_000);
  expect(world.node(1).keeper.orders).toEqual([]);
  expect(world.node(2).keeper.orders.length).toBeGreaterThan(100);
});

test('it is fetched from the leader when nobody else has it', () => {
  const world = farBehind({ replicas: 3 }, [1]);
  expect(world.runUntil(() => world.far.inner.released >= 1_010, 20_000)).toBe(true);
});

test('while it fetches it votes', () => {
  const world = farBehind({ replicas: 3 });
  world.runUntil(() => world.far.layer.fetching === 'copying', 5_000);
  const message = { kind: 'decided', ballot: { configuration: 1, round: 1, proposer: 1 } } as const;
  const input = { kind: 'message', from: 1, message: { ...message, base: 1, decidedThrough: 1 } };

  world.input(world.far, input as never);

  expect(world.far.inner.inputs.at(-1)).toBe(input);
  expect(world.far.layer.isIdle).toBe(false);
});

test('a broken connection costs what was on its way, and nothing that is there', () => {
  const world = farBehind({ replicas: 3 });
  for (const bytes of [20_000, 50_000, 80_000]) {
    world.runUntil(() => (world.far.shelf.left?.bytes.length ?? 0) >= bytes, 20_000);
    world.cut(2, 3);
    world.run(3_000);
    world.heal(2, 3);
  }

  expect(world.runUntil(() => world.far.inner.released >= 1_010, 20_000)).toBe(true);
  expect(asksOf(world.far, 0)).toBe(1);
  const asked = world.far.gets.reduce((sum, { bytesMax }) => sum + bytesMax, 0);
  expect(asked).toBeLessThanOrEqual(size + 3 * 4 * 512);
});

test('its own restart costs what was on its way, and nothing that is there', () => {
  const world = farBehind({ replicas: 3 });
  world.runUntil(() => (world.far.shelf.left?.bytes.length ?? 0) >= 50_000, 20_000);
  // Meanwhile there is a newer one, which would mean to start over.
  world.node(2).keeper.save(stateAt(world, 1_005));
  world.restart(3);
  world.far.gets = [];

  expect(world.runUntil(() => world.far.inner.released >= 1_010, 20_000)).toBe(true);

  expect(asksOf(world.far, 0)).toBe(0);
  expect(world.far.keeper.committed.map(({ meta }) => meta.slot)).toEqual([1_000]);
});

test('when its source dies it goes on at the same offset with another', () => {
  const world = farBehind({ replicas: 4 }, [2, 3]);
  world.runUntil(() => (world.far.shelf.left?.bytes.length ?? 0) >= 30_000, 20_000);
  const source = world.node(2).keeper.orders.length > 0 ? 2 : 3;
  world.kill(source);
  const before = world.far.gets.length;

  expect(world.runUntil(() => world.far.inner.released >= 1_010, 20_000)).toBe(true);
  const offsets = world.far.gets.slice(before).map(({ offset }) => offset);
  expect(Math.min(...offsets)).toBeGreaterThanOrEqual(30_000 - 512);
});

test('a source that says nothing any more is left for another after stallMs', () => {
  const world = farBehind({ replicas: 4 }, [2, 3]);
  const mute = new Set<number>();
  world.runUntil(() => (world.far.shelf.left?.bytes.length ?? 0) >= 30_000, 20_000);
  const source = world.node(2).keeper.orders.length > 0 ? 2 : 3;
  mute.add(source);
  world.node(source).keeper.perform = () => {};

  expect(world.runUntil(() => world.far.inner.released >= 1_010, 10_000)).toBe(true);
  expect(world.node(5 - source).keeper.orders.length).toBeGreaterThan(100);
});

test('it waits for its only source, and does not start over with a newer snapshot', () => {
  const world = farBehind({ replicas: 4 }, [2]);
  world.runUntil(() => (world.far.shelf.left?.bytes.length ?? 0) >= 50_000, 20_000);
  world.kill(2);
  world.node(3).keeper.save(stateAt(world, 1_005));
  world.run(30_000);
  expect(world.far.shelf.left?.meta.slot).toBe(1_000);
  world.restart(2);

  expect(world.runUntil(() => world.far.inner.released >= 1_010, 20_000)).toBe(true);
  expect(world.far.keeper.committed.map(({ meta }) => meta.slot)).toEqual([1_000]);
});

test.each([1, 2, 3, 4, 5, 6])(
  'whoever was cut off from all goes on where it stopped (%i)',
  (seed) => {
    // It has heard from nobody for longer than giveUpMs: that is not that nobody has it.
    const world = farBehind({ replicas: 4, seed }, [2]);
    world.runUntil(() => (world.far.shelf.left?.bytes.length ?? 0) >= 50_000, 20_000);
    world.node(3).keeper.save(stateAt(world, 1_005));
    for (const id of [1, 2, 3]) world.cut(id, 4);
    world.run(90_000);
    world.heal(3, 4);
    world.run(1_000);
    for (const id of [1, 2]) world.heal(id, 4);

    expect(world.runUntil(() => world.far.inner.released >= 1_010, 20_000)).toBe(true);
    expect(world.far.keeper.committed.map(({ meta }) => meta.slot)).toEqual([1_000]);
  },
);

test('when nobody has had it for giveUpMs it copies the newest other', () => {
  const world = farBehind({ replicas: 4 }, [2]);
  world.runUntil(() => (world.far.shelf.left?.bytes.length ?? 0) >= 50_000, 20_000);
  world.kill(2);
  world.node(3).keeper.save(stateAt(world, 1_005));

  expect(world.runUntil(() => world.far.inner.released >= 1_010, 90_000)).toBe(true);
  expect(world.far.keeper.committed.map(({ meta }) => meta.slot)).toEqual([1_005]);
});

test('a snapshot that was discarded is still given to whoever reads it', () => {
  const world = farBehind({ replicas: 3 });
  world.runUntil(() => (world.far.shelf.left?.bytes.length ?? 0) >= 50_000, 20_000);
  world.decide([1, 2], 5_000);
  world.node(2).keeper.save(stateAt(world, 4_000));
  world.node(2).keeper.discard(4_000);
  world.cut(2, 3);
  world.run(1_000);
  world.restart(3);
  world.heal(2, 3);

  expect(world.runUntil(() => world.far.inner.released >= 1_000, 20_000)).toBe(true);
  expect(world.far.keeper.committed[0]?.meta.slot).toBe(1_000);
  // And the log behind it is still there: no install loop.
  expect(world.runUntil(() => world.far.inner.released >= 5_000, 20_000)).toBe(true);
  expect(world.far.keeper.committed).toHaveLength(1);
});

test.each([1, 2, 3, 4])(
  'what a bad source gave is never installed; another gives it (%i)',
  (seed) => {
    const world = farBehind({ replicas: 4, seed }, [2, 3]);
    const { digest } = stateAt(world, 1_000).meta;
    // Both have it; the one that is asked first lies.
    world.runUntil(
      () => world.node(2).keeper.orders.length + world.node(3).keeper.orders.length > 0,
      5_000,
    );
    const liar = world.node(2).keeper.orders.length > 0 ? 2 : 3;
    world.node(liar).keeper.lies.add(digest);

    expect(world.runUntil(() => world.far.inner.released >= 1_010, 30_000)).toBe(true);
    expect(world.far.keeper.committed).toHaveLength(1);
    expect(asksOf(world.far, 0)).toBe(2);
  },
);

test('a single source that lies is asked again, later each time', () => {
  const world = farBehind({ replicas: 3, options: { askMs: 1_000 } });
  const { digest } = stateAt(world, 1_000).meta;
  world.node(2).keeper.lies.add(digest);
  world.run(60_000);
  const copies = world.far.keeper.orders.filter(({ kind }) => kind === 'copy').length;
  expect(copies).toBeGreaterThan(2);
  expect(copies).toBeLessThan(10);
  world.node(2).keeper.lies.clear();
  expect(world.runUntil(() => world.far.inner.released >= 1_010, 70_000)).toBe(true);
});

test('a full medium is waited for, and what is there is gone on with', () => {
  const world = farBehind({ replicas: 3 });
  world.runUntil(() => (world.far.shelf.left?.bytes.length ?? 0) >= 50_000, 20_000);
  world.far.shelf.bytesFree = 0;
  world.node(2).keeper.save(stateAt(world, 1_005));
  world.run(20_000);
  expect(world.far.inner.released).toBe(0);
  world.far.shelf.bytesFree = Infinity;

  expect(world.runUntil(() => world.far.inner.released >= 1_010, 20_000)).toBe(true);
  expect(asksOf(world.far, 0)).toBe(1);
});

test('what cannot be loaded is copied again, and the protocol goes on meanwhile', () => {
  const world = farBehind({ replicas: 3 });
  world.far.keeper.unloadable.add(stateAt(world, 1_000).meta.digest);

  expect(world.runUntil(() => world.far.inner.released >= 1_010, 20_000)).toBe(true);
  expect(world.far.keeper.committed).toHaveLength(2);
  expect(kindsOf(world.far).filter((kind) => kind === 'snapshot-installed')).toHaveLength(1);
});

test('when the log comes back the copy is left, and gone on with if it is needed after all', () => {
  const world = farBehind({ replicas: 3 });
  world.runUntil(() => (world.far.shelf.left?.bytes.length ?? 0) >= 50_000, 20_000);
  world.far.inner.decide(10);
  world.run(20);
  expect(world.far.keeper.orders.at(-1)?.kind).toBe('leave');

  expect(world.runUntil(() => world.far.inner.released >= 1_010, 20_000)).toBe(true);
  expect(asksOf(world.far, 0)).toBe(1);
});

test('what the store says late of a copy that was left is not taken for the next one', () => {
  const world = farBehind({ replicas: 3, options: { gatherMs: 100 } });
  world.runUntil(() => (world.far.shelf.left?.bytes.length ?? 0) >= 50_000, 20_000);
  // The state machine is busy: what was ordered is done long after it was.
  world.far.orderMsMax = 5_000;
  world.run(100);
  for (let i = 0; i < 3; i += 1) {
    world.far.inner.decide(10);
    world.run(1_000);
  }
  world.far.orderMsMax = 3;

  expect(world.runUntil(() => world.far.inner.released >= 1_010, 60_000)).toBe(true);
  expect(asksOf(world.far, 0)).toBe(1);
  expect(world.far.keeper.orders.filter(({ kind }) => kind === 'commit')).toHaveLength(1);
});

test('a copy that the log has overtaken is not installed', () => {
  const world = farBehind({ replicas: 3 });
  world.runUntil(() => world.far.keeper.orders.at(-1)?.kind === 'write', 20_000);
  world.far.inner.decide(1_000);
  world.run(10_000);
  const kinds = world.far.keeper.orders.map(({ kind }) => kind);
  expect(kinds).not.toContain('install');
  expect(world.far.layer.fetching).toBe('idle');
});

test('words that are lost, doubled and late change nothing but the time it takes', () => {
  const world = farBehind({ replicas: 4, seed: 5 }, [2, 3]);
  world.lost = 20;
  world.doubled = 20;
  world.delayMsMax = 100;
  expect(world.runUntil(() => world.far.inner.released >= 1_010, 120_000)).toBe(true);
  expect(world.far.keeper.committed[0]?.bytes).toEqual(stateAt(world, 1_000).bytes);
});

test('a leader that does not save copies what followers save, and installs nothing', () => {
  const world = new World({ replicas: 2, options: { copyAfterSlots: 100 } });
  world.node(1).inner.role = 'phase2';
  world.decide([1, 2], 1_000);
  world.node(2).keeper.save(wholeOf(950, 10_000, world.membership));

  expect(world.runUntil(() => world.node(1).shelf.metas.length === 1, 20_000)).toBe(true);
  expect(world.node(1).keeper.orders.map(({ kind }) => kind)).not.toContain('install');
  expect(world.node(1).layer.fetching).toBe('idle');
});

test('a peer is told when what it reads cannot be read', () => {
  const world = farBehind({ replicas: 3 });
  const said: Word[] = [];
  world.beforeSend = (node, _, word) => void (node.id === 2 && said.push(word));
  world.runUntil(() => world.far.layer.fetching === 'copying', 5_000);
  world.node(2).shelf.snapshots.clear();
  world.node(2).keeper.perform({ kind: 'release', digest: stateAt(world, 1_000).meta.digest });
  world.run(1_000);
  expect(said.some(({ kind }) => kind === 'gone')).toBe(true);
});
