import type { LeaseOptions } from '../api.ts';
import { defaultTimings, type Limits, type Timings } from '../limits.ts';
import { leaseMsMax, leaseMsMin } from '../paxos/lease.ts';
import type { SeededRandom } from './seeded-random.ts';

const KiB = 1024;

/** Limits of one replica: some so small that they are met all the time. */
export function drawnLimits(random: SeededRandom): Partial<Limits> {
  const small = random.chance(50);
  return {
    slotsInFlightMax: random.pick([1, 4, 64]),
    partBytesMax: random.pick([64, 4 * KiB]),
    cacheBytesMax: random.pick([1, 2_000, 1_000_000]),
    batchCommandsMax: random.pick([1, 4, 8_192]),
    batchBytesMax: random.pick([256, 4 * KiB, 64 * KiB]),
    commandBytesMax: 4 * KiB,
    frameBytesMax: 256 * KiB,
    sendQueueBytesMax: 256 * KiB,
    forwardedBytesMax: 256 * KiB,
    pendingCommandsMax: small ? 128 : 10_000,
    pendingReadsMax: small ? 4 : 1_000,
    forwardsInFlightMax: random.pick([1, 4, 64]),
    logQueueBytesMax: random.pick([1, 4 * KiB, 1_024 * KiB]),
    voteAheadSlotsMax: random.pick([64, 256]),
  };
}

/** Timings of a group. */
export function drawnTimings(random: SeededRandom): Partial<Timings> {
  const heartbeatMs = random.pick([50, 100, 150]);
  return {
    tickMs: random.pick([10, 20, 25]),
    heartbeatMs,
    electionTimeoutMsMin: heartbeatMs * random.pick([4, 6]),
    candidateTimeoutMsMin: random.pick([100, 200, 400]),
  };
}

/** In a third of the seeds idle groups sleep, soon enough for a seed to see it often. */
export function drawnSleep(random: SeededRandom, timings: Partial<Timings>): number {
  const { electionTimeoutMsMin } = { ...defaultTimings, ...timings };
  return random.pick([0, 0, electionTimeoutMsMin + random.below(1_500)]);
}

/** How wrong clocks are, and what is built on that. */
export interface Clocks {
  /** Undefined: leases are off. */
  readonly lease: LeaseOptions | undefined;
  /** How fast the clocks of machines run at first, and after a change. */
  readonly rates: readonly number[];
  readonly changedRates: readonly number[];
}

/**
 * In every other seed leaders ask for leases, with a bound that is true of all clocks. Where they
 * do not, clocks may do what no bound covers.
 */
export function drawnClocks(random: SeededRandom, timings: Partial<Timings>): Clocks {
  const few = [0.95, 1, 1.05];
  const many = [0.8, 0.95, 1, 1.05, 1.25];
  const isOff = random.chance(50);
  const drift = random.pick([0.05, 0.25]);
  const all = { ...defaultTimings, ...timings };
  const msMin = leaseMsMin(drift, all);
  const msMax = Math.min(leaseMsMax, all.electionTimeoutMsMin - 1);
  if (isOff || msMin > msMax) return { lease: undefined, rates: few, changedRates: many };
  const forMs = random.pick([msMax, msMin + random.below(msMax - msMin + 1)]);
  const rates = drift === 0.25 ? many : few;
  return { lease: { forMs, drift }, rates, changedRates: rates };
}
