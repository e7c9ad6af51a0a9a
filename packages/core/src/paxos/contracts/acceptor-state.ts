import type { Ballot } from '../ballot.ts';
import type { Effect, Send } from '../effect.ts';
import type { Learner } from '../learner.ts';
import type { DurableMessage, Phase1b, Phase2b, VolatileMessage } from '../messages.ts';
import type { Slot } from '../slot.ts';
import type { Value } from '../value.ts';
import type { Vote } from '../vote.ts';

/** One moment of an acceptor, kept while a handler changes it. */
export interface AcceptorState {
  readonly promised: Ballot;
  readonly firstSlot: Slot;
  readonly votes: ReadonlyMap<Slot, Vote>;
  readonly lost: ReadonlyMap<Slot, Ballot>;
  readonly releasedThrough: Slot;
  /** Decided values above `releasedThrough`. */
  readonly decided: ReadonlyMap<Slot, Value>;
}

export function stateOf(
  acceptor: Pick<AcceptorState, 'promised' | 'firstSlot' | 'votes' | 'lost'>,
  learner: Learner,
): AcceptorState {
  const { promised, firstSlot, votes, lost } = acceptor;
  return {
    promised,
    firstSlot,
    votes: new Map(votes),
    lost: new Map(lost),
    releasedThrough: learner.releasedThrough,
    decided: new Map(learner.unreleased),
  };
}

/** What a handler of the acceptor did. */
export interface AcceptorStep<M> {
  readonly message: M;
  readonly before: AcceptorState;
  readonly after: AcceptorState;
  readonly effects: readonly Effect[];
}

type Persist = Extract<Effect, { kind: 'persist' }>;

export const persistsOf = (effects: readonly Effect[]): readonly Persist[] =>
  effects.filter((effect) => effect.kind === 'persist');

export const revealedBy = (effects: readonly Effect[]): readonly Send<DurableMessage>[] =>
  persistsOf(effects).flatMap(({ then }) => then);

export const sentAtOnce = (effects: readonly Effect[]): readonly VolatileMessage[] =>
  effects.flatMap((effect) => (effect.kind === 'send' ? [effect.message] : []));

export const promisesIn = (effects: readonly Effect[]): readonly Phase1b[] =>
  revealedBy(effects).flatMap(({ message }) => (message.kind === '1b' ? [message] : []));

export const acknowledgementsIn = (effects: readonly Effect[]): readonly Phase2b[] =>
  revealedBy(effects).flatMap(({ message }) => (message.kind === '2b' ? [message] : []));

export const isDecidedIn = ({ releasedThrough, decided }: AcceptorState, slot: Slot): boolean =>
  slot <= releasedThrough || decided.has(slot);

export const sameVotes = (a: AcceptorState, b: AcceptorState): boolean =>
  a.votes.size === b.votes.size && [...a.votes].every(([slot, vote]) => b.votes.get(slot) === vote);
