import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Ballot, compareBallots, sameBallot, zeroBallot } from '../../src/paxos/ballot.ts';
import { Executor } from '../../src/paxos/executor.ts';
import { Learner } from '../../src/paxos/learner.ts';
import { Outbox } from '../../src/paxos/outbox.ts';
import type { Slot } from '../../src/paxos/slot.ts';
import type { Value } from '../../src/paxos/value.ts';
import type { Vote } from '../../src/paxos/vote.ts';
import { ballot, batch, group, stop } from '../paxos/fixture.ts';
import { patienceMs, runs } from './runs.ts';

const slots = 12;
const stopSlot = 10;
/** What is decided; votes of other ballots than those that decided it may be anything. */
const decidedIn = (slot: Slot): Value => (slot === stopSlot ? stop : batch(`v${slot}`));

type Action =
  | { readonly kind: 'decide'; readonly slot: Slot }
  | { readonly kind: 'vote'; readonly slot: Slot; readonly round: number }
  | { readonly kind: 'hear'; readonly round: number; readonly through: Slot }
  | { readonly kind: 'hear-through'; readonly slot: Slot };

const slot = fc.integer({ min: 1, max: slots });
const round = fc.integer({ min: 1, max: 4 });
const one = <K extends string>(kind: K) => fc.constant(kind);
const actions = fc.array(
  fc.oneof<{ weight: number; arbitrary: fc.Arbitrary<Action> }[]>(
    { weight: 3, arbitrary: fc.record({ kind: one('decide'), slot }) },
    { weight: 8, arbitrary: fc.record({ kind: one('vote'), slot, round }) },
    { weight: 3, arbitrary: fc.record({ kind: one('hear'), round, through: slot }) },
    { weight: 1, arbitrary: fc.record({ kind: one('hear-through'), slot }) },
  ),
  { maxLength: 50, size: 'max' },
);

const baseOf = (of: Ballot): Slot => of.round * 2 - 1;

/** P7, P8, P11 and R9 by the letter, from everything that was ever said. */
class Model {
  readonly learned = new Map<Slot, Value>();
  readonly votes = new Map<Slot, Vote>();
  readonly words: { readonly ballot: Ballot; readonly through: Slot }[] = [];
  known: Slot = 0;
  readonly released: Slot[] = [];

  release(): void {
    for (let next = 1 + this.released.length; this.isProved(next); next += 1) {
      if (this.released.includes(stopSlot)) return;
      this.released.push(next);
    }
  }

  isProved(at: Slot): boolean {
    if (this.learned.has(at)) return true;
    const vote = this.votes.get(at);
    const highest = this.words.reduce(
      (a, { ballot: b }) => (compareBallots(a, b) >= 0 ? a : b),
      zeroBallot,
    );
    if (vote === undefined || !sameBallot(vote.ballot, highest) || at < baseOf(highest))
      return false;
    return this.words.some((w) => sameBallot(w.ballot, highest) && w.through >= at);
  }
}

test(
  'a slot is released when it is learned, or its vote is of the ballot whose leader says so',
  () => {
    fc.assert(
      fc.property(actions, (all) => {
        const executor = new Executor(group(3), 0);
        const learner = new Learner(executor, new Map(), 1e6);
        const model = new Model();
        const out = new Outbox();
        for (const action of all) {
          take(action, learner, model);
          learner.release(model.votes, out);
          model.release();
          const released = out.take().flatMap((e) => (e.kind === 'execute' ? [e] : []));
          const before = model.released.length - released.length;
          expect(released.map((e) => e.slot)).toEqual(model.released.slice(before));
          for (const { slot: at, value } of released) expect(value).toEqual(decidedIn(at));
          expect(learner.releasedThrough).toBe(model.released.length);
          expect(executor.stoppedAt).toBe(model.released.includes(stopSlot) ? stopSlot : undefined);
          expectKnowledge(learner, model);
        }
      }),
      runs(121, 300),
    );
  },
  patienceMs,
);

function take(action: Action, learner: Learner, model: Model): void {
  if (action.kind === 'decide') {
    model.learned.set(action.slot, decidedIn(action.slot));
    model.known = Math.max(model.known, action.slot);
    learner.decide(action.slot, decidedIn(action.slot));
  }
  if (action.kind === 'vote') {
    const at = ballot(action.round, 1);
    const before = model.votes.get(action.slot);
    if (before !== undefined && compareBallots(before.ballot, at) > 0) return;
    if (action.slot <= learner.releasedThrough) return;
    // Before its base a ballot has decided nothing: what it votes for there is no evidence.
    const value = action.slot < baseOf(at) ? batch('no evidence') : decidedIn(action.slot);
    model.votes.set(action.slot, { ballot: at, value });
  }
  if (action.kind === 'hear') {
    const at = ballot(action.round, 1);
    model.words.push({ ballot: at, through: action.through });
    model.known = Math.max(model.known, action.through);
    learner.hear(at, baseOf(at), action.through);
  }
  if (action.kind === 'hear-through') {
    model.known = Math.max(model.known, action.slot);
    learner.hearThrough(action.slot);
  }
}

function expectKnowledge(learner: Learner, model: Model): void {
  const isVoid = (at: Slot): boolean => model.released.includes(stopSlot) && at > stopSlot;
  expect(learner.knownThrough).toBe(model.known);
  for (let at = 1; at <= slots; at += 1) {
    if (isVoid(at)) continue;
    const isReleased = at <= model.released.length;
    expect(learner.isDecided(at), `slot ${at}`).toBe(isReleased || model.learned.has(at));
    if (learner.isDecided(at)) expect(learner.valueOf(at)).toEqual(decidedIn(at));
    expect(learner.unreleased.has(at)).toBe(!isReleased && model.learned.has(at));
  }
}
