import type { Limits, Timings } from '../limits.ts';
import type { Random } from '../ports/random.ts';
import type { LeaseTerms } from './lease.ts';
import type { ReplicaId, StoreId } from './membership.ts';

/** What every role is told when it begins. */
export interface Settings {
  readonly self: ReplicaId;
  readonly store: StoreId;
  readonly limits: Limits;
  readonly timings: Timings;
  readonly random: Random;
  /** As leader it asks for leases (Q2). Without them it grants those that others ask for. */
  readonly lease?: LeaseTerms;
}
