import type { SeededRandom } from './seeded-random.ts';

/** How hard each kind of fault is, in this seed (swarm testing: many are off). */
export interface Mix {
  readonly crash: number;
  readonly power: number;
  readonly pause: number;
  readonly cut: number;
  readonly oneWay: number;
  readonly loss: number;
  readonly twice: number;
  readonly late: number;
  readonly slowDisk: number;
  readonly stall: number;
  readonly succession: number;
  /** Crashes right after a promise or a vote has left. */
  readonly reveal: number;
}

export function drawnMix(r: SeededRandom): Mix {
  const often = (): number => r.pick([0, 0, 1, 3]);
  return {
    crash: often(),
    power: r.pick([0, 0, 1]),
    pause: often(),
    cut: often(),
    oneWay: often(),
    loss: r.pick([0, 0, 2, 15]),
    twice: r.pick([0, 0, 5]),
    late: r.pick([0, 2, 2, 20]),
    slowDisk: r.pick([0, 0, 10]),
    stall: often(),
    succession: r.pick([0, 0, 10, 30]),
    reveal: r.pick([0, 0, 1, 3]),
  };
}
