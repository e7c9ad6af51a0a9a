import { expect, test } from 'vitest';
import { Executor } from './executor.ts';
import { Learner } from './learner.ts';
import { Outbox } from './outbox.ts';
import type { Slot } from './slot.ts';
import type { Value } from './value.ts';
import type { Vote } from './vote.ts';
import { ballot, batch, executedOf, group, stop } from '../../test/paxos/fixture.ts';

const noVotes: ReadonlyMap<Slot, Vote> = new Map();
const b1 = ballot(1, 1);
const b2 = ballot(2, 2);
const learner = (restored: ReadonlyMap<Slot, Value> = new Map(), executedThrough = 0) =>
  new Learner(new Executor(group(3), executedThrough), restored, 1_000);
const votesIn = (of: typeof b1, ...slots: Slot[]): ReadonlyMap<Slot, Vote> =>
  new Map(slots.map((slot) => [slot, { ballot: of, value: batch(`v${slot}`) }]));

function released(l: Learner, votes = noVotes): readonly string[] {
  const out = new Outbox();
  l.release(votes, out);
  return executedOf(out.take());
}

test('decided values are released in order, each once', () => {
  const l = learner();
  l.decide(2, batch('b'));
  expect(released(l)).toEqual([]);
  expect([l.isDecided(1), l.isDecided(2), l.knownThrough]).toEqual([false, true, 2]);
  expect([...l.unreleased.keys()]).toEqual([2]);
  l.decide(1, batch('a'));
  l.decide(1, batch('a'));
  expect(released(l)).toEqual(['a', 'b']);
  l.decide(1, batch('a'));
  expect(released(l)).toEqual([]);
  expect([l.valueOf(1), l.unreleased.size, l.cacheFirstSlot]).toEqual([batch('a'), 0, 1]);
});

test('what the log gave back counts, above what is executed', () => {
  const restored = new Map([
    [2, batch('old')],
    [4, batch('d')],
  ]);
  const l = learner(restored, 2);
  expect([l.knownThrough, l.releasedThrough, [...l.unreleased.keys()]]).toEqual([4, 2, [4]]);
  l.decide(3, batch('c'));
  expect(released(l)).toEqual(['c', 'd']);
});

test('a leader’s word releases only votes of its ballot, from its base through its word', () => {
  // P8, and each of the three limits by itself.
  const l = learner();
  l.hear(b2, 2, 3);
  expect(released(l, votesIn(b1, 1, 2, 3, 4))).toEqual([]);
  expect(released(l, votesIn(b2, 1, 2, 3, 4))).toEqual([]);
  l.decide(1, batch('a'));
  expect(released(l, votesIn(b1, 1, 2, 3, 4))).toEqual(['a']);
  expect(released(l, votesIn(b2, 2, 3, 4))).toEqual(['v2', 'v3']);
});

test('the word of a lower ballot, or an older word, changes nothing', () => {
  const l = learner();
  l.hear(b2, 1, 2);
  l.hear(b1, 1, 9);
  l.hear(b2, 1, 1);
  expect(released(l, votesIn(b1, 1, 2))).toEqual([]);
  expect(released(l, votesIn(b2, 1, 2, 3))).toEqual(['v1', 'v2']);
  expect(l.knownThrough).toBe(9);
});

test('a decided value outranks the vote that its leader’s word would prove', () => {
  // It was learned: that is stronger evidence than any vote (P11).
  const l = learner();
  l.decide(1, batch('learned'));
  l.hear(b1, 1, 1);
  expect(released(l, votesIn(b1, 1))).toEqual(['learned']);
});

test('what anybody has is known to exist', () => {
  const l = learner();
  l.hearThrough(7);
  l.hearThrough(3);
  expect(l.knownThrough).toBe(7);
  expect(released(l)).toEqual([]);
});

test('nothing is released past a stop', () => {
  // What was voted or decided beyond it is void (R9).
  const l = learner();
  l.decide(2, batch('void'));
  l.decide(1, stop);
  l.hear(b1, 1, 3);
  expect(released(l, votesIn(b1, 3))).toEqual(['(stop)']);
  expect(l.unreleased.size).toBe(0);
  expect(released(l, votesIn(b1, 2, 3))).toEqual([]);
});

test('an installed snapshot covers what waited below it', () => {
  const executor = new Executor(group(3), 0);
  const l = new Learner(executor, new Map(), 1_000);
  for (const slot of [3, 6]) l.decide(slot, batch(`v${slot}`));
  executor.onInstalled(5);
  l.onInstalled(5);
  expect([...l.unreleased.keys()]).toEqual([6]);
  expect([l.knownThrough, l.cacheFirstSlot]).toEqual([6, 6]);
  expect(released(l)).toEqual(['v6']);
});

test.runIf(CONTRACTS)('a slot has one decided value', () => {
  const l = learner();
  l.decide(1, batch('a'));
  expect(() => l.decide(1, batch('b'))).toThrow('one decided value');
});
