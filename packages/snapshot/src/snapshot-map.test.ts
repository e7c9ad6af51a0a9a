import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type FrozenMap, SnapshotMap } from './snapshot-map.ts';

/** Enough keys for many shards, each of them used now and then. */
const keysMax = 25_000;

type Step =
  | { readonly kind: 'set' | 'delete'; readonly from: number; readonly count: number }
  | { readonly kind: 'clear' | 'freeze' | 'close' }
  | { readonly kind: 'walk'; readonly count: number };

const someKeys = { from: fc.nat(keysMax), count: fc.integer({ min: 1, max: 8_000 }) };
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('set' as const), ...someKeys }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('delete' as const), ...someKeys }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('freeze' as const) }) },
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constant('walk' as const), count: fc.nat(12_000) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constantFrom('clear' as const, 'close' as const) }),
  },
);

interface Walk {
  readonly view: FrozenMap<string | number, number>;
  readonly entries: Iterator<[string | number, number]>;
  readonly expected: ReadonlyMap<string | number, number>;
  readonly found: Map<string | number, number>;
}

const keyOf = (n: number): string | number => (n % 3 === 0 ? n : `key-${n}-${'x'.repeat(n % 70)}`);

test('a view shows what the map held when it was frozen, whatever is done to the map', () => {
  let walked = 0;
  const property = fc.property(fc.array(step, { maxLength: 24 }), (steps) => {
    const map = new SnapshotMap<string | number, number>();
    const model = new Map<string | number, number>();
    const walks: Walk[] = [];
    let value = 0;
    const advance = (walk: Walk, count: number): boolean => {
      for (let i = 0; i < count; i += 1) {
        const next = walk.entries.next();
        if (next.done === true) {
          expect(walk.found.size).toBe(walk.expected.size);
          expect(same(walk.found, walk.expected)).toBe(true);
          walked += 1;
          return true;
        }
        expect(walk.found.has(next.value[0])).toBe(false);
        walk.found.set(...next.value);
      }
      return false;
    };
    const run = (one: Step): void => {
      if (one.kind === 'set' || one.kind === 'delete') {
        for (let n = one.from; n < one.from + one.count; n += 1) {
          const key = keyOf(n % keysMax);
          value += 1;
          if (one.kind === 'set') {
            map.set(key, value);
            model.set(key, value);
          } else expect(map.delete(key)).toBe(model.delete(key));
        }
      } else if (one.kind === 'clear') {
        map.clear();
        model.clear();
      } else if (one.kind === 'freeze') {
        const view = map.freeze();
        const entries = view[Symbol.iterator]();
        walks.push({ view, entries, expected: new Map(model), found: new Map() });
      } else if (one.kind === 'close') walks.shift()?.view.close();
      else if (one.kind === 'walk' && walks[0] !== undefined) {
        if (advance(walks[0], one.count)) walks.shift();
      }
    };
    for (const one of steps) {
      run(one);
      expect(map.size).toBe(model.size);
    }
    for (const walk of walks) advance(walk, Infinity);
    expect(same(new Map(map), model)).toBe(true);
    for (let n = 0; n < keysMax; n += 37) {
      expect(map.get(keyOf(n))).toBe(model.get(keyOf(n)));
      expect(map.has(keyOf(n))).toBe(model.has(keyOf(n)));
    }
  });
  fc.assert(property, { numRuns: 60 });
  expect(walked).toBeGreaterThan(20);
}, 60_000);

test('equal maps are walked in the same order, whatever became of them before', () => {
  const property = fc.property(
    fc.nat(keysMax),
    fc.integer({ min: 1, max: 4_000 }),
    fc.boolean(),
    (from, count, isViewed) => {
      const keys = Array.from({ length: count }, (_, i) => keyOf((from + i) % keysMax));
      const one = new SnapshotMap<string | number, number>();
      for (const key of keys) one.set(key, 1);
      const other = new SnapshotMap<string | number, number>();
      const view = isViewed ? other.freeze() : undefined;
      for (let n = 0; n < keysMax / 2; n += 1) other.set(keyOf(n), 0);
      for (const key of [...keys].reverse()) other.set(key, 1);
      const walked = other.freeze();
      const now = [...other];
      for (const [key, value] of now) {
        if (value === 0) other.delete(key);
        else if (isViewed) other.set(key, 2);
      }
      const expected = [...one].map(([key]) => key);
      expect([...other].map(([key]) => key)).toEqual(expected);
      expect([...one.freeze()].map(([key]) => key)).toEqual(expected);
      const frozen = [...walked].filter(([, value]) => value === 1);
      expect(frozen.map(([key]) => key)).toEqual(expected);
      expect([...(view ?? [])]).toEqual([]);
    },
  );
  fc.assert(property, { numRuns: 15 });
}, 60_000);

test('the order is the same however many shards there are', () => {
  const few = new SnapshotMap<number, number>();
  for (let n = 0; n < 40_000; n += 1) few.set(n, n);
  const many = new SnapshotMap<number, number>();
  for (let n = 200_000; n >= 0; n -= 1) many.set(n, n);
  for (let n = 40_000; n <= 200_000; n += 1) many.delete(n);
  expect([...many]).toEqual([...few]);
  expect([...many.freeze()]).toEqual([...few]);
});

test('keys with one hash are walked in the order of their texts', () => {
  // Of long keys only the two ends and the length are hashed.
  const keyed = (n: number): string => 'x'.repeat(30) + String(n).padStart(9, '0') + 'x'.repeat(30);
  const keys = Array.from({ length: 3_000 }, (_, n) => keyed((n * 7_919) % 3_000));
  const map = new SnapshotMap<string, number>();
  for (const key of keys) map.set(key, 1);
  expect([...map.freeze()].map(([key]) => key)).toEqual([...keys].sort());
});

test('a map is split also while a view is open, and the view does not see it', () => {
  const map = new SnapshotMap<number, number>();
  for (let n = 0; n < 3_000; n += 1) map.set(n, n);
  const expected = [...map];
  const walk = map.freeze()[Symbol.iterator]() as IterableIterator<[number, number]>;
  const found = [walk.next().value];
  for (let n = 2_000; n < 100_000; n += 1) map.set(n, -n);
  for (let n = 0; n < 1_500; n += 1) map.delete(n);
  found.push(...walk);
  expect(found).toEqual(expected);
  expect(map.size).toBe(98_500);
  expect([...map.freeze()].length).toBe(98_500);
});

test('a view is walked once', () => {
  const view = new SnapshotMap<string, number>().set('a', 1).freeze();
  expect([...view]).toEqual([['a', 1]]);
  expect(() => [...view]).toThrow('once');
});

const same = <K, V>(a: ReadonlyMap<K, V>, b: ReadonlyMap<K, V>): boolean =>
  a.size === b.size && [...a].every(([key, value]) => b.get(key) === value);
