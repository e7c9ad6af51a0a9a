import fc from 'fast-check';
import { expect, test } from 'vitest';
import { SlotTable, type StoredAt } from './slot-table.ts';

const entry = (slot: number, round: number | undefined, offset: number): StoredAt => ({
  slot,
  ballot: round === undefined ? undefined : { configuration: 1, round, proposer: 1 },
  offset,
  length: offset % 1000,
  checksum: slot ^ offset,
});

test('finds the newest vote of a slot, or its decided value, in whatever order they came', () => {
  const adds = fc.array(
    fc.record({ slot: fc.integer({ min: 1, max: 300 }), kind: fc.integer({ min: 0, max: 9 }) }),
    { maxLength: 400 },
  );
  fc.assert(
    fc.property(adds, fc.boolean(), (given, rising) => {
      const table = new SlotTable();
      const model = new Map<number, StoredAt>();
      given.forEach(({ slot: drawn, kind }, i) => {
        const slot = rising ? i + 1 : drawn;
        const added = entry(slot, kind === 0 ? undefined : i, i);
        table.add(added);
        const before = model.get(slot);
        const keeps =
          before !== undefined && before.ballot === undefined && added.ballot !== undefined;
        if (!keeps) model.set(slot, added);
      });
      for (let slot = 0; slot <= 401; slot++) expect(table.find(slot)).toEqual(model.get(slot));
    }),
    { numRuns: 100 },
  );
});

test('slots far apart', () => {
  const table = new SlotTable();
  const slots = [1, 2, 5, 1_000_000, 2 ** 40, Number.MAX_SAFE_INTEGER];
  slots.forEach((slot, i) => table.add(entry(slot, 1, i)));
  for (const slot of slots) expect(table.find(slot)?.slot).toBe(slot);
  for (const slot of [0, 3, 6, 999_999, 2 ** 40 + 1]) expect(table.find(slot)).toBeUndefined();
});
