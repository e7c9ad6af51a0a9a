import { expect, test } from 'vitest';
import { Bench } from './bench.ts';
import { ballot, heartbeat, phase1a, phase1b, phase2a, phase2b, voted } from './fixture.ts';

const lease = { forMs: 250, drift: 0.001 };
/** What a leader may rely on, from when its heartbeat left. */
const usableMs = (250 * 0.999) / 1.001 - 10;

const read = (b: Bench, id: number, number: number) => b.step(id, { kind: 'read', read: number });
const ready = (b: Bench, id: number) => b.replica(id).ready;

/** 1 leads, and a quorum has granted its first heartbeat. */
function leased(options: { replicas?: number; timings?: object } = {}): Bench {
  const b = new Bench({ lease, ...options });
  b.elect(1);
  b.settle();
  return b;
}

test('with a lease a read is served at once, without a round', () => {
  const b = leased();
  b.propose(1, 'x');
  b.settle();
  read(b, 1, 7);
  expect(ready(b, 1)).toEqual([7]);
  expect(b.mail('heartbeat')).toEqual([]);
});

test('a follower’s read is answered from the lease too', () => {
  const b = leased();
  b.propose(1, 'x');
  b.settle();
  read(b, 3, 7);
  b.deliver('read-request', { from: 3 });
  expect(b.mail('heartbeat')).toEqual([]);
  b.deliver('read-answer', { to: 3 });
  b.wait(60);
  expect(ready(b, 3)).toEqual([7]);
});

test('the lease ends, counted from when its heartbeat left, not from when it was answered', () => {
  const b = new Bench({ lease });
  b.elect(1);
  b.settle();
  b.nowMs += 51;
  const sentAtMs = b.nowMs;
  b.tick(1);
  b.drop('heartbeat', { to: 3 });
  b.nowMs += 150;
  b.deliver('heartbeat', { to: 2 });
  b.sync(2);
  b.deliver('grant', { from: 2 });
  b.drop();
  b.nowMs = sentAtMs + usableMs - 1;
  read(b, 1, 1);
  expect(ready(b, 1)).toEqual([1]);
  b.nowMs = sentAtMs + usableMs + 1;
  read(b, 1, 2);
  expect(ready(b, 1)).toEqual([1]);
  expect(b.mail('heartbeat')).not.toEqual([]);
});

test('it is the time of the read that counts, not that of the last tick', () => {
  const b = leased();
  b.tick(1);
  b.drop();
  b.nowMs += 251;
  read(b, 1, 1);
  expect(ready(b, 1)).toEqual([]);
});

test('one grant of five is no quorum', () => {
  const b = new Bench({ lease, replicas: 5 });
  b.elect(1);
  b.settle();
  b.nowMs += 300;
  b.tick(1);
  b.deliver('heartbeat', { to: 2 });
  b.sync(2);
  b.deliver('grant', { from: 2 });
  read(b, 1, 1);
  expect(ready(b, 1)).toEqual([]);
});

test('whoever granted it gives no 1b, does not stand, and is silent to may-i', () => {
  const b = leased();
  const before = b.replica(2).view.promised;
  b.put(3, 2, phase1a(ballot(9, 3)));
  b.put(3, 2, { kind: 'may-i', ballot: ballot(8, 3) });
  b.stand(2);
  b.sync(2);
  expect(b.bag).toEqual([]);
  expect(b.replica(2).view.promised).toEqual(before);
  b.nowMs += 250;
  b.put(3, 2, phase1a(ballot(9, 3)));
  b.sync(2);
  expect(b.mail('1b', { from: 2, to: 3 })).toHaveLength(1);
});

test('whoever has promised more grants nothing', () => {
  const b = leased();
  b.put(3, 2, phase2a(ballot(9, 3), 1, 'y'));
  b.sync(2);
  b.drop();
  b.put(1, 2, heartbeat(ballot(1, 1), { leaseMs: 250, round: 9 }));
  b.sync(2);
  expect([b.mail('grant'), b.mail('nack', { to: 1 })]).toMatchObject([[], [{}]]);
});

test('it votes in a higher ballot: that somebody leads there shows that a quorum was free', () => {
  const b = leased();
  b.put(3, 2, phase2a(ballot(9, 3), 1, 'y'));
  b.sync(2);
  expect(b.mail('2b', { from: 2, to: 3 })).toHaveLength(1);
});

test('a leader that stands again is promised by those that granted it a lease', () => {
  const b = leased();
  b.stand(1);
  b.settle();
  expect(b.replica(1).view).toMatchObject({ role: 'phase2', ballot: ballot(2, 1) });
});

test('a new ballot of the same leader begins without a lease', () => {
  // What was granted to the ballot before proves nothing for this one.
  const b = leased();
  b.stand(1);
  b.sync(1);
  b.deliver('1a', { to: 2 });
  b.sync(2);
  b.deliver('1b', { from: 2 });
  expect(b.replica(1).view.role).toBe('phase2');
  read(b, 1, 1);
  expect(ready(b, 1)).toEqual([]);
});

test('a grantor that starts again waits as long as it may have granted', () => {
  // It has forgotten to whom; its log remembers for how long.
  const b = leased();
  b.crash(2);
  b.restart(2);
  b.stand(2);
  b.put(3, 2, phase1a(ballot(9, 3)));
  b.put(1, 2, phase1a(ballot(9, 1)));
  b.put(3, 2, { kind: 'may-i', ballot: ballot(8, 3) });
  b.sync(2);
  expect(b.bag).toEqual([]);
  b.nowMs += 250;
  b.put(3, 2, phase1a(ballot(9, 3)));
  b.sync(2);
  expect(b.mail('1b', { from: 2, to: 3 })).toHaveLength(1);
});

test('a grant does not leave before the log remembers how long it is', () => {
  const b = new Bench({ lease });
  b.stalled.add(2);
  b.elect(1);
  b.settle();
  expect(b.replica(2).disk).toEqual([]);
  b.wait(60);
  expect(b.mail('grant')).toEqual([]);
  b.sync(2);
  expect(b.replica(2).disk).toContainEqual({ kind: 'lease', leaseMs: 250 });
  expect(b.mail('grant', { from: 2, to: 1 })).not.toEqual([]);
});

test('a leader that has not recovered serves nothing by its lease', () => {
  // "x" may have been acknowledged by the leader before; this one has not executed it yet.
  const b = new Bench({ lease, played: [2, 3] });
  b.stand(1);
  b.sync(1);
  const of = ballot(1, 1);
  b.put(2, 1, phase1b(of, { reported: [voted(1, ballot(0, 2), 'x')] }));
  b.put(2, 1, { kind: 'grant', ballot: of, round: 1 });
  read(b, 1, 5);
  b.put(3, 1, { kind: 'read-request', number: 9 });
  expect([ready(b, 1), b.mail('read-answer')]).toEqual([[], []]);
  b.put(2, 1, phase2b(of, 1));
  b.sync(1);
  expect(b.replica(1).executed).toEqual(['x']);
  expect(ready(b, 1)).toEqual([5]);
  expect(b.mail('read-answer', { to: 3 })).toMatchObject([{ message: { number: 9, slot: 1 } }]);
});

test('a read by lease waits until the state machine has executed what was decided', () => {
  const b = leased();
  b.replica(1).executes = false;
  b.propose(1, 'x');
  b.settle();
  b.step(1, { kind: 'executed', through: 0 });
  read(b, 1, 1);
  expect(ready(b, 1)).toEqual([]);
  b.step(1, { kind: 'executed', through: 1 });
  expect(ready(b, 1)).toEqual([1]);
});

test('reads that wait for a round are answered when the lease comes', () => {
  const b = new Bench({ lease, played: [2, 3] });
  b.stand(1);
  b.sync(1);
  const of = ballot(1, 1);
  b.put(2, 1, phase1b(of));
  read(b, 1, 1);
  b.put(3, 1, { kind: 'read-request', number: 9 });
  expect(ready(b, 1)).toEqual([]);
  b.put(2, 1, { kind: 'grant', ballot: of, round: 2 });
  expect(ready(b, 1)).toEqual([1]);
  expect(b.mail('read-answer', { to: 3 })).toHaveLength(1);
});

test('grants of another ballot, of a round not yet begun, or of itself count for nothing', () => {
  const b = new Bench({ lease, played: [2, 3] });
  b.stand(1);
  b.sync(1);
  const of = ballot(1, 1);
  b.put(2, 1, phase1b(of));
  b.put(2, 1, { kind: 'grant', ballot: ballot(0, 1), round: 1 });
  b.put(2, 1, { kind: 'grant', ballot: of, round: 2 });
  b.put(1, 1, { kind: 'grant', ballot: of, round: 1 });
  b.put(9, 1, { kind: 'grant', ballot: of, round: 1 });
  read(b, 1, 1);
  expect(ready(b, 1)).toEqual([]);
});

test('whoever proposes a stop gives its lease up, and asks for none', () => {
  // Others may lead after the stop, and owe this ballot nothing (R10).
  const b = leased();
  b.propose(1, 'stop');
  b.drop();
  read(b, 1, 1);
  expect(ready(b, 1)).toEqual([]);
  expect(b.take('heartbeat', { to: 2 }).message).toMatchObject({ leaseMs: 0 });
});

test('whoever was suspended gives its lease up, for good in its ballot', () => {
  const b = leased();
  b.step(1, { kind: 'suspended' });
  read(b, 1, 1);
  expect(ready(b, 1)).toEqual([]);
  b.wait(100);
  expect(ready(b, 1)).toEqual([1]);
  read(b, 1, 2);
  expect(ready(b, 1)).toEqual([1]);
  b.settle();
  b.elect(1);
  b.settle();
  read(b, 1, 3);
  expect(ready(b, 1)).toEqual([1, 2, 3]);
});

/** Time passes until 1 has offered its place; everything arrives but the offer. */
function offered(b: Bench): void {
  for (let ms = 0; b.mail('stand-now').length === 0; ms += 10) {
    if (ms > 2_000) throw new Error('1 offers its place to nobody');
    b.nowMs += 10;
    for (const id of [1, 2, 3]) b.tick(id);
    for (let letter = next(b); letter !== undefined; letter = next(b)) {
      b.deliver(letter.message.kind, letter);
      for (const id of [2, 3]) b.sync(id);
    }
  }
}

const next = (b: Bench) => b.bag.find(({ message }) => message.kind !== 'stand-now');

test('whoever offers its place gives its lease up first, and frees the others from it (L4)', () => {
  // 1 writes nothing any more. Its heir stands within the lease, and the third, which granted it
  // as well, promises at once.
  const b = leased();
  b.stalled.add(1);
  b.propose(1, 'x');
  offered(b);
  read(b, 1, 1);
  expect(ready(b, 1)).toEqual([]);
  const { to: heir, message } = b.take('stand-now');
  const third = 5 - heir;
  b.put(third, heir, phase1a(ballot(9, third)));
  expect(b.mail('1b')).toEqual([]);
  b.put(1, heir, message);
  b.sync(heir);
  b.deliver('1a', { to: third });
  b.sync(third);
  expect(b.mail('1b', { from: third, to: heir })).toHaveLength(1);
});

test('an offer frees from the lease of its own ballot only', () => {
  const b = leased();
  b.put(1, 3, heartbeat(ballot(4, 1), { leaseMs: 250, round: 1 }));
  b.put(2, 3, { ...phase1a(ballot(9, 2)), freed: ballot(1, 1) });
  b.sync(3);
  expect(b.mail('1b')).toEqual([]);
  b.put(2, 3, { ...phase1a(ballot(9, 2)), freed: ballot(4, 1) });
  b.sync(3);
  expect(b.mail('1b', { from: 3, to: 2 })).toHaveLength(1);
});

test('after the leader is gone another leads when its lease is over, not later', () => {
  // A lease is shorter than the time without a leader after which anybody stands.
  const b = leased();
  b.crash(1);
  b.wait(620);
  const leaders = [2, 3].filter((id) => b.replica(id).view.role === 'phase2');
  expect(leaders).toHaveLength(1);
});

test('a store without a vote grants nothing (S2)', () => {
  const b = new Bench({ lease, renewed: [3] });
  b.elect(1);
  b.wait(100);
  expect(b.replica(3).disk.filter(({ kind }) => kind === 'lease')).toEqual([]);
});

test('a leader that slept past its lease reads by a round, for waking renews none', () => {
  const b = leased();
  b.propose(1, 'x');
  b.settle();
  b.nowMs += 60_000;
  b.step(1, { kind: 'woken' });
  read(b, 1, 1);
  expect(ready(b, 1)).toEqual([]);
  expect(b.mail('heartbeat')).not.toEqual([]);
  b.settle();
  expect(ready(b, 1)).toEqual([1]);
});

test('whoever wakes within a lease that it granted keeps to it', () => {
  const b = leased();
  const before = b.replica(2).view.promised;
  b.step(2, { kind: 'woken' });
  b.put(3, 2, phase1a(ballot(9, 3)));
  b.stand(2);
  expect(b.replica(2).view.promised).toEqual(before);
});
