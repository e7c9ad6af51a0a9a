import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type PolicyOptions, SavePolicy } from './save-policy.ts';

const off: PolicyOptions = {
  compareEverySlots: 0,
  everyBytes: 0,
  everyMs: 0,
  everySlots: 0,
  followersOnly: false,
};
const policyOf = (options: Partial<PolicyOptions>): SavePolicy =>
  new SavePolicy({ ...off, ...options });

/** The slots after which it saves, a slot a millisecond, each of so many bytes. */
function savesOf(policy: SavePolicy, slots: number, bytes = 10): number[] {
  const saves: number[] = [];
  for (let slot = 1; slot <= slots; slot += 1) {
    policy.executed(slot, bytes, 1_000 + slot);
    if (!policy.isDue) continue;
    policy.saved(slot, 1_000 + slot);
    saves.push(slot);
  }
  return saves;
}

describe('what is due', () => {
  test('nothing is, when everything is off', () => {
    expect(savesOf(policyOf({}), 1_000)).toEqual([]);
  });

  test('after so many slots, bytes, or milliseconds of group time', () => {
    expect(savesOf(policyOf({ everySlots: 30 }), 100)).toEqual([30, 60, 90]);
    expect(savesOf(policyOf({ everyBytes: 250 }), 100)).toEqual([25, 50, 75, 100]);
    expect(savesOf(policyOf({ everyMs: 40 }), 100)).toEqual([40, 80]);
    expect(savesOf(policyOf({ everySlots: 30, everyBytes: 250 }), 60)).toEqual([25, 30, 55, 60]);
  });

  test('after a slot after which all save, whatever the place; not a slot later', () => {
    const common = { compareEverySlots: 40, everySlots: 1_000 };
    for (const place of [0, 1, 2]) {
      const policy = policyOf(common);
      policy.stagger(place, 3);
      expect(savesOf(policy, 100)).toEqual([40, 80]);
    }
    const late = policyOf(common);
    late.executed(40, 10, 1_040);
    expect([late.isCommon(40), late.isDue]).toEqual([true, true]);
    late.executed(41, 10, 1_041);
    expect([late.isCommon(41), late.isDue]).toEqual([false, false]);
    late.stop(true);
    late.executed(80, 10, 1_080);
    expect(late.isDue).toBe(false);
  });

  test('group time before the first slot that was seen counts for nothing', () => {
    const policy = policyOf({ everyMs: 1_000 });
    policy.executed(1, 1, 1_700_000_000_500);
    expect(policy.isDue).toBe(false);
    policy.executed(2, 1, 1_700_000_001_000);
    expect(policy.isDue).toBe(true);
  });

  test('it stays due until it is done', () => {
    const policy = policyOf({ everySlots: 10 });
    for (const slot of [10, 11, 12]) {
      policy.executed(slot, 1, slot);
      expect(policy.isDue).toBe(true);
    }
    policy.saved(12, 12);
    expect(policy.isDue).toBe(false);
  });

  test('after what was loaded it goes on, not from the first slot', () => {
    const policy = policyOf({ everySlots: 100, everyMs: 100 });
    policy.saved(1_050, 5_050);
    policy.executed(1_051, 1, 5_051);
    expect(policy.isDue).toBe(false);
    policy.executed(1_100, 1, 5_099);
    expect(policy.isDue).toBe(true);
  });

  test('what is missing is due at once, unless the operator has stopped it', () => {
    const policy = policyOf({});
    policy.missing();
    expect(policy.isDue).toBe(true);
    policy.stop(true);
    expect(policy.isDue).toBe(false);
    policy.stop(false);
    policy.saved(1, 1);
    expect(policy.isDue).toBe(false);
  });

  test('a leader leaves it to followers only if it is told to, and has some', () => {
    const policy = policyOf({ everySlots: 1, followersOnly: true });
    policy.executed(1, 1, 1);
    policy.leads(true);
    expect(policy.isDue).toBe(true);
    policy.stagger(0, 3);
    expect(policy.isDue).toBe(false);
    policy.leads(false);
    expect(policy.isDue).toBe(true);
  });
});

describe('members are staggered', () => {
  const members = fc.integer({ min: 1, max: 9 });
  const everySlots = fc.integer({ min: 9, max: 200 });
  const everyBytes = fc.integer({ min: 200, max: 2_000 });

  test('no two save after the same slot, and none waits longer than an interval', () => {
    const check = (count: number, every: number): void => {
      const all = Array.from({ length: count }, (_, place) => {
        const policy = policyOf({ everySlots: every });
        policy.stagger(place, count);
        return savesOf(policy, 1_000);
      });
      const slots = all.flat();
      expect(new Set(slots).size).toBe(slots.length);
      for (const saves of all) {
        const steps = saves.map((slot, i) => slot - (saves[i - 1] ?? 0));
        expect(Math.max(...steps)).toBeLessThanOrEqual(every);
      }
    };
    fc.assert(fc.property(members, everySlots, check));
  });

  test('by bytes too, from the first save on', () => {
    const check = (count: number, every: number): void => {
      const all = Array.from({ length: count }, (_, place) => {
        const policy = policyOf({ everyBytes: every });
        policy.stagger(place, count);
        return savesOf(policy, 500, 1);
      });
      const slots = all.flat();
      expect(new Set(slots).size).toBe(slots.length);
      for (const saves of all) {
        const steps = saves.map((slot, i) => slot - (saves[i - 1] ?? 0));
        expect(Math.max(0, ...steps)).toBeLessThanOrEqual(every);
      }
    };
    fc.assert(fc.property(members, everyBytes, check));
  });
});

test.runIf(CONTRACTS)('policy-1 a member has a place among members', () => {
  expect(() => policyOf({}).stagger(3, 3)).toThrow('policy-1');
});
