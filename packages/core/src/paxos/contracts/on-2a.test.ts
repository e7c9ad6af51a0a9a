import { type Clauses, clauseHolds } from '@rsl/contracts';
import { expect, test } from 'vitest';
import { ballot, batch, phase2a, phase2b } from '../../../test/paxos/fixture.ts';
import type { Effect } from '../effect.ts';
import type { Phase2b } from '../messages.ts';
import type { AcceptorState } from './acceptor-state.ts';
import { on2aClauses, type Step2a } from './on-2a.ts';

// Each clause of the table is shown to fail: a step that breaks it, and what is right beside it.

const old = ballot(3, 1);
const now = ballot(4, 2);
const message = phase2a(now, 1, 'x');
const vote = { ballot: now, value: message.value };

const state = (change: Partial<AcceptorState> = {}): AcceptorState => ({
  promised: old,
  firstSlot: 1,
  votes: new Map(),
  lost: new Map(),
  releasedThrough: 0,
  decided: new Map(),
  ...change,
});

const said = (through: number, of = now, to = of.proposer): Effect => ({
  kind: 'persist',
  records: [],
  then: [{ to, message: phase2b(of, through) as Phase2b }],
});

const voted = state({ promised: now, votes: new Map([[1, vote]]) });
const written: Effect = { ...said(1), records: [{ kind: 'vote', slot: 1, vote }] } as Effect;

/** A vote in a slot of its own: as it should be, unless changed. */
const step = (change: Partial<Step2a> = {}): Step2a => ({
  message,
  decided: undefined,
  slotMax: 100,
  before: state(),
  after: voted,
  effects: [written],
  ...change,
});

const nack: Effect = {
  kind: 'send',
  to: 2,
  message: { kind: 'nack', ballot: now, promised: ballot(5, 3) },
};
const high = state({ promised: ballot(5, 3) });
const below = (change: Partial<Step2a>): Step2a =>
  step({ before: high, after: high, effects: [nack], ...change });
const again = (change: Partial<Step2a>): Step2a =>
  step({ before: voted, after: voted, effects: [said(1)], ...change });
const other = phase2a(now, 1, 'y');
const alarm: Effect = { kind: 'alarm', what: 'two values' };
const second = (change: Partial<Step2a>): Step2a =>
  step({ message: other, before: voted, after: voted, effects: [alarm], ...change });
const released = state({ releasedThrough: 1 });
const decided = (change: Partial<Step2a>): Step2a =>
  step({
    decided: message.value,
    before: released,
    after: { ...released, promised: old },
    effects: [said(1)],
    ...change,
  });
const lost = state({ lost: new Map([[1, ballot(3, 1)]]) });

test('steps as they should be break nothing', () => {
  const reply: Effect = {
    kind: 'send',
    to: 2,
    message: {
      kind: 'learn-reply',
      fromSlot: 1,
      values: [message.value],
      firstSlot: 1,
      decidedThrough: 1,
    },
  };
  const fine = [
    step(),
    below({}),
    again({}),
    second({}),
    decided({}),
    decided({ message: other, effects: [reply] }),
    step({ slotMax: 0, after: state(), effects: [] }),
    step({ before: lost }),
  ];
  for (const each of fine) {
    for (const [name, clause] of Object.entries(on2aClauses as Clauses<Step2a>)) {
      expect(clauseHolds(clause, each), name).toBe(true);
    }
  }
});

const broken = {
  '2a-1 the promise never goes back (P1)': step({ after: state({ promised: ballot(2, 1) }) }),
  '2a-2 a ballot below the promise changes nothing (P1)': below({ after: voted }),
  '2a-3 a ballot below the promise is told the promise, and nothing else leaves (P1)': below({
    effects: [nack, said(1)],
  }),
  '2a-4 a vote raises the promise to its ballot (P1)': step({ after: { ...voted, promised: old } }),
  '2a-5 a vote is for the proposed value in the proposed ballot': step({
    after: state({ promised: now, votes: new Map([[1, { ballot: now, value: batch('y') }]]) }),
  }),
  '2a-6 a vote is one record, and its 2b waits for that very record (P2)': step({
    effects: [{ kind: 'persist', records: [{ kind: 'vote', slot: 1, vote }], then: [] }, said(1)],
  }),
  '2a-7 a vote is acknowledged once': step({ effects: [written, said(1)] }),
  '2a-8 the same value again in the same ballot writes nothing (P3)': again({ effects: [written] }),
  '2a-9 the same value again in the same ballot is acknowledged again, behind a barrier (P2, P3)':
    again({ effects: [] }),
  '2a-10 a second value in the same ballot changes nothing and is not acknowledged (P3)': second({
    effects: [alarm, said(1)],
  }),
  '2a-11 a second value in the same ballot is alarmed (P3)': second({ effects: [] }),
  '2a-12 no vote is recorded over a decided slot (P1)': decided({
    after: { ...released, votes: new Map([[1, vote]]) },
  }),
  '2a-13 the decided value counts as durable: acknowledged behind a barrier (P1, P6)': decided({
    effects: [],
  }),
  '2a-14 another value than the decided one is told the decided one, not acknowledged (P1)':
    decided({ message: other }),
  '2a-15 what is too far ahead changes nothing and gets no answer': step({ slotMax: 0 }),
  '2a-16 no vote of another slot changes': step({
    before: state({ votes: new Map([[2, { ballot: old, value: batch('z') }]]) }),
  }),
  '2a-17 nothing that reveals a vote leaves beside the log (P2)': step({
    effects: [written, { kind: 'send', to: 2, message: phase2b(now, 1) as never }],
  }),
  '2a-18 a 2b goes to the proposer of its ballot and speaks of that ballot (P6)': again({
    effects: [said(1, now, 3)],
  }),
  '2a-19 a 2b covers no gap: each slot is voted for in its ballot, or decided (P6)': again({
    effects: [said(2)],
  }),
  '2a-20 a 2b falls short of nothing: the slot after it is neither voted for nor decided (P6)':
    again({ effects: [said(0)] }),
  '2a-21 a vote takes the place of what was lost in its slot (S3)': step({
    before: lost,
    after: { ...voted, lost: lost.lost },
  }),
  '2a-22 no vote stands below one that was lost in its slot (S3)': step({
    before: state({ lost: new Map([[1, ballot(9, 3)]]) }),
  }),
  '2a-23 a vote decides nothing and forgets no slot': step({ after: { ...voted, firstSlot: 2 } }),
} satisfies Record<keyof typeof on2aClauses, Step2a>;

test.each(Object.entries<Step2a>(broken))('%s', (name, each) => {
  const clauses: Clauses<Step2a> = on2aClauses;
  expect(clauseHolds(clauses[name] as never, each)).toBe(false);
});
