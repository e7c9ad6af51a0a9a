import type { Ballot } from './ballot.ts';
import type { Value } from './value.ts';

/** What an acceptor said yes to in one slot. */
export interface Vote {
  readonly ballot: Ballot;
  readonly value: Value;
}
