import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { SnapshotMeta } from '@rsl/core/protocol';
import { wholeOf } from './fake-keeper.ts';
import { patienceMs, runs } from './runs.ts';
import { type Node, World } from './world.ts';

const size = 12_000;
const options = {
  askMs: 300,
  gatherMs: 100,
  askAgainMs: 300,
  stallMs: 1_000,
  giveUpMs: 4_000,
  writeAgainMs: 500,
  pinMs: 6_000,
  readsMax: 3,
};

type Happening =
  | { readonly kind: 'run'; readonly ms: number }
  | { readonly kind: 'cut' | 'heal'; readonly a: number; readonly b: number }
  | { readonly kind: 'kill' | 'restart'; readonly a: number }
  | { readonly kind: 'noise'; readonly lost: number; readonly doubled: number; readonly ms: number }
  | { readonly kind: 'room'; readonly bytes: number }
  | { readonly kind: 'busy'; readonly ms: number }
  | { readonly kind: 'save'; readonly a: number; readonly slots: number; readonly keep: number };

const id = fc.integer({ min: 1, max: 4 });
const saver = fc.integer({ min: 1, max: 3 });
const happening: fc.Arbitrary<Happening> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('run'), ms: fc.nat(700) }) },
  fc.record({ kind: fc.constantFrom('cut', 'heal'), a: saver, b: fc.constant(4) }),
  fc.record({ kind: fc.constantFrom('kill', 'restart'), a: id }),
  fc.record({
    kind: fc.constant('noise'),
    lost: fc.nat(30),
    doubled: fc.nat(30),
    ms: fc.nat(60),
  }),
  fc.record({ kind: fc.constant('room'), bytes: fc.nat(size) }),
  fc.record({ kind: fc.constant('busy'), ms: fc.nat(2_000) }),
  fc.record({
    kind: fc.constant('save'),
    a: saver,
    slots: fc.integer({ min: 1, max: 300 }),
    keep: fc.integer({ min: 1, max: 2 }),
  }),
) as fc.Arbitrary<Happening>;

/** What has to be true at every moment, of the replica that fetches and of the others. */
class Watch {
  readonly #world: World;
  readonly #windowBytes: number;
  readonly #standing = new Map<Node['layer'], number>();
  /** Since when a replica that has what is being copied has been reachable. */
  readonly #sinceMs = new Map<number, { digest: string; ms: number }>();
  #ordersSeen = 0;
  #keeper: Node['keeper'];

  constructor(world: World) {
    this.#world = world;
    this.#windowBytes = world.options.chunkBytes * world.options.windowChunks;
    this.#keeper = world.node(4).keeper;
    world.afterStep = (node) => this.#look(node);
  }

  #look(node: Node): void {
    const { inner, keeper, layer, orders } = node;
    // (c) Memory: what is asked for and not written, and what peers wait for.
    expect(layer.openBytes).toBeLessThanOrEqual(this.#windowBytes);
    const unwritten = orders.reduce(
      (sum, { what }) => sum + (what.kind === 'write' ? what.bytes.length : 0),
      0,
    );
    expect(unwritten).toBeLessThanOrEqual(this.#windowBytes);
    const reads = orders.filter(({ what }) => what.kind === 'read');
    expect(reads.length).toBeLessThanOrEqual(options.readsMax);
    expect(keeper.openReaders).toBeLessThanOrEqual(this.#world.options.pinsMax);
    // (d) While it installs the protocol hears nothing, and then of the install first.
    const heard = this.#standing.get(layer);
    if (heard !== undefined && heard < inner.inputs.length) {
      expect(inner.inputs[heard]?.kind).toBe('snapshot-installed');
      this.#standing.delete(layer);
    }
    if (layer.fetching === 'installing') this.#standing.set(layer, inner.inputs.length);
  }

  /** (b) Nobody starts over while a replica that has the rest has been there for long enough. */
  turn(): void {
    const far = this.#world.node(4);
    const left = far.shelf.left;
    const before = left !== undefined && left.bytes.length > 0 ? left.meta : undefined;
    if (this.#keeper !== far.keeper) {
      this.#keeper = far.keeper;
      this.#ordersSeen = 0;
    }
    this.#world.turn();
    const orders = far.keeper.orders.slice(this.#ordersSeen);
    this.#ordersSeen = far.keeper.orders.length;
    for (const order of orders) {
      if (order.kind !== 'copy' || before === undefined) continue;
      if (order.meta.digest !== before.digest) this.#mayStartOver(before);
    }
    this.#reachable(before);
  }

  #mayStartOver(meta: SnapshotMeta): void {
    const far = this.#world.node(4);
    if (meta.slot <= far.inner.released) return;
    const { askMs, askAgainMs, stallMs } = options;
    for (const [peer, { digest, ms }] of this.#sinceMs) {
      if (digest !== meta.digest) continue;
      const there = this.#world.nowMs - ms;
      expect(there, `replica ${peer} has it`).toBeLessThan(stallMs + askMs + askAgainMs + 500);
    }
  }

  #reachable(meta: SnapshotMeta | undefined): void {
    for (const { id: peer, shelf } of this.#world.nodes.slice(0, 3)) {
      const has = meta !== undefined && shelf.snapshots.has(meta.digest);
      if (!has || !this.#world.canReach(peer, 4)) this.#sinceMs.delete(peer);
      else if (this.#sinceMs.get(peer)?.digest !== meta.digest) {
        this.#sinceMs.set(peer, { digest: meta.digest, ms: this.#world.nowMs });
      }
    }
  }
}

function happens(world: World, watch: Watch, one: Happening): void {
  switch (one.kind) {
    case 'run':
      for (const end = world.nowMs + one.ms; world.nowMs < end; ) watch.turn();
      return;
    case 'cut':
      return world.cut(one.a, one.b);
    case 'heal':
      return world.heal(one.a, one.b);
    case 'kill':
      return world.kill(one.a);
    case 'restart':
      return world.restart(one.a);
    case 'noise':
      world.lost = one.lost;
      world.doubled = one.doubled;
      world.delayMsMax = one.ms;
      return;
    case 'room':
      world.node(4).shelf.bytesFree = one.bytes;
      return;
    case 'busy':
      world.node(4).orderMsMax = one.ms;
      return;
    case 'save':
      return saves(world, one.a, one.slots, one.keep);
  }
}

/** The group goes on, one of its members saves, and keeps the newest ones only. */
function saves(world: World, saver: number, slots: number, keep: number): void {
  const node = world.node(saver);
  const through = Math.max(...[1, 2, 3].map((n) => world.node(n).inner.released)) + slots;
  const up = [1, 2, 3].filter((n) => world.node(n).isUp);
  if (!node.isUp) return;
  world.decide(up, through);
  node.keeper.save(wholeOf(through, size, world.membership));
  const oldest = node.shelf.metas[keep - 1];
  if (oldest !== undefined) node.keeper.discard(oldest.slot);
}

function begun(seed: number): World {
  const world = new World({ replicas: 4, seed, options: { ...options, retainSlots: 50 } });
  world.node(1).inner.role = 'phase2';
  world.decide([1, 2, 3], 1_000);
  for (const n of [1, 2, 3]) world.node(n).inner.firstSlot = 1_001;
  for (const n of [1, 2]) world.node(n).keeper.save(wholeOf(1_000, size, world.membership));
  return world;
}

test(
  'whatever happens, in whatever order: whole snapshots, no byte twice without need, in bounds',
  () => {
    const many = fc.array(happening, { maxLength: 40 });
    const property = fc.property(fc.nat(), many, (seed, happenings) => {
      const world = begun(seed);
      const watch = new Watch(world);
      for (const one of happenings) happens(world, watch, one);

      // In the end all is well again, and it catches up.
      for (const n of [1, 2, 3, 4]) {
        world.heal(n, 4);
        if (!world.node(n).isUp) world.restart(n);
      }
      Object.assign(world, { lost: 0, doubled: 0, delayMsMax: 5 });
      const far = world.node(4);
      far.shelf.bytesFree = Infinity;
      far.orderMsMax = 3;
      const target = Math.max(...[1, 2, 3].map((n) => world.node(n).inner.released));
      for (let turns = 0; far.inner.released < target && turns < 6_000; turns += 1) watch.turn();
      expect(far.inner.released).toBeGreaterThanOrEqual(target);

      // (a) What was committed has the bytes of its digest, and none was refused.
      for (const { bytes, meta } of far.keeper.committed) {
        expect(bytes).toEqual(wholeOf(meta.slot, size, world.membership).bytes);
      }
      const commits = far.keeper.orders.filter(({ kind }) => kind === 'commit');
      expect(far.keeper.committed.length).toBe(commits.length);
    });
    fc.assert(property, runs(20261, 60));
  },
  patienceMs,
);
