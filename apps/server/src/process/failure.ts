import { errorCodes, type RslErrorCode } from '@rsl/core';
import { CommanderError } from 'commander';
import { isRslError } from '../client/is-rsl-error.ts';

/** 2: the options are wrong. 1: they are right, and it failed. 0: nothing failed (`--help`). */
export function exitCodeOf(error: unknown): 0 | 1 | 2 {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  return isRslError(error) && error.code === 'RSL_INVALID_OPTION' ? 2 : 1;
}

/** What happened and what to do, in one line. */
export function failureLine(error: unknown): string {
  return `rsl-server: ${describe(error).replace(/\s+/g, ' ').trim()}`;
}

function describe(error: unknown): string {
  if (error instanceof CommanderError) return `RSL_INVALID_OPTION: ${withoutPrefix(error.message)}`;
  if (isRslError(error)) {
    const action = Object.hasOwn(errorCodes, error.code)
      ? errorCodes[error.code as RslErrorCode].action
      : '';
    const message = error.message.replace(/[.:;\s]+$/, '');
    return `${error.code}: ${message}. ${isRepeated(error.code) ? '' : action}`;
  }
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}

const withoutPrefix = (message: string): string =>
  message.replace(/^error: /, '').replace('(outputHelp)', 'a command is missing; see --help');

/** The message itself says what to do; what the table would add is only that it does. */
const isRepeated = (code: string): boolean =>
  ['RSL_INVALID_OPTION', 'RSL_DEVICE_UNAVAILABLE', 'RSL_STATE_MACHINE_FAILED'].includes(code);
