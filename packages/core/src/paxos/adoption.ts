import type { Slot } from './slot.ts';
import type { Value } from './value.ts';

/** What a proposer may and must propose once a quorum has promised its ballot (P4). */
export interface Adoption {
  /** The first slot to propose in: everything below is decided, and has to be learned. */
  readonly base: Slot;
  /** For the slots from `base` on, without a gap. */
  readonly values: readonly Value[];
  /** Told to be decided by some acceptor. */
  readonly decided: ReadonlyMap<Slot, Value>;
}
