import { requires } from '@rsl/contracts';
import type { Leadership } from '../api.ts';
import type { Emit } from '../events.ts';
import { type Ballot, compareBallots, sameBallot, zeroBallot } from '../paxos/ballot.ts';

const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, '0');

/** Of fixed width, so that texts are in the order of their ballots. */
export const fenceOf = ({ configuration, round, proposer }: Ballot): string =>
  `${hex(configuration, 8)}${hex(round, 8)}${hex(proposer, 4)}`;

/** Tells listeners when this replica leads, and those who act on it when it does not any more. */
export class Leading {
  readonly #emit: Emit;
  #current: Leadership | undefined;
  #end: AbortController | undefined;
  /** For contracts only. */
  #last: Ballot = zeroBallot;

  constructor(emit: Emit) {
    this.#emit = emit;
  }

  begin(ballot: Ballot): void {
    requires(() => this.#current === undefined, 'leading-1 one leadership ends before the next');
    requires(
      () => compareBallots(ballot, this.#last) > 0,
      'leading-2 every leadership has a higher ballot, and so a higher fence (P2)',
    );
    if (CONTRACTS) this.#last = ballot;
    this.#end = new AbortController();
    this.#current = { ballot, fence: fenceOf(ballot), signal: this.#end.signal };
    this.#emit('leading', this.#current);
  }

  recover(ballot: Ballot): void {
    const current = this.#current;
    requires(
      () => current !== undefined && sameBallot(current.ballot, ballot),
      'leading-3 who recovers leads, in that very ballot (Q1)',
    );
    if (current !== undefined) this.#emit('recovered', current);
  }

  /** At once, not when listeners are told: whoever looks at the signal now must not act. */
  end(): void {
    const end = this.#end;
    this.#current = undefined;
    this.#end = undefined;
    end?.abort();
  }
}
