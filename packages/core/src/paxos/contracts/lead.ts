import type { Clauses } from '@rsl/contracts';
import type { Adoption } from '../adoption.ts';
import type { Slot } from '../slot.ts';

/** A proposer that has just begun to lead. */
export interface LeadStep {
  readonly adoption: Adoption;
  readonly releasedThrough: Slot;
  readonly nextSlot: Slot;
  readonly barrier: Slot;
  readonly inFlight: number;
  readonly stopProposed: boolean;
  /** What each follower is believed to hold. */
  readonly throughs: readonly Slot[];
}

/** What a leader begins with. */
export const leadClauses = {
  'lead-1 nothing decided is proposed over (P8)': {
    when: ({ adoption }) => adoption.values.length > 0,
    holds: ({ adoption, releasedThrough }) => adoption.base > releasedThrough,
  },
  'lead-2 everything adopted is proposed first, and only that (P4)': ({ adoption, nextSlot }) =>
    nextSlot <= adoption.base + adoption.values.length,
  'lead-3 whatever is adopted is proposed, but for what lies past a stop (P4, R9)': ({
    adoption,
    nextSlot,
    stopProposed,
  }) => nextSlot === adoption.base + adoption.values.length || stopProposed,
  'lead-4 reads wait for all that was adopted (Q1)': ({ barrier, nextSlot }) =>
    barrier === nextSlot - 1,
  'lead-5 all that was adopted is in flight (P4)': ({ adoption, inFlight, nextSlot }) =>
    inFlight === nextSlot - adoption.base,
  'lead-6 nobody is believed to hold anything in a ballot before it says so (P6)': ({
    adoption,
    throughs,
  }) => throughs.every((through) => through === adoption.base - 1),
} satisfies Clauses<LeadStep>;
