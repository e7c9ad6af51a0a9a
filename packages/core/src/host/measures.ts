import type { Limits, Slow, Timings } from '../limits.ts';
import type { Clock } from '../ports/clock.ts';
import type { Logger } from '../ports/logger.ts';
import { Counters } from './counters.ts';
import { Metrics } from './metrics.ts';
import { SlowWarnings } from './slow.ts';

export interface Measures {
  readonly counters: Counters;
  readonly metrics: Metrics;
}

/** What counts and measures one thread of a replica. */
export function measuresOf(
  { slow, limits, timings }: { readonly slow: Slow; limits: Limits; timings: Timings },
  clock: Clock,
  logger: Logger,
): Measures {
  const counters = new Counters();
  const warnings = new SlowWarnings(slow, clock, logger, counters);
  const { slotsInFlightMax } = limits;
  return { counters, metrics: new Metrics(clock, warnings, slotsInFlightMax, timings.tickMs) };
}
