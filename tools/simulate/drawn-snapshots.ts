import { memorySnapshots, SeededRandom, type SimLayers } from '@rsl/core/testing';
import { type SnapshotsOptions, snapshots } from '@rsl/snapshot';

const KiB = 1024;

/**
 * How one seed's replicas keep snapshots: so often, and so little of the log, that saves, cuts,
 * fetches and installs happen all the time; some of them differ from one replica to the next.
 */
export function snapshotsOf(seed: number): SimLayers {
  const group = new SeededRandom(seed).fork('snapshots');
  const shared = {
    chunkBytes: group.pick([512, 4 * KiB]),
    windowChunks: group.pick([1, 4, 16]),
    askMs: 200,
    gatherMs: group.pick([1, 100]),
    askAgainMs: 200,
    stallMs: 500,
    giveUpMs: 2_000,
    pinMs: group.pick([2_000, 20_000]),
    pinsMax: group.pick([1, 4]),
    saveAgainMs: 500,
    writeAgainMs: 300,
    followersOnly: group.chance(20),
    copyAfterSlots: group.pick([0, 0, 100]),
    compareEverySlots: group.pick([0, 10, 50]),
  };
  return ({ id, pace, shelf }) => {
    const own = group.fork(`replica ${id}`);
    const options: Omit<SnapshotsOptions, 'store'> = {
      ...shared,
      everySlots: own.pick([3, 20, 20, 100]),
      everyBytes: own.pick([0, 2 * KiB, 64 * KiB]),
      everyMs: own.pick([0, 0, 3_000]),
      keep: own.pick([1, 2, 3]),
      retainSlots: own.pick([0, 0, 10, 200]),
      retainBytes: own.pick([0, 16 * KiB, 1_024 * KiB]),
      spareSnapshots: own.pick([0, 1]),
      // With less than is executed during a copy, whoever fetches is behind again, for ever.
      keepSlotsMax: own.pick([1_000, 10_000]),
      bytesPerSecondMax: own.pick([0, 0, 64 * KiB]),
    };
    shelf.snapshotsMax = options.keep ?? 0;
    return [snapshots({ store: memorySnapshots(shelf, pace), ...options })];
  };
}
