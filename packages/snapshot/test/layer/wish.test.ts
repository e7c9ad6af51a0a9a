import { expect, test } from 'vitest';
import { Sources } from '../../src/layer/sources.ts';
import { Wish } from '../../src/layer/wish.ts';
import { wholeOf } from './fake-keeper.ts';
import { membershipOf } from './world.ts';

const metaAt = (slot: number) => wholeOf(slot, 100, membershipOf([1, 2])).meta;

function stage(releasedThrough = 0) {
  const sources = new Sources(() => 0);
  const wish = new Wish({ giveUpMs: 1_000, releasedThrough: () => releasedThrough });
  return { sources, wish };
}

test('what does not cover the slot that is needed, or goes back, does not serve', () => {
  const { wish } = stage(90);
  expect(wish.serves(metaAt(100))).toBe(false);
  wish.goal = { need: 95, for: 'state' };
  expect(wish.serves(metaAt(94))).toBe(false);
  expect(wish.serves(metaAt(95))).toBe(true);
  wish.goal = { need: 80, for: 'state' };
  expect(wish.serves(metaAt(90))).toBe(false);
  wish.goal = { need: 80, for: 'store' };
  expect(wish.serves(metaAt(90))).toBe(true);
});

test('the newest that serves is chosen of those that the best source has', () => {
  const { sources, wish } = stage();
  wish.goal = { need: 10, for: 'state' };
  expect(wish.choose(sources, 0)).toBeUndefined();
  sources.onHave(1, [metaAt(300)], true);
  sources.onHave(2, [metaAt(200), metaAt(100), metaAt(5)], false);
  expect(wish.choose(sources, 0)).toEqual({ from: 2, meta: metaAt(200) });
});

test('what was begun is chosen before all others, and waited for until giveUpMs', () => {
  const { sources, wish } = stage();
  wish.goal = { need: 10, for: 'state' };
  sources.onHave(2, [metaAt(200), metaAt(100)], false);
  wish.begun(metaAt(100), 0);
  expect(wish.choose(sources, 0)?.meta.slot).toBe(100);
  sources.gone(2, metaAt(100).digest);
  expect(wish.choose(sources, 999)).toBeUndefined();
  expect(wish.choose(sources, 1_000)?.meta.slot).toBe(200);
});

test('what is wanted anew is waited for anew', () => {
  const { sources, wish } = stage();
  wish.goal = { need: 10, for: 'state' };
  sources.onHave(2, [metaAt(200)], false);
  wish.begun(metaAt(100), 0);
  wish.renew();
  expect(wish.choose(sources, 5_000)).toBeUndefined();
  expect(wish.choose(sources, 5_999)).toBeUndefined();
  expect(wish.choose(sources, 6_000)?.meta.slot).toBe(200);
});

test('what was begun and does not serve any more is waited for no longer', () => {
  const { sources, wish } = stage(150);
  wish.goal = { need: 151, for: 'state' };
  sources.onHave(2, [metaAt(200), metaAt(100)], false);
  wish.begun(metaAt(100), 0);
  expect(wish.choose(sources, 0)?.meta.slot).toBe(200);
});

test('a leader is asked when the others have failed three times more, and not before', () => {
  const sources = new Sources(() => 0);
  sources.onHave(1, [metaAt(100)], true);
  sources.onHave(2, [metaAt(100)], false);
  const { digest } = metaAt(100);
  for (let i = 0; i < 3; i += 1) {
    expect(sources.giverOf(digest)).toBe(2);
    sources.failed(2);
  }
  sources.failed(2);
  expect(sources.giverOf(digest)).toBe(1);
  sources.forget(1);
  expect(sources.giverOf(digest)).toBe(2);
});

test('of equal sources any may be drawn', () => {
  const drawn = [0, 1].map((n) => {
    const sources = new Sources(() => n);
    sources.onHave(1, [metaAt(100)], false);
    sources.onHave(2, [metaAt(100)], false);
    return sources.giverOf(metaAt(100).digest);
  });
  expect(drawn).toEqual([1, 2]);
});

test('no more sources are remembered than any group has', () => {
  const sources = new Sources(() => 0);
  for (let id = 1; id <= 300; id += 1) sources.onHave(id, [metaAt(id)], false);
  expect(sources.best(() => true)?.meta.slot).toBe(256);
});
