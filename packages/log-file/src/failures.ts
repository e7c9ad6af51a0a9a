/** Why a log has stopped writing, in words that say what to do (S4). */
import { OverloadedError, type RslError, StorageError } from '@rsl/core';
import { isFull, storageError } from './directory.ts';
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

/** Nothing of the append was written; but the log has no room for it, and stops (S4). */
export function cannotGrow(directory: string, cause: NodeJS.ErrnoException): RslError {
  if (!isFull(cause.code)) {
    const what = `${directory}: ${cause.message}; ${whatNow}`;
    return new StorageError('RSL_STORAGE_FAILED', what, { cause });
  }
  return new StorageError(
    'RSL_STORAGE_FAILED',
    `${directory}: no room for the next segment; make room, then start again`,
    { cause: storageError(directory, cause) },
  );
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
