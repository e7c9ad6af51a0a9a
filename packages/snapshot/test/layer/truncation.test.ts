import fc from 'fast-check';
import { expect, test } from 'vitest';
import { completeLayerOptions, type LayerOptions } from '../../src/layer/layer-options.ts';
import { LogBytes } from '../../src/layer/log-bytes.ts';
import { cutBefore, type Kept } from '../../src/layer/truncation.ts';
import { runs } from './runs.ts';

const options = (given: Partial<LayerOptions> = {}): LayerOptions =>
  completeLayerOptions({ retainSlots: 100, spareSnapshots: 0, keepSlotsMax: 10_000, ...given });

const kept = (given: Partial<Kept> = {}): Kept => ({
  snapshots: [5_000],
  pinned: [],
  executedThrough: 6_000,
  bytes: new LogBytes(),
  ...given,
});

test('without a snapshot the log is never cut', () => {
  expect(cutBefore(kept({ snapshots: [] }), options())).toBe(0);
});

test('below the newest snapshot stays what a follower a little behind may ask for', () => {
  expect(cutBefore(kept(), options())).toBe(4_901);
});

test('what stays for followers is bounded in bytes too', () => {
  const bytes = new LogBytes(1);
  for (let slot = 4_001; slot <= 6_000; slot += 1) bytes.add(slot, 10);
  expect(cutBefore(kept({ bytes }), options({ retainBytes: 200 }))).toBe(4_981);
});

test('what follows a spare snapshot stays, for when the newest turns out to be bad', () => {
  const snapshots = [5_000, 3_000, 1_000];
  expect(cutBefore(kept({ snapshots }), options({ spareSnapshots: 1 }))).toBe(3_001);
  expect(cutBefore(kept({ snapshots }), options({ spareSnapshots: 2 }))).toBe(1_001);
  expect(cutBefore(kept({ snapshots }), options({ spareSnapshots: 9 }))).toBe(1_001);
});

test('what follows a snapshot that a peer copies stays', () => {
  expect(cutBefore(kept({ pinned: [4_000, 2_000] }), options())).toBe(2_001);
});

test('whatever the reason, no more stays than keepSlotsMax and keepBytesMax', () => {
  const reasons = kept({ snapshots: [50_000, 10], pinned: [5], executedThrough: 50_000 });
  expect(cutBefore(reasons, options({ spareSnapshots: 1 }))).toBe(40_001);

  const bytes = new LogBytes(1);
  for (let slot = 40_001; slot <= 50_000; slot += 1) bytes.add(slot, 10);
  const few = options({ spareSnapshots: 1, keepBytesMax: 1_000 });
  expect(cutBefore({ ...reasons, bytes }, few)).toBe(49_901);
});

test('a snapshot that was copied and not installed cuts nothing that was not executed', () => {
  expect(cutBefore(kept({ executedThrough: 700 }), options())).toBe(701);
});

test('nothing above the newest snapshot is cut, and below it no more stays than is said', () => {
  const slot = fc.nat(100_000);
  const some = fc.record({
    snapshots: fc.uniqueArray(slot, { minLength: 1, maxLength: 5 }),
    pinned: fc.array(slot, { maxLength: 5 }),
    executedThrough: slot,
    retainSlots: slot,
    keepSlotsMax: slot,
    spareSnapshots: fc.nat(5),
  });
  const property = fc.property(some, (of) => {
    const { executedThrough, keepSlotsMax, pinned, retainSlots, spareSnapshots } = of;
    const snapshots = of.snapshots.toSorted((a, b) => b - a);
    const newest = snapshots[0] ?? 0;
    const bounds = options({ keepSlotsMax, retainSlots, spareSnapshots });
    const before = cutBefore(kept({ snapshots, pinned, executedThrough }), bounds);
    expect(before).toBeLessThanOrEqual(Math.min(newest, executedThrough) + 1);
    if (executedThrough >= newest) {
      expect(newest + 1 - before).toBeLessThanOrEqual(keepSlotsMax);
    }
  });
  fc.assert(property, runs(20262, 500));
});

test('bytes between slots are counted to within a grain', () => {
  const bytes = new LogBytes(100);
  for (let slot = 1; slot <= 1_000; slot += 1) bytes.add(slot, 7);
  for (const max of [500, 1_000, 3_000]) {
    const first = bytes.firstWithin(max, 900);
    const between = (900 - first + 1) * 7;
    expect(between).toBeLessThanOrEqual(max);
    expect(between).toBeGreaterThan(max - 3 * 107);
  }
});

test('what was counted before the log was cut is not counted again', () => {
  const bytes = new LogBytes(1);
  for (let slot = 1; slot <= 1_000; slot += 1) bytes.add(slot, 10);
  bytes.forget(901);
  expect(bytes.firstWithin(500, 1_000)).toBe(951);
  expect(bytes.firstWithin(9_999, 1_000)).toBeLessThanOrEqual(901);
});

test('nothing counted bounds nothing', () => {
  expect(new LogBytes().firstWithin(0, 100)).toBe(0);
});

test('a log of any length is counted in bounded memory', () => {
  const bytes = new LogBytes(1);
  for (let slot = 1; slot <= 50_000; slot += 1) bytes.add(slot, 10);
  const first = bytes.firstWithin(10_000, 50_000);
  expect(first).toBeGreaterThanOrEqual(49_001);
  expect(first).toBeLessThan(49_100);
});
