import { defaultTimings } from '@rsl/core';
import { snapshotOptions } from './snapshot-options.ts';

const KiB = 1024;
const MiB = 1024 * KiB;

interface NumberOption {
  readonly flags: string;
  readonly from: number;
  readonly through: number;
  readonly otherwise: number;
  readonly about: string;
}

/** Every number that `rsl-server start` takes: its range, and what it is unless given. */
export const numberOptions = {
  timeoutMs: {
    flags: '--timeout-ms <ms>',
    from: 1,
    through: 600_000,
    otherwise: 10_000,
    about: 'how long a command is tried, leader changes included',
  },
  electionTimeoutMs: {
    flags: '--election-timeout-ms <ms>',
    from: 100,
    through: 60_000,
    otherwise: defaultTimings.electionTimeoutMsMin,
    about: 'a leader may be silent for so long; the same on every replica',
  },
  maxConnections: {
    flags: '--max-connections <n>',
    from: 1,
    through: 65_536,
    otherwise: 4_096,
    about: 'client connections at a time, of --client and of --clients each',
  },
  maxCommandBytes: {
    flags: '--max-command-bytes <n>',
    from: 1 * KiB,
    through: 1_000_000,
    otherwise: 512 * KiB,
    about: 'bytes of one command or transaction; the same on every replica',
  },
  maxOutputBytes: {
    flags: '--max-output-bytes <n>',
    from: 64 * KiB,
    through: 256 * MiB,
    otherwise: 64 * MiB,
    about: 'bytes of one reply; a connection that asks for more is closed',
  },
  stallMs: {
    flags: '--stall-ms <ms>',
    from: 100,
    through: 3_600_000,
    otherwise: 60_000,
    about: 'a client that leaves half a command or its replies for so long is closed',
  },
  window: {
    flags: '--window <slots>',
    from: 1,
    through: 256,
    otherwise: 64,
    about: 'slots that a leader proposes ahead of the oldest undecided one',
  },
  batchCommands: {
    flags: '--batch-commands <n>',
    from: 1,
    through: 65_536,
    otherwise: 8_192,
    about: 'proposals in one slot',
  },
  batchBytes: {
    flags: '--batch-bytes <n>',
    from: 1 * KiB,
    through: 4 * MiB,
    otherwise: 256 * KiB,
    about: 'bytes in one slot',
  },
  ...snapshotOptions,
} as const satisfies Record<string, NumberOption>;

export type NumberOptionName = keyof typeof numberOptions;
