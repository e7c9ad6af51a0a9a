import type { Membership, ReplicaId } from './membership.ts';
import { votersOf } from './membership.ts';

/** Any majority of `count` voters: two of them always share a voter. */
export const quorumOf = (count: number): number => Math.floor(count / 2) + 1;

/** Who votes in one configuration, and how many of them decide. Counts each voter once (P5). */
export class Quorum {
  readonly voters: readonly ReplicaId[];
  readonly size: number;

  constructor(membership: Membership) {
    this.voters = [...new Set(votersOf(membership).map((m) => m.id))];
    this.size = quorumOf(this.voters.length);
  }

  /** True if a quorum of distinct voters is among `ids`. An empty configuration has no quorum. */
  includes(ids: ReadonlySet<ReplicaId>): boolean {
    let count = 0;
    for (const voter of this.voters) if (ids.has(voter)) count += 1;
    return this.voters.length > 0 && count >= this.size;
  }

  /** The highest value that a quorum of voters has reached; who reported nothing counts lowest. */
  reached(reported: (voter: ReplicaId) => number): number {
    if (this.voters.length === 0) return -Infinity;
    const values = this.voters.map(reported).sort((a, b) => b - a);
    return values[this.size - 1] ?? -Infinity;
  }
}
