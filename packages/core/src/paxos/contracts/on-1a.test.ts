import { type Clauses, clauseHolds } from '@rsl/contracts';
import { expect, test } from 'vitest';
import { ballot, batch, phase1a, phase1b } from '../../../test/paxos/fixture.ts';
import type { Effect } from '../effect.ts';
import type { Phase1b, Reported } from '../messages.ts';
import type { AcceptorState } from './acceptor-state.ts';
import { on1aClauses, type Step1a } from './on-1a.ts';

// Each clause of the table is shown to fail: a step that breaks it, and what is right beside it.

const old = ballot(3, 1);
const now = ballot(4, 2);
const message = phase1a(now);
const value = batch('x');

const vote = { ballot: old, value };

/** A vote in slot 1, a lost one in slot 2, a decided value in slot 3. */
const state = (change: Partial<AcceptorState> = {}): AcceptorState => ({
  promised: old,
  firstSlot: 1,
  votes: new Map([[1, vote]]),
  lost: new Map([[2, old]]),
  releasedThrough: 0,
  decided: new Map([[3, value]]),
  ...change,
});
const promised = state({ promised: now });

const one: Reported = { slot: 1, state: 'voted', ballot: old, value };
const two: Reported = { slot: 2, state: 'lost', ballot: old };
const three: Reported = { slot: 3, state: 'decided', value };
const all = [one, two, three];

const answer = (change: Partial<Phase1b>, of = now): Effect => ({
  kind: 'persist',
  records: [{ kind: 'promise', ballot: of }],
  then: [{ to: of.proposer, message: phase1b(of, { reported: all, ...change }) }],
});

const step = (change: Partial<Step1a> = {}): Step1a => ({
  message,
  before: state(),
  after: promised,
  effects: [answer({})],
  ...change,
});

const nack: Effect = {
  kind: 'send',
  to: 2,
  message: { kind: 'nack', ballot: now, promised: ballot(5, 3) },
};
const high = state({ promised: ballot(5, 3) });
const below = (change: Partial<Step1a>): Step1a =>
  step({ before: high, after: high, effects: [nack], ...change });
const again = (change: Partial<Step1a>): Step1a =>
  step({
    before: promised,
    effects: [{ ...answer({}), records: [] } as Effect],
    ...change,
  });
const saying = (reported: readonly Reported[]): Step1a => step({ effects: [answer({ reported })] });

test('steps as they should be break nothing', () => {
  const inPart = step({ effects: [answer({ reported: [one, two], nextSlot: 3 })] });
  for (const each of [step(), below({}), again({}), inPart]) {
    for (const [name, clause] of Object.entries(on1aClauses as Clauses<Step1a>)) {
      expect(clauseHolds(clause, each), name).toBe(true);
    }
  }
});

const broken = {
  '1a-1 the promise never goes back (P1)': step({ after: state({ promised: ballot(2, 1) }) }),
  '1a-2 a ballot below the promise is told the promise, and changes nothing (P1)': below({
    effects: [answer({})],
  }),
  '1a-3 a higher ballot becomes the promise (P1)': step({ after: state() }),
  '1a-4 the promise is one record, and every 1b waits for that very record (P2)': step({
    effects: [{ ...answer({}), records: [] } as Effect],
  }),
  '1a-5 the ballot already promised is answered again, behind a barrier, and writes nothing (P1)':
    again({ effects: [] }),
  '1a-6 a promise changes no vote and forgets no slot': step({
    after: { ...promised, votes: new Map() },
  }),
  '1a-7 nothing but a nack leaves beside the log (P2)': step({
    effects: [{ kind: 'send', to: 2, message: phase1b(now) as never }],
  }),
  '1a-8 a 1b goes to the proposer of its ballot and speaks of that ballot': step({
    effects: [answer({}, ballot(4, 3))],
  }),
  '1a-9 it tells of each known slot from fromSlot to nextSlot that is not released, once (P4)':
    saying([one, three]),
  '1a-10 the report is true: decided over lost or voted, the higher ballot of those two (P4, S3)':
    saying([one, two, { slot: 3, state: 'voted', ballot: old, value }]),
  '1a-11 a lost slot is never passed over in silence (S3)': saying([one, three]),
  '1a-12 each part says where this log begins and through where it is decided (R7)': step({
    effects: [answer({ firstSlot: 9 })],
  }),
  '1a-13 one 1b, which tells of what was asked, and something of it (P4)': step({
    effects: [answer({ fromSlot: 2 })],
  }),
  '1a-14 nextSlot is the first known slot that the 1b leaves out, if it leaves out any (P4)':
    saying([one, two]),
} satisfies Record<keyof typeof on1aClauses, Step1a>;

test.each(Object.entries<Step1a>(broken))('%s', (name, each) => {
  const clauses: Clauses<Step1a> = on1aClauses;
  expect(clauseHolds(clauses[name] as never, each)).toBe(false);
});
