import type { RslError } from '@rsl/core';

/** By its code: packages may have come to us twice, and then `instanceof` says no. */
export function isRslError(error: unknown): error is RslError {
  const code: unknown = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' && code.startsWith('RSL_');
}
