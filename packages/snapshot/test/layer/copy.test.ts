import type { Effect } from '@rsl/core/protocol';
import { expect, test } from 'vitest';
import { Copy } from '../../src/layer/copy.ts';
import { LayerOutbox } from '../../src/layer/layer-outbox.ts';
import { Sources } from '../../src/layer/sources.ts';
import type { Order, Word } from '../../src/words.ts';
import { wholeOf } from './fake-keeper.ts';
import { membershipOf } from './world.ts';

const { meta } = wholeOf(10, 1_000, membershipOf([1, 2, 3]));
const options = { chunkBytes: 100, windowChunks: 3, askAgainMs: 500, stallMs: 2_000 };
const bytes = (length: number): Uint8Array => new Uint8Array(length);

/** A copy of 1,000 bytes whose store has begun it; replicas 1 and 2 have all of them. */
class Stage {
  readonly sources = new Sources(() => 0);
  readonly out = new LayerOutbox();
  readonly copy: Copy;
  nowMs = 0;

  constructor(...having: number[]) {
    for (const id of having) this.sources.onHave(id, [meta], false);
    this.copy = new Copy({ meta, ticket: 1 }, this.sources, options, 0);
    this.copy.onCopying(0, 0, this.out);
  }

  /** Whom it has asked since, and for what. */
  asks(): [to: number, offset: number][] {
    return this.#effects().flatMap((effect) => {
      if (effect.kind !== 'layer-send') return [];
      const word = effect.message as Word & { kind: 'get' };
      return [[effect.to, word.offset] as [number, number]];
    });
  }

  orders(): string[] {
    return this.#effects().flatMap((effect) =>
      effect.kind === 'layer-order' ? [(effect.order as Order).kind] : [],
    );
  }

  passes(ms: number): void {
    this.nowMs += ms;
    this.copy.onTick(this.nowMs, this.out);
  }

  chunk(from: number, offset: number): void {
    this.copy.onChunk(from, offset, bytes(100), this.nowMs, this.out);
  }

  #effects(): readonly Effect[] {
    return this.out.take();
  }
}

test('whoever was asked and is lost is replaced by another, for what has not come', () => {
  const s = new Stage(1, 2);
  expect(s.asks()).toEqual([
    [1, 0],
    [1, 100],
    [1, 200],
  ]);
  s.chunk(1, 100);
  s.copy.onLost(2, 0, s.out);
  expect(s.asks()).toEqual([]);
  s.copy.onLost(1, 0, s.out);
  expect(s.asks()).toEqual([
    [2, 0],
    [2, 200],
  ]);
});

test('a chunk from whoever was not asked is not taken; from whoever was, it still is', () => {
  const s = new Stage(1, 2);
  s.chunk(3, 0);
  expect(s.orders()).toEqual([]);
  s.copy.onLost(1, 0, s.out);
  s.out.take();
  s.chunk(1, 0);
  expect(s.orders()).toEqual(['write']);
});

test('a source that gives something now and then is not left', () => {
  const s = new Stage(1, 2);
  s.asks();
  for (const offset of [0, 100]) {
    s.passes(1_999);
    s.chunk(1, offset);
  }
  expect(s.asks()).toEqual([]);
  s.passes(2_000);
  expect(s.asks()).toEqual([[2, 200]]);
});

test('a store that is slow is nobody’s fault', () => {
  const s = new Stage(1);
  for (const offset of [0, 100, 200]) s.chunk(1, offset);
  s.out.take();
  s.passes(60_000);
  expect(s.asks()).toEqual([]);
  expect(s.copy.isForsaken(10_000, s.nowMs)).toBe(false);
  s.copy.onWritten(300, s.nowMs, s.out);
  expect(s.asks()).toEqual([
    [1, 300],
    [1, 400],
    [1, 500],
  ]);
});

test('it is forsaken when nobody has given anything for so long, and nobody is about to', () => {
  const s = new Stage(1);
  s.passes(9_999);
  s.passes(0);
  expect(s.copy.isForsaken(10_000, 9_999)).toBe(false);
  // It was asked anew a moment ago: it may be about to give.
  expect(s.copy.isForsaken(10_000, 10_000)).toBe(false);
  expect(s.copy.isForsaken(10_000, 12_000)).toBe(true);
  s.sources.forget(1);
  s.copy.onLost(1, 10_000, s.out);
  expect(s.copy.isForsaken(10_000, 10_000)).toBe(true);
});

test('an empty snapshot is asked of nobody', () => {
  const empty = wholeOf(10, 0, membershipOf([1])).meta;
  const out = new LayerOutbox();
  const copy = new Copy({ meta: empty, ticket: 1 }, new Sources(() => 0), options, 0);
  copy.onCopying(0, 0, out);
  expect(out.take()).toMatchObject([{ kind: 'layer-order', order: { kind: 'commit' } }]);
});

test('it is committed once, when all of it is written', () => {
  const s = new Stage(1);
  for (let offset = 0; offset < 1_000; offset += 100) {
    s.chunk(1, offset);
    s.copy.onWritten(offset + 100, 0, s.out);
  }
  s.passes(10);
  expect(s.orders().filter((kind) => kind === 'commit')).toHaveLength(1);
});
