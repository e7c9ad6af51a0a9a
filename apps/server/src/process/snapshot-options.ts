import { defaultKeeperOptions, defaultLayerOptions } from '@rsl/snapshot';

const most = Number.MAX_SAFE_INTEGER;

/** When snapshots are saved, and what of the log stays: numbers that `rsl-server start` takes. */
export const snapshotOptions = {
  snapshotEverySlots: {
    flags: '--snapshot-every-slots <n>',
    from: 0,
    through: most,
    otherwise: defaultKeeperOptions.everySlots,
    about: 'save a snapshot after so many slots; 0: not for that reason',
  },
  snapshotEveryBytes: {
    flags: '--snapshot-every-bytes <n>',
    from: 0,
    through: most,
    otherwise: defaultKeeperOptions.everyBytes,
    about: 'and after so many bytes of commands; 0: not for that reason',
  },
  snapshotEveryMs: {
    flags: '--snapshot-every-ms <ms>',
    from: 0,
    through: 2 ** 40,
    otherwise: defaultKeeperOptions.everyMs,
    about: 'and after so long, if anything was executed; 0: not for that reason',
  },
  snapshotKeep: {
    flags: '--snapshot-keep <n>',
    from: 1,
    through: 64,
    otherwise: defaultKeeperOptions.keep,
    about: 'snapshots that stay, the newest',
  },
  snapshotBytesPerSecond: {
    flags: '--snapshot-bytes-per-second <n>',
    from: 0,
    through: most,
    otherwise: defaultLayerOptions.bytesPerSecondMax,
    about: 'of snapshots, given to all other replicas together; 0: no limit',
  },
  retainSlots: {
    flags: '--retain-slots <n>',
    from: 0,
    through: most,
    otherwise: defaultLayerOptions.retainSlots,
    about: 'slots below the newest snapshot that stay in the log, for followers a little behind',
  },
  retainBytes: {
    flags: '--retain-bytes <n>',
    from: 0,
    through: most,
    otherwise: defaultLayerOptions.retainBytes,
    about: 'the same in bytes of commands; what is reached first counts',
  },
} as const;
