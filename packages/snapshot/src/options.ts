import { InvalidOptionError } from '@rsl/core';
import { chunkBytesMax, chunkBytesMin } from './snapshot-file.ts';

/** Of `fileSnapshots`. */
export interface FileSnapshotsOptions {
  /**
   * Content with one checksum, and what is read or verified at a time: 512 bytes … 16 MiB, 256 KiB
   * unless given. Snapshots with other sizes stay readable.
   */
  readonly chunkBytes?: number;
}

export type CompleteOptions = Required<FileSnapshotsOptions>;

export const defaultOptions: CompleteOptions = { chunkBytes: 256 * 1024 };

/** RSL_INVALID_OPTION for anything that cannot be meant. */
export function completeOptions(directory: string, given: FileSnapshotsOptions): CompleteOptions {
  if (typeof directory !== 'string' || directory === '' || directory.includes('\0')) {
    throw new InvalidOptionError('directory', `a path is needed, not ${JSON.stringify(directory)}`);
  }
  for (const name of Object.keys(given)) {
    if (!Object.hasOwn(defaultOptions, name)) {
      const known = Object.keys(defaultOptions).join(', ');
      throw new InvalidOptionError(name, `there is no such option; there are ${known}`);
    }
  }
  const chunkBytes = given.chunkBytes ?? defaultOptions.chunkBytes;
  if (
    !Number.isSafeInteger(chunkBytes) ||
    chunkBytes < chunkBytesMin ||
    chunkBytes > chunkBytesMax
  ) {
    const wanted = `an integer from ${chunkBytesMin} to ${chunkBytesMax} is needed`;
    throw new InvalidOptionError('chunkBytes', `${wanted}, not ${String(chunkBytes)}`);
  }
  return { chunkBytes };
}
