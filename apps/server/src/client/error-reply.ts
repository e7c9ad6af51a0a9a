import { Refusal } from '../commands/command.ts';
import { isRslError } from './is-rsl-error.ts';

/** `RSL_OVERLOADED …`: an error of the library as a reply. What is none is a bug, and says so. */
export function errorReply(error: unknown): string {
  if (error instanceof Refusal) return error.message;
  if (isRslError(error)) return `${error.code} ${error.message}`;
  return `ERR internal error: ${error instanceof Error ? error.message : String(error)}`;
}
