import { defaultSlow, defaultTimings, type Slow, type Timings } from '@rsl/core';

/**
 * All timings that are waits for the network, in proportion to the one that operators know: a
 * network on which a leader may be silent for longer takes longer to answer, too.
 */
export function timingsFor(electionTimeoutMs: number): Partial<Timings> {
  const { candidateTimeoutMsMin, heartbeatMs, learnRetryMs, learnStallMs } = defaultTimings;
  const scaled = inProportion(electionTimeoutMs);
  return {
    electionTimeoutMsMin: electionTimeoutMs,
    heartbeatMs: scaled(heartbeatMs),
    candidateTimeoutMsMin: scaled(candidateTimeoutMsMin),
    learnRetryMs: scaled(learnRetryMs),
    // What a leader learns also takes its disk, which is no quicker for a quick network.
    learnStallMs: Math.max(learnStallMs, scaled(learnStallMs)),
  };
}

/** What is worth a warning: what would delay a heartbeat, or put half an election at risk. */
export function slowFor(electionTimeoutMs: number): Partial<Slow> {
  const { executeMs, turnMs } = defaultSlow;
  const scaled = inProportion(electionTimeoutMs);
  return { executeMs: scaled(executeMs), turnMs: scaled(turnMs) };
}

const inProportion =
  (electionTimeoutMs: number) =>
  (ms: number): number =>
    Math.floor((ms * electionTimeoutMs) / defaultTimings.electionTimeoutMsMin);
