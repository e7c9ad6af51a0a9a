import { type DestinationStream, type Logger, pino, stdTimeFunctions } from 'pino';
import type { LogFormat } from './start-settings.ts';

export interface LoggingOptions {
  readonly id: number;
  readonly level: string;
  readonly format: LogFormat;
}

/** Lines on stdout, written before the call returns: the last ones are the ones that matter. */
export function createLogger({ id, level, format }: LoggingOptions): Logger {
  const stdout = pino.destination({ dest: 1, sync: true });
  const destination = format === 'json' ? stdout : prettyDestination(stdout);
  return pino({ level, base: { replica: id }, timestamp: stdTimeFunctions.isoTime }, destination);
}

/** `22:58:03.120 WARN 2 message · field=value` of a line of JSON. */
function prettyDestination(stdout: DestinationStream): DestinationStream {
  return {
    write(line) {
      const fields: unknown = JSON.parse(line);
      if (typeof fields !== 'object' || fields === null) return;
      const { time, level, replica, msg, ...rest } = fields as Record<string, unknown>;
      const label = (pino.levels.labels[Number(level)] ?? 'info').toUpperCase().padEnd(5);
      const shown = Object.entries(rest).map(([name, value]) => `${name}=${shownValue(value)}`);
      const tail = shown.length === 0 ? '' : ` · ${shown.join(' ')}`;
      stdout.write(
        `${String(time).slice(11, 23)} ${label} ${String(replica)} ${String(msg)}${tail}\n`,
      );
    },
  };
}

const shownValue = (value: unknown): string =>
  typeof value === 'string' ? value : JSON.stringify(value);
