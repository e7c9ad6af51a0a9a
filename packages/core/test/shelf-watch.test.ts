import { DigestMachine, MemoryShelf } from '@rsl/core/testing';
import { expect, test } from 'vitest';
import { MemoryDisk } from '../src/testing/memory-disk.ts';
import { ShelfWatch } from '../src/testing/shelf-watch.ts';
import type { SimProcess } from '../src/testing/sim-process.ts';
import { type SeenState, Witness } from '../src/testing/witness.ts';

/** A process that is nothing but its media, and who watches it. */
function watched() {
  const process = { id: 1, disk: new MemoryDisk(), shelf: new MemoryShelf() } as SimProcess;
  const watch = new ShelfWatch();
  watch.onMedium(process, (run) => run());
  const { disk, shelf } = process;
  const keep = (slot: number): void => {
    const membership = { group: 'g', number: 1, firstSlot: 1, members: [], previous: [] };
    const meta = { slot, membership, layout: 1, bytes: 9, digest: `${slot}` };
    shelf.put({ meta, bytes: new Uint8Array(9) });
    shelf.on.committed('save');
  };
  return { process, watch, disk, shelf, keep };
}

test('a log that is cut beyond its snapshots is found out', () => {
  const { disk, keep } = watched();
  keep(10);
  disk.truncate(11);
  expect(() => disk.truncate(12)).toThrow(/cuts its log before 12, and has a snapshot of 10/);
});

for (const why of ['discarded', 'condemned'] as const) {
  test(`whoever gives up what its log goes on behind is found out: ${why}`, () => {
    const { disk, keep, shelf } = watched();
    keep(10);
    keep(20);
    disk.truncate(15);
    shelf.remove([10], why);
    expect(() => shelf.remove([20], why)).toThrow(/gives its snapshots of 20 up/);
  });
}

test('the last good snapshot behind which a log goes on is never lost', () => {
  const { disk, keep, shelf } = watched();
  keep(10);
  keep(20);
  disk.truncate(11);
  shelf.damage(20, 1);
  expect(shelf.soundSlots).toEqual([10]);
  disk.truncate(12);
  expect(shelf.soundSlots).toEqual([10, 20]);
});

test('more snapshots than the options say are found out', () => {
  const { keep, shelf } = watched();
  shelf.snapshotsMax = 1;
  for (const slot of [1, 2, 3]) keep(slot);
  expect(() => keep(4)).toThrow('has 4 snapshots, beyond 3');
});

test('a state that nobody saved, and two that differ after the same slots, are found out', () => {
  const { process } = watched();
  const seen: SeenState = { slot: 3, digest: 7, state: 1 };
  process.onState('saved', seen);
  process.onState('loaded', seen);
  expect(() => process.onState('loaded', { ...seen, state: 2 })).toThrow(/that nobody had/);
  expect(() => process.onState('loaded', { ...seen, slot: 4 })).toThrow(/that nobody had/);
  expect(() => process.onState('saved', { ...seen, state: 2 })).toThrow(/differs \(P7\)/);
});

test('a witness says the same of a state when it is saved and when it is loaded', async () => {
  const seen: [string, SeenState][] = [];
  const witness = (): Witness =>
    new Witness(
      new DigestMachine(),
      () => {},
      (what, state) => void seen.push([what, state]),
    );
  const from = witness();
  Object.assign(from, { slot: 5, digest: 6 });
  await witness().load(from.save());
  expect(seen.map(([what]) => what)).toEqual(['saved', 'loaded']);
  expect(seen[1]?.[1]).toEqual(seen[0]?.[1]);
});
