import type { Limits, Timings } from '../limits.ts';
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
