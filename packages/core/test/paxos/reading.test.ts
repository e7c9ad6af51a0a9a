import { expect, test } from 'vitest';
import { ballot, heartbeat, phase1a, phase1b, phase2b, voted } from './fixture.ts';
import { Bench } from './bench.ts';

const read = (b: Bench, id: number, number: number) => b.step(id, { kind: 'read', read: number });

test('a read is served after a quorum has answered its round', () => {
  // Before that another leader may have decided something that it must see (Q1).
  const b = new Bench();
  b.elect(1);
  b.propose(1, 'x');
  b.settle();
  read(b, 1, 7);
  expect(b.replica(1).ready).toEqual([]);
  b.deliver('heartbeat', { to: 2 });
  expect(b.replica(1).ready).toEqual([]);
  b.deliver('heartbeat-answer', { from: 2 });
  expect(b.replica(1).ready).toEqual([7]);
});

test('a read that comes later waits for the next round', () => {
  // The answer that is on its way was given before the read began: a write that another leader
  // acknowledged in between would be missed (Q1).
  const b = new Bench();
  b.elect(1);
  read(b, 1, 1);
  b.deliver('heartbeat', { to: 2 });
  read(b, 1, 2);
  b.deliver('heartbeat-answer', { from: 2 });
  expect(b.replica(1).ready).toEqual([1]);
  b.deliver('heartbeat', { to: 3 });
  b.deliver('heartbeat-answer', { from: 3 });
  expect(b.replica(1).ready).toEqual([1]);
  b.settle();
  expect(b.replica(1).ready).toEqual([1, 2]);
});

test('however many reads wait, one round answers them all', () => {
  // A hundred on each replica while a round runs: the next one is for all of them.
  const b = new Bench();
  b.elect(1);
  b.drop();
  const rounds = () =>
    new Set(b.mail('heartbeat').map((l) => 'round' in l.message && l.message.round));
  read(b, 1, 0);
  expect(rounds().size).toBe(1);
  for (const id of [1, 2, 3]) for (let i = 1; i <= 100; i += 1) read(b, id, 100 * id + i);
  // Each follower has asked once, for its first; the others wait for that answer.
  expect(b.mail('read-request')).toHaveLength(2);
  for (const from of [2, 3]) b.deliver('read-request', { from });
  expect(rounds().size).toBe(1);
  b.deliver('heartbeat', { to: 2 });
  b.deliver('heartbeat-answer', { from: 2 });
  expect(b.replica(1).ready).toEqual([0]);
  expect(rounds().size).toBe(2);
  b.drop('heartbeat', { to: 3 });
  b.deliver('heartbeat', { to: 2 });
  b.deliver('heartbeat-answer', { from: 2 });
  expect(b.replica(1).ready).toHaveLength(101);
  expect(b.mail('read-answer')).toHaveLength(2);
  // The first of each follower is answered; its other 99 are one request, and all are one round.
  for (const to of [2, 3]) b.deliver('read-answer', { to });
  for (const from of [2, 3]) b.deliver('read-request', { from });
  const last = rounds();
  expect(last.size).toBe(1);
  b.settle();
  for (const id of [2, 3]) expect(b.replica(id).ready).toHaveLength(100);
});

test('a late request of a follower does not join a running round either', () => {
  // The same over the network: the leader's round began before the follower's read.
  const b = new Bench();
  b.elect(1);
  read(b, 1, 1);
  b.deliver('heartbeat', { to: 2 });
  b.put(3, 1, { kind: 'read-request', number: 99 });
  b.deliver('heartbeat-answer', { from: 2 });
  expect(b.mail('read-answer')).toEqual([]);
  b.settle();
});

test('answers of one member are one answer', () => {
  // Five members: the leader and one other are no quorum, however often that one answers.
  const b = new Bench({ replicas: 5 });
  b.elect(1);
  read(b, 1, 1);
  const { message } = b.take('heartbeat', { to: 2 });
  for (let i = 0; i < 3; i += 1) b.put(1, 2, message);
  for (let i = 0; i < 3; i += 1) b.deliver('heartbeat-answer', { from: 2 });
  expect(b.replica(1).ready).toEqual([]);
  b.deliver('heartbeat', { to: 3 });
  b.deliver('heartbeat-answer', { from: 3 });
  expect(b.replica(1).ready).toEqual([1]);
});

test('a read waits for the barrier of a new leader', () => {
  // "x" may have been acknowledged by the leader before. The new one has adopted it and not yet
  // executed it: an answer from its present state would be stale (Q1).
  const b = new Bench({ played: [2, 3] });
  b.stand(1);
  b.sync(1);
  const of = ballot(1, 1);
  read(b, 1, 5);
  b.put(2, 1, phase1b(of, { reported: [voted(1, ballot(0, 2), 'x')] }));
  b.answer(2, 1);
  expect(b.replica(1).ready).toEqual([]);
  expect(b.replica(1).events).not.toContainEqual({ kind: 'recovered', ballot: of });
  b.put(2, 1, phase2b(of, 1));
  b.sync(1);
  expect(b.replica(1).executed).toEqual(['x']);
  expect(b.replica(1).ready).toEqual([5]);
  expect(b.replica(1).events).toContainEqual({ kind: 'recovered', ballot: of });
});

test('a read waits for what others have truncated or released', () => {
  // Phase 1 reported that slots 1 … 4 are decided; this leader has to learn them before it serves.
  const b = new Bench({ played: [2, 3] });
  b.stand(1);
  b.sync(1);
  const of = ballot(1, 1);
  b.put(2, 1, phase1b(of, { firstSlot: 3, decidedThrough: 4 }));
  read(b, 1, 5);
  b.answer(2, 1);
  expect(b.replica(1).ready).toEqual([]);
  expect(b.replica(1).events).not.toContainEqual({ kind: 'recovered', ballot: of });
});

test('a read waits until the state machine has executed what was decided', () => {
  // Released is not executed: the engine may be behind.
  const b = new Bench();
  b.elect(1);
  b.replica(1).executes = false;
  b.propose(1, 'x');
  b.settle();
  read(b, 1, 1);
  b.settle();
  expect(b.replica(1).ready).toEqual([]);
  b.step(1, { kind: 'executed', through: 1 });
  expect(b.replica(1).ready).toEqual([1]);
});

test('a deposed leader serves nothing', () => {
  // 1 does not know yet that 2 leads and has decided "x". Nobody answers its round, or with a nack.
  const b = new Bench();
  b.elect(1);
  b.nowMs += 301;
  b.drop();
  b.cutOff(1);
  b.elect(2);
  b.propose(2, 'x');
  b.settle();
  b.rejoin(1);
  read(b, 1, 1);
  for (const id of [2, 3]) b.deliver('heartbeat', { to: id });
  expect(b.mail('heartbeat-answer', { to: 1 })).toEqual([]);
  b.settle();
  expect(b.replica(1).ready).toEqual([]);
  b.wait(600);
  expect(b.replica(1).ready).toEqual([1]);
  expect(b.replica(1).executed).toEqual(['x']);
});

test('an answer from before a promise does not help a later round', () => {
  // 2 answers round 0, then promises 3's ballot. The answer that counts must be of the read's own
  // round.
  const b = new Bench({ played: [2, 3] });
  b.stand(1);
  b.sync(1);
  const of = ballot(1, 1);
  b.put(2, 1, phase1b(of));
  const round = 1;
  const answer = {
    kind: 'heartbeat-answer',
    ballot: of,
    round,
    executedThrough: 0,
    full: false,
  } as const;
  expect(b.mail('heartbeat', { to: 2 }).map((l) => l.message)).toMatchObject([{ round }]);
  read(b, 1, 1);
  expect(b.mail('heartbeat', { to: 2 }).map((l) => l.message)).toMatchObject([
    { round },
    { round: round + 1 },
  ]);
  for (const id of [2, 3]) b.put(id, 1, answer);
  b.put(2, 1, { ...answer, round: 99 });
  b.put(2, 1, { ...answer, round: round + 1, ballot: ballot(0, 1) });
  expect(b.replica(1).ready).toEqual([]);
  b.put(2, 1, { ...answer, round: round + 1 });
  expect(b.replica(1).ready).toEqual([1]);
});

test('a follower reads at the slot that its leader names, once it is there', () => {
  // It asks; the leader runs a round; the follower executes through the named slot first.
  const b = new Bench();
  b.elect(1);
  b.replica(3).executes = false;
  b.propose(1, 'x');
  b.wait(100);
  read(b, 3, 4);
  b.settle();
  expect(b.replica(3).ready).toEqual([]);
  b.step(3, { kind: 'executed', through: 1 });
  expect(b.replica(3).ready).toEqual([4]);
});

test('reads that a leader has not answered are refused when it steps down', () => {
  // The follower that asked asks the next leader, and so does the leader itself.
  const b = new Bench();
  b.elect(1);
  b.wait(60);
  read(b, 1, 1);
  b.put(3, 1, { kind: 'read-request', number: 42 });
  b.drop('heartbeat');
  b.put(2, 1, heartbeat(ballot(9, 2)));
  expect(b.take('read-answer', { to: 3 }).message).toEqual({
    kind: 'read-answer',
    number: 42,
    slot: undefined,
  });
  expect(b.take('read-request', { from: 1, to: 2 }).message).toMatchObject({});
  expect(b.replica(1).ready).toEqual([]);
});

test('whoever does not lead refuses a read', () => {
  // The asker has an old idea of who leads.
  const b = new Bench();
  b.put(3, 2, { kind: 'read-request', number: 1 });
  expect(b.take('read-answer', { to: 3 }).message).toMatchObject({ number: 1, slot: undefined });
});

test('a member that has promised more does not confirm a round', () => {
  // That is what the round asks: "have you promised nothing above b?"
  const b = new Bench();
  b.elect(1);
  b.put(3, 2, phase1a(ballot(5, 3)));
  b.sync(2);
  b.drop();
  read(b, 1, 1);
  b.deliver('heartbeat', { to: 2 });
  expect(b.mail('heartbeat-answer', { from: 2 })).toEqual([]);
  expect(b.mail('nack', { from: 2, to: 1 })).toHaveLength(1);
});

test('reads still open when the stop is released are not served in that configuration', () => {
  // What comes after the stop is decided elsewhere (R9).
  const b = new Bench({ replicas: 3, played: [2, 3] });
  b.stand(1);
  b.sync(1);
  const of = ballot(1, 1);
  b.put(2, 1, phase1b(of));
  b.propose(1, 'stop');
  read(b, 1, 1);
  b.put(3, 1, { kind: 'read-request', number: 8 });
  b.put(2, 1, phase2b(of, 1));
  b.sync(1);
  expect(b.replica(1).executed).toEqual(['(stop)']);
  expect(b.take('read-answer', { to: 3 }).message).toMatchObject({ number: 8, slot: undefined });
  b.answer(2, 1);
  expect(b.replica(1).ready).toEqual([]);
});
