import { type Clock, defaultLimits, type Limits, type Logger, type PortContext } from '@rsl/core';
import type { Random } from '@rsl/core';

/** The real time, as the host's own clock gives it. */
export const realClock: Clock = {
  nowMs: () => performance.now(),
  wallMs: () => Date.now(),
  everyMs(periodMs, tick) {
    const timer = setInterval(tick, periodMs);
    return () => clearInterval(timer);
  },
  soon: (run) => void setImmediate(run),
};

/** The same numbers for the same seed. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  const next = (): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
  return { below: (limit) => Math.floor(next() * limit) };
}

export interface LogLine {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly fields: Readonly<Record<string, unknown>>;
  readonly message: string;
}

export function recordingLogger(lines: LogLine[]): Logger {
  const line = (level: LogLine['level']) => (fields: object, message: string) =>
    void lines.push({ level, fields: { ...fields }, message });
  return { debug: line('debug'), info: line('info'), warn: line('warn'), error: line('error') };
}

export function context(
  given: {
    readonly limits?: Partial<Limits>;
    readonly clock?: Clock;
    readonly seed?: number;
    readonly lines?: LogLine[];
  } = {},
): PortContext {
  return {
    group: 'stage',
    self: 1,
    limits: { ...defaultLimits, ...given.limits },
    clock: given.clock ?? realClock,
    random: seededRandom(given.seed ?? 1),
    logger: recordingLogger(given.lines ?? []),
  };
}
