import { InvalidOptionError } from '@rsl/core';
import type { Progress } from './progress.ts';

const MiB = 1024 * 1024;

/** When snapshots are saved, and how many stay; each with its unit in the name. */
export const defaultKeeperOptions = {
  /** A snapshot is due after so many executed slots; 0: not for that reason. */
  everySlots: 1_000_000,
  /** After so many bytes of executed values, which is what the log grows by; 0: not for that. */
  everyBytes: 512 * MiB,
  /** After so much group time, if anything was executed in it; 0: not for that. */
  everyMs: 0,
  /** All members save after each multiple of so many slots, to compare what they have; 0: never. */
  compareEverySlots: 10_000_000,
  /** So many snapshots stay, the newest; older ones go once the next is durable. */
  keep: 2,
  /** After a save that failed, for example because the medium is full. */
  saveAgainMs: 30_000,
  /**
   * Written by a save, and no more: others want disk and processors too. What changes before it
   * was written is kept as it was, so slower is more memory; 0: as fast as it goes.
   */
  saveBytesPerSecondMax: 64 * MiB,
  /** Snapshots that peers copy from here at the same time. */
  readersMax: 4,
} as const;

type Numbers = { readonly [K in keyof typeof defaultKeeperOptions]: number };

/** When to save and how many to keep; docs/limits.md has the ranges. */
export interface KeeperOptions extends Numbers {
  /**
   * A leader with followers saves nothing by itself: it copies what one of them has saved, so that
   * no command ever waits for a save.
   */
  readonly followersOnly: boolean;
  /**
   * When this replica has another state than a quorum has of the same slots: `stop`, the default,
   * sets its snapshots aside and ends it with RSL_DIVERGED; `warn` only says so. For state
   * machines whose saved bytes may differ although their states do not.
   */
  readonly onDiverged: 'stop' | 'warn';
  /** Hears of saves, copies and loads. What it throws is logged. */
  readonly onProgress: ((progress: Progress) => void) | undefined;
}

const ranges: Readonly<Record<keyof Numbers, readonly [min: number, max: number]>> = {
  everySlots: [0, Number.MAX_SAFE_INTEGER],
  everyBytes: [0, Number.MAX_SAFE_INTEGER],
  everyMs: [0, 2 ** 40],
  compareEverySlots: [0, Number.MAX_SAFE_INTEGER],
  keep: [1, 64],
  saveAgainMs: [1, 2 ** 31],
  saveBytesPerSecondMax: [0, Number.MAX_SAFE_INTEGER],
  readersMax: [1, 1_024],
};

/** RSL_INVALID_OPTION for anything that cannot be meant. */
export function completeKeeperOptions(given: Partial<KeeperOptions> = {}): KeeperOptions {
  const { followersOnly = false, onDiverged = 'stop', onProgress, ...numbers } = given;
  if (typeof followersOnly !== 'boolean') {
    throw new InvalidOptionError('followersOnly', `true or false, not ${String(followersOnly)}`);
  }
  if (onDiverged !== 'stop' && onDiverged !== 'warn') {
    throw new InvalidOptionError('onDiverged', `stop or warn, not ${String(onDiverged)}`);
  }
  if (onProgress !== undefined && typeof onProgress !== 'function') {
    throw new InvalidOptionError('onProgress', 'a function is needed');
  }
  const complete: Record<string, number> = { ...defaultKeeperOptions };
  for (const [name, value] of Object.entries(numbers)) {
    if (value === undefined) continue;
    const range = Object.hasOwn(ranges, name) ? ranges[name as keyof Numbers] : undefined;
    if (range === undefined) throw new InvalidOptionError(name, 'is no such option');
    const [min, max] = range;
    if (!Number.isSafeInteger(value) || value < min || value > max) {
      const wanted = `an integer from ${min} to ${max} is needed`;
      throw new InvalidOptionError(name, `${wanted}, not ${String(value)}`);
    }
    complete[name] = value;
  }
  return { ...(complete as Numbers), followersOnly, onDiverged, onProgress };
}
