import type { Effect, ReplicaId, Slot } from '@rsl/core/protocol';
import { expect, test } from 'vitest';
import { Comparing } from '../../src/layer/comparing.ts';
import { LayerOutbox } from '../../src/layer/layer-outbox.ts';
import type { Order, StateDigest, Word } from '../../src/words.ts';
import { membershipOf } from './world.ts';

/** Replica 1 of so many. */
class Stage {
  readonly #out = new LayerOutbox();
  readonly #comparing: Comparing;
  said: { to: ReplicaId; word: Word }[] = [];
  orders: Order[] = [];

  constructor(members: number) {
    const ids = Array.from({ length: members }, (_, i) => i + 1);
    const membership = membershipOf(ids);
    const peers = () => ids.slice(1);
    this.#comparing = new Comparing({ self: 1, peers, membership: () => membership });
  }

  own(slot: Slot, digest: string): this {
    this.#comparing.onOwn(of(slot, digest), this.#out);
    return this.#take();
  }

  hears(from: ReplicaId, slot: Slot, digest: string, layout = 1): this {
    this.#comparing.onPeer(from, of(slot, digest, layout), this.#out);
    return this.#take();
  }

  connects(peer: ReplicaId): this {
    this.#comparing.onConnected(peer, this.#out);
    return this.#take();
  }

  get verdicts(): unknown[] {
    return this.orders.map((one) => one.kind === 'diverged' && [one.verdict, one.others]);
  }

  #take(): this {
    for (const effect of this.#out.take() as Effect[]) {
      if (effect.kind === 'layer-send') {
        this.said.push({ to: effect.to, word: effect.message as Word });
      } else if (effect.kind === 'layer-order') this.orders.push(effect.order as Order);
    }
    return this;
  }
}

const of = (slot: Slot, digest: string, layout = 1): StateDigest => ({ slot, layout, digest });

test('what is equal is no news, whoever says it first', () => {
  const s = new Stage(3).hears(2, 10, 'a').own(10, 'a').hears(3, 10, 'a').own(20, 'b');
  expect(s.hears(2, 20, 'b').orders).toEqual([]);
});

test('whoever differs from a quorum is told so', () => {
  expect(new Stage(3).own(10, 'a').hears(2, 10, 'b').hears(3, 10, 'b').verdicts).toEqual([
    ['unknown', [2]],
    ['here', [2, 3]],
  ]);
  expect(new Stage(3).hears(2, 10, 'b').hears(3, 10, 'b').own(10, 'a').verdicts).toEqual([
    ['here', [2, 3]],
  ]);
});

test('whoever is of the quorum is told who differs, once', () => {
  const s = new Stage(3).own(10, 'a').hears(2, 10, 'a').hears(3, 10, 'b').hears(3, 10, 'b');
  expect(s.verdicts).toEqual([['elsewhere', [3]]]);
});

test('without a quorum that agrees nobody is right: an alarm, and nobody stops', () => {
  expect(new Stage(2).own(10, 'a').hears(2, 10, 'b').verdicts).toEqual([['unknown', [2]]]);
  const three = new Stage(3).own(10, 'a').hears(2, 10, 'b').hears(3, 10, 'c');
  expect(three.verdicts).toEqual([['unknown', [2]]]);
  const five = new Stage(5).own(10, 'a').hears(2, 10, 'b').hears(3, 10, 'b').hears(4, 10, 'a');
  expect(five.verdicts.every((one) => Array.isArray(one) && one[0] === 'unknown')).toBe(true);
});

test('whoever has no vote counts for no quorum, and may be wrong', () => {
  const s = new Stage(3).own(10, 'a');
  for (const observer of [7, 8, 9]) s.hears(observer, 10, 'b');
  expect(s.hears(2, 10, 'a').verdicts.at(-1)).toEqual(['elsewhere', [7, 8, 9]]);
  expect(s.verdicts.flat()).not.toContain('here');
});

test('other slots and other layouts are not compared', () => {
  const s = new Stage(3).own(10, 'a').hears(2, 20, 'b').hears(3, 10, 'c', 2);
  expect(s.orders).toEqual([]);
});

test('all peers hear it, and whoever was away hears it when it is back', () => {
  const s = new Stage(3).own(10, 'a');
  const word = { kind: 'digest', slot: 10, layout: 1, digest: 'a' };
  expect(s.said).toEqual([2, 3].map((to) => ({ to, word })));
  s.connects(3);
  expect(s.said.at(-1)).toEqual({ to: 3, word });
});

test('only the last ones are remembered, of each and of a bounded number', () => {
  const s = new Stage(3);
  for (let slot = 1; slot <= 9; slot += 1) s.own(slot, 'a');
  s.said = [];
  s.connects(2);
  expect(s.said.map(({ word }) => word.kind === 'digest' && word.slot)).toEqual([6, 7, 8, 9]);
  for (let peer = 1_000; peer < 1_600; peer += 1) s.hears(peer, 9, 'b');
  const last = s.orders.at(-1);
  expect(last?.kind === 'diverged' && last.verdict).toBe('unknown');
});
