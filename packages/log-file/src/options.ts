/** What a user may choose, and what is chosen otherwise. */
import { InvalidOptionError } from '@rsl/core';
import { blockBytes } from './record.ts';

const KiB = 1024;
const MiB = 1024 * KiB;

/** How a log is kept in files. Nothing of it is needed. */
export interface FileLogOptions {
  /**
   * Who writes. `thread` (the default): a thread of its own. `inline`: the calling thread, which
   * waits for the medium. `none`: the calling thread, without syncing: a power failure loses data
   * that was said to be durable, and with it the promises of this replica. For benchmarks only.
   */
  readonly sync?: 'thread' | 'inline' | 'none';
  /** Size of a segment file, a multiple of 4,096 bytes: 64 KiB … 1 GiB, 64 MiB unless given. */
  readonly segmentBytes?: number;
  /** The most that one write gathers, a multiple of 4,096 bytes: 64 KiB … 64 MiB; 4 MiB. */
  readonly writeBytesMax?: number;
  /** Appended and not yet durable. A guard: beyond it the log stops. 1 MiB … 4 GiB; 256 MiB. */
  readonly waitingBytesMax?: number;
  /** What segments and spares may take: at least three segments; as much as there is. */
  readonly storeBytesMax?: number;
  /** After how long without an append the last ones are vouched for: 1 … 60,000 ms; 100 ms. */
  readonly markAfterMs?: number;
  /**
   * True when the operator has put the files where they are: they are recorded anew (S2a). Wrong
   * for a copy while the original, or another copy, has gone on: it has forgotten what that said.
   */
  readonly moved?: boolean;
}

export type CompleteOptions = Required<FileLogOptions>;

export const defaultOptions: CompleteOptions = {
  sync: 'thread',
  segmentBytes: 64 * MiB,
  writeBytesMax: 4 * MiB,
  waitingBytesMax: 256 * MiB,
  storeBytesMax: Number.MAX_SAFE_INTEGER,
  markAfterMs: 100,
  moved: false,
};

/** The one that is written to, the next one, and one that leaves. */
const segmentsMin = 3;

const ranges = {
  segmentBytes: [64 * KiB, 1024 * MiB, blockBytes],
  writeBytesMax: [64 * KiB, 64 * MiB, blockBytes],
  waitingBytesMax: [1 * MiB, 4096 * MiB, 1],
  storeBytesMax: [192 * KiB, Number.MAX_SAFE_INTEGER, 1],
  markAfterMs: [1, 60_000, 1],
} as const;

export function completeOptions(directory: string, given: FileLogOptions): CompleteOptions {
  if (typeof directory !== 'string' || directory === '' || directory.includes('\0')) {
    throw new InvalidOptionError('directory', `a path is needed, not ${JSON.stringify(directory)}`);
  }
  for (const name of Object.keys(given)) {
    if (!Object.hasOwn(defaultOptions, name)) {
      const known = Object.keys(defaultOptions).join(', ');
      throw new InvalidOptionError(name, `there is no such option; there are ${known}`);
    }
  }
  const options = { ...defaultOptions, ...definedOnly(given) };
  if (!['thread', 'inline', 'none'].includes(options.sync)) {
    throw new InvalidOptionError('sync', `thread, inline or none, not ${String(options.sync)}`);
  }
  if (typeof options.moved !== 'boolean') {
    throw new InvalidOptionError('moved', `true or false, not ${String(options.moved)}`);
  }
  for (const [name, [min, max, step]] of Object.entries(ranges)) {
    const value: unknown = options[name as keyof typeof ranges];
    if (Number.isSafeInteger(value)) {
      const number = value as number;
      if (number >= min && number <= max && number % step === 0) continue;
    }
    const multiple = step === 1 ? '' : ` that is a multiple of ${step}`;
    const wanted = `an integer from ${min} to ${max}${multiple}`;
    throw new InvalidOptionError(name, `${wanted} is needed, not ${String(value)}`);
  }
  const bytesMin = segmentsMin * options.segmentBytes;
  if (options.storeBytesMax < bytesMin) {
    const wanted = `at least ${segmentsMin} segments, ${bytesMin} bytes, are needed`;
    throw new InvalidOptionError('storeBytesMax', `${wanted}, not ${options.storeBytesMax}`);
  }
  return options;
}

const definedOnly = (given: FileLogOptions): FileLogOptions =>
  Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
