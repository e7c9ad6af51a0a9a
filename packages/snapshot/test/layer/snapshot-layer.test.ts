import type { Effect, Input, Protocol, ReplicaView } from '@rsl/core/protocol';
import { expect, test } from 'vitest';
import { snapshotEngineLayer } from '../../src/layer/engine-layer.ts';
import { KeptInputs } from '../../src/layer/kept-inputs.ts';
import { completeLayerOptions, type LayerOptions } from '../../src/layer/layer-options.ts';
import { SnapshotLayer } from '../../src/layer/snapshot-layer.ts';
import { type Answer, type Order, snapshotChannel, type Word } from '../../src/words.ts';
import { FakeInner } from './fake-inner.ts';
import { wholeOf } from './fake-keeper.ts';
import { membershipOf } from './world.ts';

const membership = membershipOf([1, 2, 3]);
const value = { bytes: Uint8Array.of(1), checksum: 0 };
const { meta } = wholeOf(100, 1_000, membership);

/** Effects that the next step of the protocol below gives. */
class Inner extends FakeInner {
  next: Effect[] = [];

  override step(input: Input, nowMs: number): readonly Effect[] {
    const effects = [...super.step(input, nowMs), ...this.next];
    this.next = [];
    return effects;
  }
}

class Stage {
  readonly inner: Inner;
  readonly layer: SnapshotLayer;
  nowMs = 0;
  effects: Effect[] = [];

  constructor(options: Partial<LayerOptions> = {}, released = 10) {
    this.inner = new Inner(membership, released, () => ({
      decidedThrough: 0,
      through: () => undefined,
    }));
    const about = { self: 3, below: () => 0 };
    this.layer = new SnapshotLayer(this.inner, about, completeLayerOptions(options));
  }

  step(input: Input): readonly Effect[] {
    const effects = this.layer.step(input, this.nowMs);
    this.effects.push(...effects);
    return effects;
  }

  answers(answer: Answer): readonly Effect[] {
    return this.step({ kind: 'layer-answer', channel: snapshotChannel, answer });
  }

  hears(from: number, message: Word): readonly Effect[] {
    return this.step({ kind: 'layer-message', channel: snapshotChannel, from, message });
  }

  /** The protocol says that nobody keeps the slot any more. */
  isBehind(need: number): readonly Effect[] {
    this.inner.next = [{ kind: 'behind', need, peer: 1 }];
    return this.step({ kind: 'woken' });
  }

  /** A snapshot that is here takes the place of the state. */
  installs(): readonly Effect[] {
    this.answers({ kind: 'snapshots', snapshots: [meta] });
    return this.isBehind(11);
  }

  get orders(): Order[] {
    return this.effects.flatMap((effect) =>
      effect.kind === 'layer-order' ? [effect.order as Order] : [],
    );
  }

  heard(from: number): Input[] {
    return this.inner.inputs.slice(from);
  }
}

const installed: Answer = { kind: 'installed', slot: 100, membership };

test('everything passes through, both ways, as it is', () => {
  const s = new Stage();
  const inputs: Input[] = [
    { kind: 'propose', value },
    { kind: 'read', read: 1 },
    { kind: 'turn-end' },
    { kind: 'connection', with: 1, up: true },
    { kind: 'layer-message', channel: 17, from: 1, message: {} },
    { kind: 'layer-answer', channel: 17, answer: {} },
  ];
  for (const input of inputs) {
    const effects: Effect[] = [{ kind: 'read-ready', read: 7 }];
    s.inner.next = effects;
    expect(s.step(input)).toEqual(effects);
  }
  expect(s.inner.inputs).toEqual(inputs);
});

test('its own words and answers are not the protocol’s', () => {
  const s = new Stage();
  s.hears(1, { kind: 'ask', need: 1, for: 'state' });
  s.answers({ kind: 'snapshots', snapshots: [] });
  expect(s.inner.inputs).toEqual([]);
});

test('a replica does not ask itself', () => {
  const s = new Stage();
  s.step({ kind: 'connection', with: 9, up: true });
  const asked = s.isBehind(11).flatMap((effect) => (effect.kind === 'layer-send' ? effect.to : []));
  expect(asked.toSorted((a, b) => a - b)).toEqual([1, 2, 9]);
  expect(s.hears(3, { kind: 'ask', need: 1, for: 'state' })).toEqual([]);
});

test('a snapshot that is here already is installed, and nobody is asked', () => {
  const s = new Stage();
  expect(s.installs()).toEqual([
    { kind: 'layer-order', channel: snapshotChannel, order: { kind: 'install', meta } },
  ]);
});

test('while a snapshot is installed the protocol hears nothing, and proposals are rejected', () => {
  const s = new Stage();
  s.inner.role = 'phase2';
  s.installs();
  const before = s.inner.inputs.length;
  expect(s.layer.view.room).toBe(0);
  expect(s.layer.isIdle).toBe(false);

  const message = { kind: 'you-may', ballot: s.inner.view.ballot } as const;
  expect(s.step({ kind: 'message', from: 1, message })).toEqual([]);
  expect(s.step({ kind: 'tick' })).toEqual([]);
  expect(s.step({ kind: 'read', read: 1 })).toEqual([]);
  expect(s.step({ kind: 'propose', value })).toEqual([{ kind: 'reject', value, leader: 1 }]);
  expect(s.heard(before)).toEqual([]);
  // Nor later: what was asked in a message is asked again.
  s.answers(installed);
  expect(s.heard(before).map(({ kind }) => kind)).toEqual(['snapshot-installed', 'read']);
});

test('then it hears of the snapshot first, once, and of what was kept, in order', () => {
  const s = new Stage();
  s.installs();
  const before = s.inner.inputs.length;
  const kept: Input[] = [
    { kind: 'read', read: 1 },
    { kind: 'executed', through: 10 },
    { kind: 'storage', full: true },
    { kind: 'layer-answer', channel: 17, answer: {} },
    { kind: 'connection', with: 1, up: false },
    { kind: 'turn-end' },
  ];
  for (const input of kept) s.step(input);
  s.answers(installed);

  const install = { kind: 'snapshot-installed', slot: 100, membership };
  expect(s.heard(before)).toEqual([install, ...kept]);
  expect(s.layer.fetching).toBe('idle');
  s.answers(installed);
  expect(s.heard(before)).toHaveLength(1 + kept.length);
});

test('an install that fails is as if it had not been tried: what was kept is heard', () => {
  const s = new Stage();
  s.installs();
  const before = s.inner.inputs.length;
  s.step({ kind: 'read', read: 1 });
  s.answers({ kind: 'install-failed', code: 'RSL_SNAPSHOT_CORRUPT' });

  expect(s.heard(before)).toEqual([{ kind: 'read', read: 1 }]);
  expect(s.layer.fetching).toBe('asking');
});

test('what could not be installed is not tried again as it is, even if it is still listed', () => {
  const s = new Stage();
  s.installs();
  s.answers({ kind: 'install-failed', code: 'RSL_SNAPSHOT_CORRUPT' });
  // The log came back for a moment.
  s.inner.released = 11;
  s.step({ kind: 'tick' });
  expect(s.layer.fetching).toBe('idle');
  s.isBehind(12);
  expect(s.layer.fetching).toBe('asking');
  expect(s.orders.filter(({ kind }) => kind === 'install')).toHaveLength(1);
});

test('what the store says of a copy that was left is not taken for the next one', () => {
  const s = new Stage({ gatherMs: 1 });
  const copies = (): number =>
    s.orders.flatMap((order) => (order.kind === 'copy' ? [order.ticket] : [])).at(-1) ?? 0;
  const begins = (need: number): number => {
    s.isBehind(need);
    s.hears(1, { kind: 'have', snapshots: [meta], leads: false });
    s.nowMs += 10;
    s.step({ kind: 'tick' });
    expect(s.layer.fetching).toBe('copying');
    return copies();
  };
  const first = begins(11);
  s.inner.released = 11;
  s.step({ kind: 'tick' });
  const second = begins(12);
  expect(second).not.toBe(first);

  expect(s.answers({ kind: 'copying', bytes: 400, ticket: first })).toEqual([]);
  expect(s.answers({ kind: 'written', bytes: 500, ticket: first })).toEqual([]);
  expect(s.answers({ kind: 'copy-failed', code: 'RSL_STORAGE_FULL', ticket: first })).toEqual([]);
  const get = { kind: 'get', offset: 500 };
  expect(s.answers({ kind: 'copying', bytes: 500, ticket: second })).toMatchObject([
    { to: 1, message: get },
  ]);
});

test('what a step released before is handed to the state machine before it is replaced', () => {
  const s = new Stage();
  s.answers({ kind: 'snapshots', snapshots: [meta] });
  const execute: Effect = { kind: 'execute', slot: 11, value, membership };
  s.inner.next = [execute, { kind: 'behind', need: 12, peer: 1 }];
  const kinds = s.step({ kind: 'woken' }).map(({ kind }) => kind);
  expect(kinds).toEqual(['layer-order', 'execute', 'layer-order']);
  expect(s.orders.map(({ kind }) => kind)).toEqual(['governs', 'install']);
});

test('the log is cut at the start, when a snapshot is saved, and after an install', () => {
  const s = new Stage({ retainSlots: 10 }, 500);
  s.inner.firstSlot = 1;
  s.answers({ kind: 'snapshots', snapshots: [meta] });
  expect(s.effects).toEqual([{ kind: 'truncate-log', before: 91 }]);
  const newer = wholeOf(400, 10, membership).meta;
  const more = { retainSlots: 10, spareSnapshots: 0 };
  const t = new Stage(more, 500);
  t.inner.firstSlot = 1;
  t.answers({ kind: 'snapshots', snapshots: [newer, meta] });
  expect(t.effects).toEqual([{ kind: 'truncate-log', before: 391 }]);
});

test('the log stays while a peer copies, and is cut when that is over', () => {
  const s = new Stage({ retainSlots: 0, spareSnapshots: 0, pinMs: 60_000 }, 500);
  s.inner.firstSlot = 1;
  s.answers({ kind: 'snapshots', snapshots: [meta] });
  s.hears(1, { kind: 'get', digest: meta.digest, offset: 0, bytesMax: 100 });
  s.answers({ kind: 'snapshots', snapshots: [wholeOf(400, 10, membership).meta] });
  expect(s.inner.firstSlot).toBe(101);
  s.nowMs = 61_000;
  s.step({ kind: 'tick' });
  expect(s.inner.firstSlot).toBe(401);
});

test('it is not idle while it fetches, gives, or the protocol is not', () => {
  const s = new Stage();
  expect(s.layer.isIdle).toBe(true);
  s.inner.isIdle = false;
  expect(s.layer.isIdle).toBe(false);
  s.inner.isIdle = true;
  s.answers({ kind: 'snapshots', snapshots: [meta] });
  s.hears(1, { kind: 'get', digest: meta.digest, offset: 0, bytesMax: 100 });
  expect(s.layer.isIdle).toBe(false);
  s.answers({ kind: 'read', ticket: 1, bytes: Uint8Array.of(1) });
  expect(s.layer.isIdle).toBe(true);
  s.isBehind(200);
  expect(s.layer.isIdle).toBe(false);
});

test('the leader says that it leads', () => {
  const s = new Stage();
  s.inner.role = 'phase2';
  const have = { kind: 'have', snapshots: [], leads: true };
  expect(s.hears(1, { kind: 'ask', need: 1, for: 'store' })).toMatchObject([
    { to: 1, message: have },
  ]);
});

test('an engine wraps whatever protocol is made', () => {
  const made: Protocol = new FakeInner(membership, 5, () => ({
    decidedThrough: 0,
    through: () => undefined,
  }));
  const about = { self: 1, below: () => 0 };
  const wrapped = snapshotEngineLayer(completeLayerOptions()).wrap(() => made, about);
  const view: ReplicaView = wrapped(membership, {} as never).view;
  expect(view).toEqual(made.view);
});

test('of what says how things stand only the last is kept', () => {
  const kept = new KeptInputs(10);
  for (let i = 1; i <= 1_000; i += 1) {
    kept.add({ kind: 'executed', through: i });
    kept.add({ kind: 'storage', full: i % 2 === 0 });
    kept.add({ kind: 'connection', with: 1, up: i % 2 === 0 });
    kept.add({ kind: 'turn-end' });
  }
  expect(kept.take()).toEqual([
    { kind: 'executed', through: 1_000 },
    { kind: 'storage', full: true },
    { kind: 'connection', with: 1, up: true },
    { kind: 'turn-end' },
  ]);
  expect(kept.size).toBe(0);
});

test('a bounded number of reads is kept, and none that nobody waits for any more', () => {
  const kept = new KeptInputs(3);
  for (let read = 1; read <= 5; read += 1) kept.add({ kind: 'read', read });
  kept.add({ kind: 'forget-read', read: 2 });
  kept.add({ kind: 'forget-read', read: 77 });
  expect(kept.take()).toEqual([
    { kind: 'read', read: 1 },
    { kind: 'read', read: 3 },
    { kind: 'forget-read', read: 77 },
  ]);
});

test('answers for other layers are never lost', () => {
  const kept = new KeptInputs(1);
  const answers = [1, 2, 3].map((n) => ({ kind: 'layer-answer', channel: 17, answer: { n } }));
  for (const answer of answers) kept.add(answer as Input);
  expect(kept.take()).toEqual(answers);
});

test('what a start has executed again counts for what the log may keep', () => {
  const MiB = 1024 * 1024;
  const options = { retainSlots: 1_000, retainBytes: 2 * MiB, spareSnapshots: 0 };
  const s = new Stage(options, 100);
  s.inner.firstSlot = 1;
  for (const slot of [20, 40, 60, 80]) s.answers({ kind: 'replayed', slot, bytes: MiB });
  s.answers({ kind: 'snapshots', snapshots: [{ ...meta, slot: 80 }] });
  const before = s.inner.firstSlot;
  expect([before > 20, before <= 61]).toEqual([true, true]);
  // One that comes late counts for nothing, and does no harm.
  expect(s.answers({ kind: 'replayed', slot: 30, bytes: MiB })).toEqual([]);
});
