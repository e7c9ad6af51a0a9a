import { expect, test } from 'vitest';
import { Acceptor, type AcceptorOptions } from './acceptor.ts';
import { zeroBallot } from './ballot.ts';
import { Executor } from './executor.ts';
import { Learner } from './learner.ts';
import { Outbox } from './outbox.ts';
import {
  alarmsOf,
  ballot,
  batch,
  decided,
  group,
  heldOf,
  lost,
  only,
  phase1a,
  phase2a,
  recordsOf,
  sentOf,
  voted,
} from '../../test/paxos/fixture.ts';

function acceptor(change: Partial<AcceptorOptions> = {}, cacheBytesMax = 1_000) {
  const learner = new Learner(new Executor(group(3), 0), new Map(), cacheBytesMax);
  const options: AcceptorOptions = {
    self: 2,
    firstSlot: 1,
    promised: zeroBallot,
    votes: new Map(),
    configuration: 1,
    lost: new Map(),
    voteAheadSlotsMax: 16,
    partBytesMax: 1_000,
    learner,
    ...change,
  };
  return { acceptor: new Acceptor(options), learner, out: new Outbox() };
}

/** Slots 1 … count are learned and released. */
function release(a: ReturnType<typeof acceptor>, count: number): void {
  for (let slot = 1; slot <= count; slot += 1) a.learner.decide(slot, batch(`d${slot}`));
  a.learner.release(a.acceptor.votes, a.out);
  a.acceptor.forgetReleased();
  a.out.take();
}

test('it promises what is above its promise, and refuses what is below', () => {
  const { acceptor: a, out } = acceptor({ promised: ballot(3, 2) });
  expect(a.on1a(1, phase1a(ballot(3, 1)), out)).toBe(false);
  expect(sentOf(out.take(), 1)).toEqual([
    { kind: 'nack', ballot: ballot(3, 1), promised: ballot(3, 2) },
  ]);
  expect(a.on1a(3, phase1a(ballot(3, 3)), out)).toBe(true);
  const effects = out.take();
  expect(recordsOf(effects)).toEqual([{ kind: 'promise', ballot: ballot(3, 3) }]);
  expect(only(heldOf(effects, 3), '1b')).toHaveLength(1);
  expect(a.promised).toEqual(ballot(3, 3));
});

test('a repeated 1a is answered again, without another record', () => {
  const { acceptor: a, out } = acceptor({ promised: ballot(3, 3) });
  expect(a.on1a(3, phase1a(ballot(3, 3)), out)).toBe(true);
  const effects = out.take();
  expect(recordsOf(effects)).toEqual([]);
  expect(only(heldOf(effects, 3), '1b')).toHaveLength(1);
});

test('its own ballot, its 1a’s and its own 1b are one write', () => {
  const { acceptor: a, out } = acceptor();
  a.stand(phase1a(ballot(4, 2)), [1, 3], out);
  const effects = out.take();
  expect(sentOf(effects)).toEqual([]);
  expect(recordsOf(effects)).toEqual([{ kind: 'promise', ballot: ballot(4, 2) }]);
  expect(only(heldOf(effects, 1), '1a')).toEqual([phase1a(ballot(4, 2))]);
  expect(only(heldOf(effects, 2), '1b')).toHaveLength(1);
});

test('a vote goes to the proposer of its ballot, whoever passed the 2a on', () => {
  const { acceptor: a, out } = acceptor();
  a.on2a(3, phase2a(ballot(1, 1), 1, 'x'), out);
  expect(only(heldOf(out.take(), 1), '2b')).toMatchObject([{ ballot: ballot(1, 1), through: 1 }]);
});

test('a vote below the promise is refused', () => {
  const { acceptor: a, out } = acceptor({ promised: ballot(3, 3) });
  a.on2a(1, phase2a(ballot(2, 1), 1, 'x'), out);
  const effects = out.take();
  expect(recordsOf(effects)).toEqual([]);
  expect(only(sentOf(effects, 1), 'nack')).toHaveLength(1);
});

test('a slot far ahead is not taken in', () => {
  // What waits for the first missing slot takes memory; the leader sends it again.
  const { acceptor: a, out } = acceptor();
  a.on2a(1, phase2a(ballot(1, 1), 17, 'x'), out);
  expect(out.take()).toEqual([]);
  a.on2a(1, phase2a(ballot(1, 1), 16, 'x'), out);
  expect(a.votes.has(16)).toBe(true);
});

test('a second value in one ballot is alarmed and changes nothing', () => {
  const { acceptor: a, out } = acceptor();
  a.on2a(1, phase2a(ballot(1, 1), 1, 'x'), out);
  out.take();
  a.on2a(1, phase2a(ballot(1, 1), 1, 'y'), out);
  const effects = out.take();
  expect(alarmsOf(effects)).toHaveLength(1);
  expect([recordsOf(effects), heldOf(effects)]).toEqual([[], []]);
  expect(a.votes.get(1)?.value).toEqual(batch('x'));
});

test('the same value in one ballot is acknowledged again, without another record', () => {
  const { acceptor: a, out } = acceptor();
  a.on2a(1, phase2a(ballot(1, 1), 1, 'x'), out);
  out.take();
  a.on2a(1, phase2a(ballot(1, 1), 1, 'x'), out);
  const effects = out.take();
  expect(recordsOf(effects)).toEqual([]);
  expect(only(heldOf(effects, 1), '2b')).toMatchObject([{ through: 1 }]);
});

test('the payload of the application goes with every 2b', () => {
  const { acceptor: a, out } = acceptor();
  a.payload = 42n;
  a.acknowledge(ballot(1, 1), 1, out);
  expect(only(heldOf(out.take(), 1), '2b')).toMatchObject([{ payload: 42n, through: 0 }]);
});

test('a 1b tells votes, decisions and losses, in slot order, from fromSlot on', () => {
  const a = acceptor({
    votes: new Map([
      [7, { ballot: ballot(1, 1), value: batch('g') }],
      [4, { ballot: ballot(1, 1), value: batch('d') }],
      [5, { ballot: ballot(1, 1), value: batch('e') }],
    ]),
    lost: new Map([[6, ballot(1, 1)]]),
  });
  a.learner.decide(5, batch('E'));
  a.acceptor.on1a(1, phase1a(ballot(2, 1), 5), a.out);
  expect(only(heldOf(a.out.take(), 1), '1b')).toMatchObject([
    { reported: [decided(5, 'E'), lost(6, ballot(1, 1)), voted(7, ballot(1, 1), 'g')] },
  ]);
});

test('an older vote never stands in for a lost one', () => {
  // The lost one is newer: it may be another value (S3). A vote at or above it says it all.
  const vote = (round: number) => ({ ballot: ballot(round, 1), value: batch('v') });
  const a = acceptor({
    votes: new Map([
      [1, vote(1)],
      [2, vote(2)],
      [3, vote(3)],
    ]),
    lost: new Map([1, 2, 3].map((slot) => [slot, ballot(2, 1)] as const)),
  });
  a.acceptor.on1a(1, phase1a(ballot(4, 1)), a.out);
  expect(only(heldOf(a.out.take(), 1), '1b')).toMatchObject([
    { reported: [lost(1, ballot(2, 1)), voted(2, ballot(2, 1), 'v'), voted(3, ballot(3, 1), 'v')] },
  ]);
});

test('a vote in a higher ballot makes a lost one good', () => {
  const a = acceptor({ lost: new Map([[1, ballot(1, 1)]]) });
  a.acceptor.on2a(3, phase2a(ballot(2, 3), 1, 'x'), a.out);
  expect([...a.acceptor.lost]).toEqual([]);
});

test('what is learned or released is forgotten, lost or not', () => {
  const a = acceptor({
    votes: new Map([1, 2, 3].map((s) => [s, { ballot: ballot(1, 1), value: batch(`d${s}`) }])),
    lost: new Map([1, 3, 4].map((s) => [s, ballot(1, 1)])),
  });
  a.learner.decide(3, batch('d3'));
  a.acceptor.forget(3);
  release(a, 2);
  expect([...a.acceptor.votes.keys()]).toEqual([]);
  expect([...a.acceptor.lost.keys()]).toEqual([4]);
});

test('many released slots with few votes, and few with many', () => {
  // Either way only votes above what is released are left.
  const vote = { ballot: ballot(1, 1), value: batch('v') };
  const few = acceptor({ votes: new Map([[9, vote]]) });
  release(few, 5);
  expect([...few.acceptor.votes.keys()]).toEqual([9]);
  const many = acceptor({ votes: new Map([1, 2, 3, 4].map((slot) => [slot, vote])) });
  release(many, 2);
  expect([...many.acceptor.votes.keys()]).toEqual([3, 4]);
});

test('a large 1b is told part by part, as it is asked for, each with at least one slot', () => {
  const votes = ['aaa', 'bbbbbbbbbbbb', 'c', 'd'].map(
    (text, i) => [i + 2, { ballot: ballot(1, 1), value: batch(text) }] as const,
  );
  const a = acceptor({
    votes: new Map(votes),
    lost: new Map([[6, ballot(1, 1)]]),
    partBytesMax: 5,
  });
  const told = (fromSlot: number) => {
    a.acceptor.on1a(1, phase1a(ballot(2, 1), fromSlot), a.out);
    const parts = only(heldOf(a.out.take(), 1), '1b');
    return parts.map((p) => [p.fromSlot, p.reported.map((r) => r.slot), p.nextSlot]);
  };
  expect(told(1)).toEqual([[1, [2], 3]]);
  expect(told(3)).toEqual([[3, [3], 4]]);
  expect(told(4)).toEqual([[4, [4, 5, 6], undefined]]);
  expect(told(7)).toEqual([[7, [], undefined]]);
});

test('to itself a proposer tells everything at once', () => {
  const vote = { ballot: ballot(1, 1), value: batch('more than a part') };
  const a = acceptor({ votes: new Map([1, 2].map((slot) => [slot, vote])), partBytesMax: 5 });
  a.acceptor.stand(phase1a(ballot(4, 2)), [1, 3], a.out);
  const told = only(heldOf(a.out.take(), 2), '1b');
  expect(told.map((p) => [p.reported.length, p.nextSlot])).toEqual([[2, undefined]]);
});

test('a 2a for a decided slot is acknowledged, or answered with what was decided', () => {
  const a = acceptor();
  release(a, 2);
  a.acceptor.on2a(1, phase2a(ballot(5, 1), 2, 'd2'), a.out);
  expect(only(heldOf(a.out.take(), 1), '2b')).toMatchObject([{ through: 2 }]);
  a.acceptor.on2a(1, phase2a(ballot(5, 1), 2, 'other'), a.out);
  const effects = a.out.take();
  expect(only(sentOf(effects, 1), 'learn-reply')).toMatchObject([
    { fromSlot: 2, values: [batch('d2')], decidedThrough: 2 },
  ]);
  expect([recordsOf(effects), heldOf(effects)]).toEqual([[], []]);
});

test('a decided slot whose value is in the log only counts as durable', () => {
  // The cache keeps slot 2 alone. Slot 1 is decided, and at ballots that may still lead it can
  // only be with the value that is proposed.
  const a = acceptor({}, 1);
  release(a, 2);
  a.acceptor.on2a(1, phase2a(ballot(5, 1), 1, 'd1'), a.out);
  expect(only(heldOf(a.out.take(), 1), '2b')).toMatchObject([{ through: 2 }]);
});

test('truncation and an installed snapshot move firstSlot forward only', () => {
  const a = acceptor();
  release(a, 4);
  a.acceptor.truncate(4);
  a.acceptor.truncate(2);
  expect(a.acceptor.firstSlot).toBe(4);
  a.acceptor.onInstalled(2);
  expect(a.acceptor.firstSlot).toBe(4);
  a.acceptor.onInstalled(4);
  expect(a.acceptor.firstSlot).toBe(5);
});

test.runIf(CONTRACTS)(
  'it never votes below its promise, over a decision, or below the base',
  () => {
    const a = acceptor({ promised: ballot(3, 3) });
    release(a, 1);
    const vote = (of: ReturnType<typeof ballot>, base: number, slot: number) => () =>
      a.acceptor.vote(of, base, slot, batch('x'), a.out);
    expect(vote(ballot(2, 1), 1, 2)).toThrow('vote-1');
    expect(vote(ballot(3, 3), 1, 1)).toThrow('vote-2');
    expect(vote(ballot(3, 3), 4, 2)).toThrow('vote-3');
    expect(() => a.acceptor.stand(phase1a(ballot(3, 2)), [], a.out)).toThrow('stand-1');
    expect(() => a.acceptor.truncate(5)).toThrow('only released slots');
    expect(() => a.acceptor.forget(5)).toThrow('decided');
  },
);
