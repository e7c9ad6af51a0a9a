import { expect, test } from 'vitest';
import { LeaderReads } from './leader-reads.ts';
import { Quorum } from './quorum.ts';
import { group } from '../../test/paxos/fixture.ts';

const leaderReads = (members = 3) => new LeaderReads(1, new Quorum(group(members)), 1_000);

/** Begins a round if one may begin; its heartbeat leaves at once. */
function begins(reads: LeaderReads, target: number): boolean {
  const begun = reads.begin(target);
  if (begun) reads.nextRound(1_000);
  return begun;
}
const asked = (number: number) => ({ from: 2, number });

test('without a read there is no round', () => {
  const reads = leaderReads();
  expect(begins(reads, 5)).toBe(false);
  expect(reads.confirmed()).toBeUndefined();
  expect(reads.round).toBe(0);
});

test('a round is confirmed by a quorum, the leader included', () => {
  const reads = leaderReads(5);
  reads.ask(asked(7));
  expect(begins(reads, 5)).toBe(true);
  reads.onAnswer(2, 1);
  reads.onAnswer(2, 1);
  expect(reads.confirmed()).toBeUndefined();
  reads.onAnswer(3, 1);
  expect(reads.confirmed()).toMatchObject({ asked: [asked(7)], target: 5 });
  expect(reads.confirmed()).toBeUndefined();
});

test('a late read does not join a running round', () => {
  // It waits for the next, whose frames leave after it came (Q1).
  const reads = leaderReads();
  reads.ask(asked(1));
  begins(reads, 3);
  reads.ask(asked(2));
  expect(begins(reads, 4)).toBe(false);
  reads.onAnswer(2, 1);
  expect(reads.confirmed()).toMatchObject({ asked: [asked(1)], target: 3 });
  expect(begins(reads, 4)).toBe(true);
  expect(reads.confirmed()).toBeUndefined();
  reads.onAnswer(3, 2);
  expect(reads.confirmed()).toMatchObject({ asked: [asked(2)], target: 4 });
});

test('an answer to an earlier round does not confirm a later one', () => {
  // Also when it comes after a newer answer of the same member.
  const reads = leaderReads();
  for (const number of [1, 2]) {
    reads.ask(asked(number));
    begins(reads, 0);
    reads.onAnswer(2, 1);
    expect(reads.confirmed() !== undefined).toBe(number === 1);
  }
  reads.onAnswer(2, 2);
  reads.onAnswer(2, 1);
  expect(reads.confirmed()).toBeDefined();
});

test('a group of one needs no answer', () => {
  const reads = leaderReads(1);
  reads.ask(asked(1));
  begins(reads, 2);
  expect(reads.confirmed()).toMatchObject({ target: 2 });
  expect(reads.quorumHeardAtMs()).toBe(Infinity);
});

test('it knows when the newest heartbeat that a quorum has answered was sent', () => {
  // Of five: itself and the second-newest of the others (L2). An answer proves nothing later than
  // the heartbeat that it answers, however late it comes. A new leader starts with now.
  const reads = leaderReads(5);
  for (const nowMs of [2_000, 3_000, 5_000]) reads.nextRound(nowMs);
  expect(reads.quorumHeardAtMs()).toBe(1_000);
  reads.onAnswer(2, 3);
  expect(reads.quorumHeardAtMs()).toBe(1_000);
  reads.onAnswer(3, 2);
  expect(reads.quorumHeardAtMs()).toBe(3_000);
  reads.onAnswer(9, 3);
  reads.onAnswer(3, 1);
  expect(reads.quorumHeardAtMs()).toBe(3_000);
});

test('an answer to a heartbeat of long ago proves nothing', () => {
  // Its time is forgotten: a leader keeps a bounded number of them.
  const reads = leaderReads();
  for (let i = 0; i < 1_100; i += 1) reads.nextRound(2_000 + i);
  reads.onAnswer(2, 1);
  expect(reads.quorumHeardAtMs()).toBe(1_000);
});

test('what is not answered is given back, once', () => {
  const reads = leaderReads();
  reads.ask(asked(1));
  begins(reads, 0);
  reads.ask(asked(2));
  expect(reads.drain()).toEqual([asked(1), asked(2)]);
  expect(reads.drain()).toEqual([]);
  reads.onAnswer(2, 1);
  expect(reads.confirmed()).toBeUndefined();
});

test.runIf(CONTRACTS)('nobody answers a round that was not asked', () => {
  expect(() => leaderReads().onAnswer(2, 1)).toThrow('not asked');
});
