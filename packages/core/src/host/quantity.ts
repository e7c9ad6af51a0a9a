import { createHistogram, type RecordableHistogram } from 'node:perf_hooks';
import type { Distribution } from '../api.ts';

/** An hour in microseconds. What is more counts as this much. */
const valueMax = 3_600_000_000;
const figures = 3;

/**
 * How a quantity is distributed: integers of 1 … valueMax with three figures, in an HDR histogram
 * that is made when there is something to record.
 */
export class Quantity {
  #histogram: RecordableHistogram | undefined;

  /** What is less than 1 counts as 1. */
  record(value: number): void {
    this.#histogram ??= createHistogram({ lowest: 1, highest: valueMax, figures });
    this.#histogram.record(Math.min(valueMax, Math.max(1, Math.round(value))));
  }

  /** All zero if there was nothing. */
  distribution(): Distribution {
    const histogram = this.#histogram;
    if (histogram === undefined || histogram.count === 0) return nothing;
    const { count, min, mean, max } = histogram;
    // A percentile is the end of its bucket, which may lie beyond the largest value.
    const at = (percent: number): number => Math.min(max, histogram.percentile(percent));
    return { count, min, mean, p50: at(50), p90: at(90), p99: at(99), p999: at(99.9), max };
  }

  reset(): void {
    this.#histogram?.reset();
  }
}

const nothing: Distribution = {
  count: 0,
  min: 0,
  mean: 0,
  p50: 0,
  p90: 0,
  p99: 0,
  p999: 0,
  max: 0,
};
