import { ensures } from '@rsl/contracts';
import type { Slot } from '@rsl/core/protocol';
import type { LayerOptions } from './layer-options.ts';
import type { LogBytes } from './log-bytes.ts';

/** What decides how much of the log can go. */
export interface Kept {
  /** Of the durable snapshots here, the newest first. */
  readonly snapshots: readonly Slot[];
  /** Of those that peers copy from here, or have just copied. */
  readonly pinned: readonly Slot[];
  readonly executedThrough: Slot;
  readonly bytes: Pick<LogBytes, 'firstWithin'>;
}

type Options = Pick<
  LayerOptions,
  'keepBytesMax' | 'keepSlotsMax' | 'retainBytes' | 'retainSlots' | 'spareSnapshots'
>;

/**
 * The log can be cut before this slot; 0 while there is no snapshot. Above the newest snapshot all
 * stays. Below it stays, within one bound for all reasons together:
 *
 *   - what a follower a little behind may ask for: it learns from the log, not by a snapshot;
 *   - what follows the spare snapshots: one of them is gone on from when the newest turns out bad;
 *   - what follows a snapshot that a peer copies, or has just copied. Without it the peer would
 *     install, miss the next slot, and copy again, for ever.
 *
 * So what lies below the newest snapshot takes at most `keepBytesMax` (of values that were executed
 * since the start) and `keepSlotsMax`; what lies above, what is executed between two saves.
 */
export function cutBefore(kept: Kept, options: Options): Slot {
  const { bytes, executedThrough, pinned, snapshots } = kept;
  const newest = snapshots[0];
  if (newest === undefined) return 0;
  const floorOf = (slotsMax: number, bytesMax: number): Slot =>
    Math.max(newest + 1 - slotsMax, bytes.firstWithin(bytesMax, newest));
  const retained = floorOf(options.retainSlots, options.retainBytes);
  const spare = snapshots[Math.min(options.spareSnapshots, snapshots.length - 1)] ?? newest;
  const wanted = Math.min(retained, spare + 1, ...pinned.map((slot) => slot + 1));
  const floor = floorOf(options.keepSlotsMax, options.keepBytesMax);
  const before = Math.min(Math.max(wanted, floor, 0), newest + 1, executedThrough + 1);
  ensures(
    () => before <= newest + 1,
    'snap-2 nothing is cut that the newest durable snapshot does not cover',
  );
  ensures(() => before <= executedThrough + 1, 'snap-3 nothing is cut that was not executed here');
  return before;
}
