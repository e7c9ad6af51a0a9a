import { errorCodes, RslError, type RslErrorCode } from '../errors.ts';
import type { Problem } from './client-messages.ts';

/** What goes over the wire of an error. */
export function problemOf(error: unknown): Problem {
  if (error instanceof RslError) {
    const { code, outcome, message } = error;
    return { code, outcome, message };
  }
  return { code: 'RSL_INTERNAL', outcome: 'unknown', message: String(error) };
}

/** The error again; a code of a later version is an internal error here. */
export function errorOf({ code, outcome, message }: Problem): RslError {
  const known = code in errorCodes ? (code as RslErrorCode) : 'RSL_INTERNAL';
  return new RslError(known, outcome, message);
}
