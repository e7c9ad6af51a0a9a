import { expect, test } from 'vitest';
import type { Effect } from '@rsl/core/protocol';
import { Allowance } from '../../src/layer/allowance.ts';
import { completeLayerOptions, type LayerOptions } from '../../src/layer/layer-options.ts';
import { LayerOutbox } from '../../src/layer/layer-outbox.ts';
import { Server } from '../../src/layer/server.ts';
import type { Order, Word } from '../../src/words.ts';
import { wholeOf } from './fake-keeper.ts';
import { membershipOf } from './world.ts';

const { meta } = wholeOf(10, 100_000, membershipOf([1, 2, 3]));
const { digest } = meta;
const older = wholeOf(5, 1_000, membershipOf([1])).meta;

/** A server that has two snapshots, and what it says and orders. */
class Stage {
  readonly server: Server;
  readonly #out = new LayerOutbox();
  said: { to: number; word: Word }[] = [];
  orders: Order[] = [];
  nowMs = 0;
  executedThrough = 0;

  constructor(options: Partial<LayerOptions> = {}) {
    this.server = new Server(completeLayerOptions(options));
    this.lists(meta, older);
  }

  lists(...snapshots: (typeof meta)[]): void {
    this.server.onAnswer({ kind: 'snapshots', snapshots }, this.nowMs, this.#out);
  }

  hears(from: number, word: Word, leads = false): void {
    const here = { leads, executedThrough: this.executedThrough };
    this.server.onWord(from, word, here, this.nowMs, this.#out);
    this.#take();
  }

  gets(from: number, offset: number, bytesMax = 1_000, of = digest): void {
    this.hears(from, { kind: 'get', digest: of, offset, bytesMax });
  }

  /** The oldest read that was ordered is done. */
  reads(ticket: number): void {
    const bytes = Uint8Array.of(1, 2, 3);
    this.server.onAnswer({ kind: 'read', ticket, bytes }, this.nowMs, this.#out);
    this.#take();
  }

  fails(ticket: number): void {
    const code = 'RSL_SNAPSHOT_CORRUPT';
    this.server.onAnswer({ kind: 'unreadable', ticket, code }, this.nowMs, this.#out);
    this.#take();
  }

  loses(peer: number): void {
    this.server.onConnection(peer, false, this.nowMs, this.#out);
    this.#take();
  }

  passes(ms: number): void {
    this.nowMs += ms;
    this.server.onTick(this.nowMs, this.#out);
    this.#take();
  }

  get tickets(): number[] {
    return this.orders.flatMap((order) => (order.kind === 'read' ? [order.ticket] : []));
  }

  get released(): string[] {
    return this.orders.flatMap((order) => (order.kind === 'release' ? [order.digest] : []));
  }

  #take(): void {
    for (const effect of this.#out.take() as Effect[]) {
      if (effect.kind === 'layer-send') {
        this.said.push({ to: effect.to, word: effect.message as Word });
      } else if (effect.kind === 'layer-order') this.orders.push(effect.order as Order);
    }
  }
}

test('who asks is told what is here, and whether it leads', () => {
  const s = new Stage();
  s.hears(2, { kind: 'ask', need: 1, for: 'state' }, true);
  expect(s.said).toEqual([
    { to: 2, word: { kind: 'have', snapshots: [meta, older], leads: true } },
  ]);
});

test('what nobody can be given is saved, if the state has it: once, then later again', () => {
  const giveUpMs = 20_000;
  const s = new Stage({ giveUpMs });
  s.executedThrough = 40;
  s.hears(2, { kind: 'ask', need: 10, for: 'state' });
  s.hears(2, { kind: 'ask', need: 41, for: 'state' });
  s.hears(2, { kind: 'ask', need: 11, for: 'store' });
  expect(s.orders).toEqual([]);
  for (const peer of [2, 3]) s.hears(peer, { kind: 'ask', need: 11, for: 'state' });
  expect(s.orders).toEqual([{ kind: 'wanted', need: 11 }]);
  s.passes(giveUpMs);
  s.hears(2, { kind: 'ask', need: 11, for: 'state' });
  expect(s.orders).toHaveLength(2);
});

test('what is asked for is read, and given to whoever asked', () => {
  const s = new Stage();
  s.gets(2, 99_500);
  expect(s.orders).toEqual([{ kind: 'read', digest, offset: 99_500, bytesMax: 500, ticket: 1 }]);
  s.reads(1);
  expect(s.said).toEqual([
    { to: 2, word: { kind: 'chunk', digest, offset: 99_500, bytes: Uint8Array.of(1, 2, 3) } },
  ]);
  expect(s.server.isIdle).toBe(true);
});

test('nobody gets more than 1 MiB at a time, nor anything from behind the end', () => {
  const large = { ...meta, bytes: 2 ** 30 };
  const s = new Stage();
  s.lists(large);
  s.gets(2, 0, 2 ** 31);
  expect(s.orders).toMatchObject([{ bytesMax: 1024 * 1024 }]);
  s.gets(2, 2 ** 30);
  expect(s.orders).toHaveLength(1);
});

test('what is not here is gone', () => {
  const s = new Stage();
  s.gets(2, 0, 100, 'ff'.repeat(32));
  expect(s.said).toEqual([{ to: 2, word: { kind: 'gone', digest: 'ff'.repeat(32) } }]);
});

test('a peer that asks for too much at a time gets the first of it; twice is once', () => {
  const s = new Stage({ asksPerPeerMax: 3, readsMax: 2 });
  for (const offset of [0, 0, 1_000, 2_000, 3_000]) s.gets(2, offset);
  expect(s.tickets).toEqual([1, 2]);
  s.reads(1);
  s.reads(2);
  s.reads(3);
  expect(s.tickets).toEqual([1, 2, 3]);
  expect(s.server.isIdle).toBe(true);
});

test('no more than readsMax chunks are read at a time, whoever waits', () => {
  const s = new Stage({ readsMax: 2 });
  for (const peer of [2, 3, 4]) s.gets(peer, 0);
  expect(s.tickets).toEqual([1, 2]);
  s.reads(2);
  expect(s.tickets).toEqual([1, 2, 3]);
});

test('no more bytes are given in a second than may be, over all peers', () => {
  const s = new Stage({ bytesPerSecondMax: 10_000, readsMax: 1_000, asksPerPeerMax: 1_000 });
  for (let i = 0; i < 50; i += 1) for (const peer of [2, 3]) s.gets(peer, i * 1_000);
  for (let ms = 0; ms < 3_000; ms += 10) s.passes(10);
  expect(s.tickets.length * 1_000).toBeLessThanOrEqual(3 * 10_000 + 1_000 + 1_000);
  expect(s.tickets.length * 1_000).toBeGreaterThanOrEqual(3 * 10_000);
});

test('a request larger than what a moment allows is not starved', () => {
  const allowance = new Allowance(1_000);
  expect(allowance.take(5_000, 0)).toBe(true);
  expect(allowance.take(1, 4_000)).toBe(false);
  expect(allowance.take(1, 5_000)).toBe(true);
});

test('a clock that stands still gives nothing, and no limit is no limit', () => {
  expect(new Allowance(0).take(2 ** 40, 0)).toBe(true);
  const allowance = new Allowance(1_000);
  allowance.take(1_000, 0);
  expect(allowance.take(1, 0)).toBe(false);
});

test('what is being read is still offered and given when it is not listed any more', () => {
  const s = new Stage();
  s.gets(2, 0);
  s.lists(older);
  s.said = [];
  s.gets(2, 1_000);
  s.hears(3, { kind: 'ask', need: 1, for: 'state' });
  expect(s.tickets).toEqual([1, 2]);
  expect(s.said).toMatchObject([{ to: 3, word: { snapshots: [meta, older] } }]);
});

test('who is done lets go of it; the log behind it stays for pinMs', () => {
  const s = new Stage({ pinMs: 60_000 });
  s.gets(2, 0);
  s.hears(2, { kind: 'done', digest });
  expect(s.released).toEqual([digest]);
  expect(s.server.pinned).toEqual([10]);
  s.passes(59_999);
  expect(s.server.pinned).toEqual([10]);
  s.passes(1);
  expect(s.server.pinned).toEqual([]);
  expect(s.released).toEqual([digest]);
});

test('it is let go of when the last one that reads it is done', () => {
  const s = new Stage();
  s.gets(2, 0);
  s.gets(3, 0);
  s.hears(2, { kind: 'done', digest });
  expect(s.released).toEqual([]);
  s.hears(3, { kind: 'done', digest });
  expect(s.released).toEqual([digest]);
});

test('who makes no progress holds nothing for ever; who does, does', () => {
  const s = new Stage({ pinMs: 60_000 });
  for (let i = 0; i < 5; i += 1) {
    s.gets(2, i * 1_000);
    s.reads(i + 1);
    s.passes(50_000);
  }
  expect(s.released).toEqual([]);
  s.gets(2, 0);
  s.passes(10_000);
  expect(s.released).toEqual([digest]);
  expect(s.server.pinned).toEqual([]);
});

test('who asks for another one lets go of the first', () => {
  const s = new Stage();
  s.gets(2, 0);
  s.gets(2, 0, 100, older.digest);
  expect(s.released).toEqual([digest]);
  expect(s.server.pinned).toEqual([5]);
});

test('when too many are read, one more is refused at once: it may be had elsewhere', () => {
  const s = new Stage({ pinsMax: 1 });
  s.gets(2, 0);
  s.gets(3, 0, 100, older.digest);
  expect(s.said).toEqual([{ to: 3, word: { kind: 'gone', digest: older.digest } }]);
  s.hears(2, { kind: 'done', digest });
  s.gets(3, 0, 100, older.digest);
  expect(s.server.pinned).toEqual([5]);
});

test('what cannot be read is gone for everybody who waits for it', () => {
  const s = new Stage({ readsMax: 2 });
  for (const peer of [2, 3, 4]) s.gets(peer, 0);
  s.fails(1);
  expect(s.said.map(({ to, word }) => [to, word.kind])).toEqual([
    [2, 'gone'],
    [4, 'gone'],
    [3, 'gone'],
  ]);
  expect(s.released).toEqual([digest]);
  s.reads(2);
  expect(s.said).toHaveLength(3);
  expect(s.server.isIdle).toBe(true);
});

test('a peer that cannot be reached is read nothing for; its snapshot stays', () => {
  const s = new Stage({ readsMax: 1 });
  s.gets(2, 0);
  s.gets(2, 1_000);
  s.loses(2);
  s.reads(1);
  expect(s.said).toEqual([]);
  expect(s.tickets).toEqual([1]);
  expect(s.server.pinned).toEqual([10]);
  expect(s.released).toEqual([]);
});
