import { type Clauses, clauseHolds } from '@rsl/contracts';
import { expect, test } from 'vitest';
import { ballot, batch } from '../../../test/paxos/fixture.ts';
import type { Reported } from '../messages.ts';
import type { Adoption } from '../adoption.ts';
import { noOp, type Value } from '../value.ts';
import { adoptionClauses, type AdoptionStep } from './adoption.ts';

// Each clause of the table is shown to fail: an adoption that breaks it, and a right one.

const low = ballot(2, 1);
const high = ballot(3, 2);
const [x, y, z] = [batch('x'), batch('y'), batch('z')];

const voted = (slot: number, of: typeof low, value: Value): Reported => ({
  slot,
  state: 'voted',
  ballot: of,
  value,
});
const lost = (slot: number, of: typeof low): Reported => ({ slot, state: 'lost', ballot: of });
const decided = (slot: number, value: Value): Reported => ({ slot, state: 'decided', value });

/** Slot 1 voted twice, slot 2 a hole, slot 3 decided, slot 4 lost and covered. */
const promises = new Map([
  [1, [voted(1, low, x), decided(3, z), voted(4, high, z)]],
  [2, [voted(1, high, y), lost(4, low)]],
]);
const right: Adoption = { base: 1, values: [y, noOp, z, z], decided: new Map([[3, z]]) };

const step = (adoption: Partial<Adoption>, change: Partial<AdoptionStep> = {}): AdoptionStep => ({
  adoption: { ...right, ...adoption },
  promises,
  quorumSize: 2,
  heardThrough: 0,
  releasedThrough: 0,
  ...change,
});

test('an adoption as it should be breaks nothing', () => {
  for (const [name, clause] of Object.entries(adoptionClauses as Clauses<AdoptionStep>)) {
    expect(clauseHolds(clause, step({})), name).toBe(true);
  }
});

const torn = new Map([
  [1, [voted(1, low, x)]],
  [2, [voted(1, low, y)]],
]);

const broken = {
  'adopt-1 whole promises of a quorum came first (P4)': step({}, { quorumSize: 3 }),
  'adopt-2 nothing is proposed below what anybody truncated or decided (R7)': step(
    {},
    { heardThrough: 1 },
  ),
  'adopt-3 nothing is proposed over what is released here (P8)': step({}, { releasedThrough: 1 }),
  'adopt-4 every slot that somebody reported is adopted or a no-op, up to the highest (P4)': step({
    values: [y, noOp, z],
  }),
  'adopt-5 nothing is adopted above the highest slot reported (P4)': step({
    values: [y, noOp, z, z, noOp],
  }),
  'adopt-6 a decided value is adopted whatever was voted (P4)': step({ values: [y, noOp, x, z] }),
  'adopt-7 of the votes in a slot the one of the highest ballot is adopted (P4)': step({
    values: [x, noOp, z, z],
  }),
  'adopt-8 one ballot has one value in a slot, whoever reports it (P3)': step(
    { values: [x], decided: new Map() },
    { promises: torn },
  ),
  'adopt-9 a hole is filled with a no-op (P4)': step({ values: [y, x, z, z] }),
  'adopt-10 a member that lost a vote counts for its slot only if that vote is covered (S3)': step(
    { values: [noOp], decided: new Map() },
    {
      promises: new Map([
        [1, [lost(1, high)]],
        [2, []],
      ]),
    },
  ),
  'adopt-11 only what somebody reported as decided is learned as decided': step({
    decided: new Map([
      [1, y],
      [3, z],
    ]),
  }),
} satisfies Record<keyof typeof adoptionClauses, AdoptionStep>;

test.each(Object.entries<AdoptionStep>(broken))('%s', (name, each) => {
  const clauses: Clauses<AdoptionStep> = adoptionClauses;
  expect(clauseHolds(clauses[name] as never, each)).toBe(false);
});
