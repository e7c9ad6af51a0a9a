import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Leadership } from '../api.ts';
import type { Emit } from '../events.ts';
import { type Ballot, compareBallots } from '../paxos/ballot.ts';
import { fenceOf, Leading } from './leading.ts';

const ballot = (round: number): Ballot => ({ configuration: 1, round, proposer: 1 });

function stage() {
  const told: (readonly [event: string, leadership: Leadership])[] = [];
  const emit: Emit = (event, what) => void told.push([event, what as Leadership]);
  return { leading: new Leading(emit), told };
}

const integer = (max: number): fc.Arbitrary<number> =>
  fc.oneof(fc.integer({ min: 0, max }), fc.constantFrom(0, 9, 10, 15, 16, 255, 256, max));

const anyBallot = fc.record({
  configuration: integer(2 ** 32 - 1),
  round: integer(2 ** 32 - 1),
  proposer: integer(65_535),
});

test('fences are in the order of their ballots, as strings', () => {
  fc.assert(
    fc.property(anyBallot, anyBallot, (a, b) => {
      const [one, two] = [fenceOf(a), fenceOf(b)];
      expect(one).toMatch(/^[0-9a-f]{20}$/);
      expect(Math.sign(compareBallots(a, b))).toBe(one < two ? -1 : one > two ? 1 : 0);
    }),
    { seed: 1, numRuns: 1_000 },
  );
});

test('a leadership is told with its fence, and recovers as the same', () => {
  const { leading, told } = stage();
  leading.begin(ballot(3));
  leading.recover(ballot(3));
  const [first, second] = told;
  expect(first).toEqual(['leading', expect.objectContaining({ ballot: ballot(3) })]);
  expect(first?.[1].fence).toBe('00000001000000030001');
  expect(second).toEqual(['recovered', first?.[1]]);
});

test('its signal fires when it ends, and not with a later one', () => {
  const { leading, told } = stage();
  leading.begin(ballot(3));
  expect(told[0]?.[1].signal.aborted).toBe(false);
  leading.end();
  leading.begin(ballot(4));
  leading.end();
  leading.end();
  leading.begin(ballot(5));
  expect(told.map(([, { signal }]) => signal.aborted)).toEqual([true, true, false]);
});
