import { expect, test } from 'vitest';
import { compareBallots, describeBallot, higherBallot, sameBallot, zeroBallot } from './ballot.ts';
import { ballot } from '../../test/paxos/fixture.ts';

test('ballots are ordered by configuration, then round, then proposer', () => {
  // A later configuration deposes whatever the rounds (R6), and two proposers never tie.
  const ascending = [
    zeroBallot,
    ballot(1, 1),
    ballot(1, 2),
    ballot(2, 1),
    ballot(10, 1),
    ballot(1, 1, 2),
  ];
  for (const [i, a] of ascending.entries()) {
    for (const [j, b] of ascending.entries()) {
      expect(Math.sign(compareBallots(a, b))).toBe(Math.sign(i - j));
      expect(sameBallot(a, b)).toBe(i === j);
      expect(higherBallot(a, b)).toEqual(ascending[Math.max(i, j)]);
    }
  }
});

test('a ballot reads as configuration.round.proposer', () => {
  expect(describeBallot(ballot(7, 3, 2))).toBe('2.7.3');
});
