import { type Clauses, clauseHolds } from '@rsl/contracts';
import { expect, test } from 'vitest';
import { batch } from '../../../test/paxos/fixture.ts';
import { leadClauses, type LeadStep } from './lead.ts';

// Each clause of the table is shown to fail: a beginning that breaks it, and a right one.

const adoption = { base: 5, values: [batch('x'), batch('y')], decided: new Map() };

const step = (change: Partial<LeadStep> = {}): LeadStep => ({
  adoption,
  releasedThrough: 4,
  nextSlot: 7,
  barrier: 6,
  inFlight: 2,
  stopProposed: false,
  throughs: [4, 4],
  ...change,
});

test('a beginning as it should be breaks nothing', () => {
  const withStop = step({ nextSlot: 6, barrier: 5, inFlight: 1, stopProposed: true });
  for (const each of [step(), withStop]) {
    for (const [name, clause] of Object.entries(leadClauses as Clauses<LeadStep>)) {
      expect(clauseHolds(clause, each), name).toBe(true);
    }
  }
});

const broken = {
  'lead-1 nothing decided is proposed over (P8)': step({ releasedThrough: 5 }),
  'lead-2 everything adopted is proposed first, and only that (P4)': step({ nextSlot: 8 }),
  'lead-3 whatever is adopted is proposed, but for what lies past a stop (P4, R9)': step({
    nextSlot: 6,
  }),
  'lead-4 reads wait for all that was adopted (Q1)': step({ barrier: 4 }),
  'lead-5 all that was adopted is in flight (P4)': step({ inFlight: 1 }),
  'lead-6 nobody is believed to hold anything in a ballot before it says so (P6)': step({
    throughs: [4, 5],
  }),
} satisfies Record<keyof typeof leadClauses, LeadStep>;

test.each(Object.entries<LeadStep>(broken))('%s', (name, each) => {
  const clauses: Clauses<LeadStep> = leadClauses;
  expect(clauseHolds(clauses[name] as never, each)).toBe(false);
});
