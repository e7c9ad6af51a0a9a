import type { ReplicaId } from './membership.ts';

/**
 * The name of one attempt to lead. Ordered by configuration first (R6: a later configuration
 * deposes), then round, then proposer, so that no two proposers ever share a ballot.
 * All three are integers: configuration and round 0 … 2^32 − 1, proposer 0 … 65,535.
 */
export interface Ballot {
  readonly configuration: number;
  readonly round: number;
  readonly proposer: ReplicaId;
}

/** Below every ballot that anybody proposes in. */
export const zeroBallot: Ballot = { configuration: 0, round: 0, proposer: 0 };

/** Negative, zero or positive as `a` is below, equal to or above `b`. */
export function compareBallots(a: Ballot, b: Ballot): number {
  return a.configuration - b.configuration || a.round - b.round || a.proposer - b.proposer;
}

/** True if they are one ballot. */
export const sameBallot = (a: Ballot, b: Ballot): boolean => compareBallots(a, b) === 0;

/** The one that deposes the other; `a` if they are the same. */
export const higherBallot = (a: Ballot, b: Ballot): Ballot => (compareBallots(a, b) >= 0 ? a : b);

/** For people: `configuration.round.proposer`. */
export const describeBallot = (b: Ballot): string => `${b.configuration}.${b.round}.${b.proposer}`;
