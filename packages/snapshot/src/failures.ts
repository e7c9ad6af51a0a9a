import { RslError, StorageError } from '@rsl/core';

/** A call on the medium that failed, as an error that says what to do. */
export function storageError(file: string, cause: unknown): unknown {
  const { code, message } = cause as NodeJS.ErrnoException;
  if (code === undefined || code.startsWith('RSL_') || code.startsWith('ERR_')) return cause;
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    const what = `${file}: no room on the medium; the snapshots that are there are as they were`;
    return new StorageError('RSL_STORAGE_FULL', what, { cause });
  }
  return new StorageError('RSL_STORAGE_FAILED', `${file}: ${message}`, { cause });
}

/** Runs it; what fails on the medium is told with the file's name. */
export async function onMedium<T>(file: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    throw storageError(file, error);
  }
}

export const asError = (cause: unknown): Error =>
  cause instanceof Error ? cause : new Error(String(cause));

/** For those who cannot be given the error itself. */
export const codeOf = (cause: unknown): string =>
  cause instanceof RslError ? cause.code : 'RSL_INTERNAL';
