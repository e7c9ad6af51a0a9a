import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Indexed, SlotIndex } from './slot-index.ts';

const place = (slot: number, round: number, offset: number): Indexed => ({
  slot,
  ballot: round === 0 ? undefined : { configuration: 1, round, proposer: 2 },
  segment: 7,
  offset,
  length: offset % 11,
  checksum: offset * 3,
  copied: offset % 2 === 1,
});

type Step =
  | { readonly kind: 'put'; readonly slot: number; readonly round: number }
  | { readonly kind: 'forget'; readonly before: number }
  | { readonly kind: 'drop'; readonly through: number };

const slot = fc.oneof(
  { weight: 9, arbitrary: fc.integer({ min: 1, max: 60 }) },
  { weight: 1, arbitrary: fc.integer({ min: 2 ** 40, max: 2 ** 53 - 1 }) },
);
const steps = fc.array(
  fc.oneof(
    {
      weight: 12,
      arbitrary: fc.record({
        kind: fc.constant('put' as const),
        slot,
        round: fc.nat({ max: 40 }),
      }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('forget' as const), before: slot }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('drop' as const), through: slot }) },
  ),
  { maxLength: 200, size: 'max' },
);

/** The same with a map. */
function check(given: readonly Step[]): void {
  const index = new SlotIndex();
  const model = new Map<number, Indexed>();
  const left = (isGone: (value: Indexed) => boolean) => {
    const gone = [...model.values()].filter(isGone);
    for (const value of gone) model.delete(value.slot);
    return gone.toSorted((a, b) => a.slot - b.slot);
  };
  given.forEach((step, i) => {
    if (step.kind === 'put') {
      const value = place(step.slot, step.round, i + 1);
      expect(index.put(value)).toEqual(model.get(step.slot));
      model.set(step.slot, value);
      return;
    }
    const gone: Indexed[] = [];
    const isForget = step.kind === 'forget';
    if (isForget) index.forget(step.before, (value) => gone.push(value));
    else index.dropVotesAbove(step.through, (value) => gone.push(value));
    expect(gone).toEqual(
      isForget
        ? left((value) => value.slot < step.before)
        : left((value) => value.slot > step.through && value.ballot !== undefined),
    );
  });
  const wanted = [...model.values()].toSorted((a, b) => a.slot - b.slot);
  expect([...index.values()]).toEqual(wanted);
  expect(index.size).toBe(wanted.length);
  for (let at = 0; at <= 61; at++) expect(index.find(at)).toEqual(model.get(at));
}

test('an index finds what was put last, whatever was put, forgotten and dropped', () => {
  fc.assert(fc.property(steps, check), { numRuns: 300 });
});

test('slots that rise and leave in front take no more room than those that are there', () => {
  const index = new SlotIndex();
  for (let at = 1; at <= 100_000; at++) {
    index.put(place(at, (at % 1000) + 1, at));
    if (at > 100) index.forget(at - 100, () => {});
  }
  expect(index.size).toBe(101);
  expect([...index.values()].map((value) => value.slot)[0]).toBe(99_900);
});
