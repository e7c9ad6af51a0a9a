/** Why a log has stopped writing, in words that say what to do (S4). */
import { OverloadedError, type RslError, StorageError } from '@rsl/core';
import type { Staging } from './staging.ts';

/** One append, or one value, cannot be larger. */
export const groupBytesMax = 128 * 1024 * 1024;

const whatNow = 'nothing more is written; repair the medium, then start again';

export function writeFailed(batch: Staging, cause: NodeJS.ErrnoException): RslError {
  const where = `${batch.segment.file}, byte ${batch.start}`;
  return new StorageError('RSL_STORAGE_FAILED', `${where}: ${cause.message}; ${whatNow}`, {
    cause,
  });
}

export function cannotGrow(directory: string, cause: NodeJS.ErrnoException): RslError {
  const what = `${directory}: ${cause.message}; ${whatNow}`;
  return new StorageError('RSL_STORAGE_FAILED', what, { cause });
}

/** Nothing of the append was written, and the log goes on (S5). */
export function noRoom(directory: string, cause: NodeJS.ErrnoException): RslError {
  const what = `${directory}: no room for the next segment (${cause.message})`;
  const advice = 'make room on the medium, raise storeBytesMax, or truncate the log';
  return new StorageError('RSL_STORAGE_FULL', `${what}; ${advice}`, { cause });
}

export function vanished(file: string, cause: NodeJS.ErrnoException): RslError {
  const what = `${file} was removed or moved while it was written to (${cause.message})`;
  return new StorageError('RSL_STORAGE_FAILED', `${what}; ${whatNow}`, { cause });
}

export function tooMuch(bytes: number, waiting: number, waitingMax: number): RslError {
  const [limit, what] =
    bytes > groupBytesMax
      ? ['groupBytesMax', `an append of ${bytes} bytes is larger than ${groupBytesMax} bytes`]
      : [
          'waitingBytesMax',
          `${waiting} bytes wait, and ${bytes} more exceed waitingBytesMax, ${waitingMax}`,
        ];
  const cause = new OverloadedError(limit, what);
  const advice = 'append less at a time, or raise the limit; then start again';
  return new StorageError('RSL_STORAGE_FAILED', `${what}; ${advice}`, { cause });
}
