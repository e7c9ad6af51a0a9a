import { inspect } from 'node:util';
import type { Logger } from '../ports/logger.ts';
import { portable, type PortableError, revived } from './portable-error.ts';
import type { Happening, LogLevel } from './words.ts';

/** A logger whose lines are written on the other thread. */
export function loggerTo(tell: (happening: Happening) => void): Logger {
  const line =
    (level: LogLevel) =>
    (fields: object, message: string): void =>
      tell({ kind: 'log', level, fields: cloneable(fields), message });
  return { debug: line('debug'), info: line('info'), warn: line('warn'), error: line('error') };
}

/** Whatever cannot be cloned goes as text. */
function cloneable(fields: object): Record<string, unknown> {
  const entries = Object.entries(fields).map(([name, value]: [string, unknown]) => {
    if (value instanceof Error) return [name, { portableError: portable(value) }];
    return [name, isPlain(value) ? value : inspect(value)];
  });
  return Object.fromEntries(entries) as Record<string, unknown>;
}

const plainTypes = ['string', 'number', 'boolean', 'undefined', 'bigint'];

const isPlain = (value: unknown): boolean =>
  value === null ||
  plainTypes.includes(typeof value) ||
  (Array.isArray(value) && value.every(isPlain));

/** The line, on the thread where it is written. */
export function writeLine(logger: Logger, line: Extract<Happening, { kind: 'log' }>): void {
  const entries = Object.entries(line.fields).map(([name, value]) => {
    const { portableError } = (value ?? {}) as { readonly portableError?: PortableError };
    return [name, portableError === undefined ? value : revived(portableError)];
  });
  logger[line.level](Object.fromEntries(entries) as object, line.message);
}
