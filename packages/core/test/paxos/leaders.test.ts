import { expect, test } from 'vitest';
import { ballot, heartbeat, phase1a, phase1b } from './fixture.ts';
import { Bench } from './bench.ts';

test('dueling proposers: whoever promised the higher ballot hears no lower one', () => {
  // Two stand at once. Each acceptor promises the higher ballot and then refuses the lower one;
  // one of the two leads, and the other learns what was decided.
  const b = new Bench();
  b.stand(1);
  b.stand(2);
  b.sync(1);
  b.sync(2);
  b.deliver('1a', { from: 2, to: 3 });
  b.deliver('1a', { from: 1, to: 3 });
  expect(b.replica(3).view.promised).toEqual(ballot(1, 2));
  expect(b.mail('nack', { from: 3, to: 1 })).toHaveLength(1);

  b.deliver('1a', { from: 1, to: 2 });
  expect(b.mail('nack', { from: 2, to: 1 })).toHaveLength(1);
  b.settle();
  expect(b.replica(2).view.role).toBe('phase2');
  expect(b.replica(1).view.role).toBe('follower');

  b.propose(2, 'x');
  b.wait(100);
  expect(b.replica(1).executed).toEqual(['x']);
});

test('a value accepted by a minority survives its leader', () => {
  // 1 gets one acceptor to vote for "x" and dies. Whoever leads next must finish "x", because it
  // cannot tell whether "x" was decided.
  const b = new Bench();
  b.elect(1);
  b.propose(1, 'x');
  b.deliver('2a', { from: 1, to: 2 });
  b.sync(2);
  b.crash(1);
  b.drop();

  b.elect(2);
  b.wait(100);
  expect(b.replica(2).executed).toEqual(['x']);
  expect(b.replica(3).executed).toEqual(['x']);
});

test('an old leader that returns can neither decide nor undo', () => {
  // While 1 was away, 2 led and decided "y". 1 still believes that it leads; its 2a's are refused,
  // and "x", which only it has voted for, gives way.
  const b = new Bench();
  b.elect(1);
  b.cutOff(1);
  b.propose(1, 'x');
  b.sync(1);
  b.elect(2);
  b.propose(2, 'y');
  b.settle();

  b.nowMs += 301;
  b.rejoin(1);
  b.propose(1, 'z');
  b.settle();
  b.wait(400);
  for (const id of [1, 2, 3]) expect(b.replica(id).executed).toEqual(['y']);
  expect([...b.replicas.values()].filter((r) => r.view.role === 'phase2')).toHaveLength(1);
});

test('the value of the highest ballot is adopted, not that of the lowest', () => {
  // 1 votes for "old" alone; 2 gets a quorum for "new" without 1. A leader that hears both must
  // take "new": it is decided.
  const b = new Bench();
  b.elect(1);
  b.propose(1, 'old');
  b.drop('2a');
  b.sync(1);
  b.cutOff(1);
  b.elect(2);
  b.propose(2, 'new');
  b.deliver('2a', { from: 2, to: 3 });
  b.sync(3);
  b.sync(2);
  b.crash(2);
  b.drop();

  b.rejoin(1);
  b.stand(1);
  b.settle();
  b.elect(1);
  b.wait(50);
  expect(b.replica(1).executed).toEqual(['new']);
  expect(b.replica(3).executed).toEqual(['new']);
});

test('holes below the highest slot that was reported are filled with no-ops', () => {
  // 1 proposes three slots; the first two reach nobody. The next leader may not propose "c" twice
  // and cannot execute it before it knows what comes first: nothing.
  const b = new Bench();
  b.elect(1);
  for (const text of ['a', 'b', 'c']) b.propose(1, text);
  b.drop('2a', { to: 3 });
  b.take('2a', { to: 2 });
  b.take('2a', { to: 2 });
  b.deliver('2a', { from: 1, to: 2 });
  b.sync(2);
  b.crash(1);
  b.drop();

  b.elect(2);
  b.wait(50);
  expect(b.replica(3).executed).toEqual(['(no-op)', '(no-op)', 'c']);
});

test('a member that comes back deposes nobody', () => {
  // Pre-vote (L1): it asks first. The others hear their leader and say no, so its long absence
  // costs them nothing.
  const b = new Bench();
  b.elect(1);
  b.cutOff(3);
  b.wait(2_000);
  expect(b.replica(3).view.role).toBe('asking');
  const led = b.replica(1).view.ballot;

  b.rejoin(3);
  b.wait(1_000);
  expect(b.replica(1).view).toMatchObject({ role: 'phase2', ballot: led });
  expect(b.replica(3).view).toMatchObject({ role: 'follower', leader: { id: 1 } });
});

test('a leader that hears its quorum does not want another leader', () => {
  // The leader itself answers no as well (L1): otherwise it and the returning member would do.
  const b = new Bench({ played: [2, 3] });
  b.stand(1);
  b.sync(1);
  b.put(2, 1, phase1bFor(b));
  expect(b.replica(1).view.role).toBe('phase2');
  b.put(3, 1, { kind: 'may-i', ballot: ballot(9, 3) });
  expect(b.mail('you-may')).toEqual([]);

  b.nowMs += 301;
  b.put(3, 1, { kind: 'may-i', ballot: ballot(9, 3) });
  expect(b.mail('you-may', { from: 1, to: 3 })).toHaveLength(1);
});

const phase1bFor = (b: Bench) => phase1b(b.replica(1).view.ballot);

test('a leader that hears no quorum stops being one', () => {
  // Check-quorum (L2): it would keep its callers waiting for ever.
  const b = new Bench();
  b.elect(1);
  b.cutOff(1);
  b.wait(600);
  expect(b.replica(1).view.role).not.toBe('phase2');
  expect(b.replica(1).events).toContainEqual({ kind: 'following', leader: undefined });
  expect(b.replica(1).view.room).toBe(0);
});

test('a leader that hears its quorum stays, also with one member gone', () => {
  // The other side of check-quorum: one of three is not a reason.
  const b = new Bench();
  b.elect(1);
  b.cutOff(3);
  b.wait(3_000);
  expect(b.replica(1).view).toMatchObject({ role: 'phase2', ballot: ballot(1, 1) });
});

test('only answers of members that can vote keep a leader in office', () => {
  // An observer answers nothing that counts (L2, P5).
  const b = new Bench({ played: [2, 3] });
  b.stand(1);
  b.sync(1);
  b.put(2, 1, phase1bFor(b));
  const led = b.replica(1).view.ballot;
  for (let i = 0; i < 60; i += 1) {
    b.nowMs += 10;
    b.put(9, 1, {
      kind: 'heartbeat-answer',
      ballot: led,
      round: 0,
      executedThrough: 0,
      full: false,
    });
    const lower = ballot(led.round - 1, 1);
    b.put(2, 1, {
      kind: 'heartbeat-answer',
      ballot: lower,
      round: 0,
      executedThrough: 0,
      full: false,
    });
    b.tick(1);
  }
  expect(b.replica(1).view.role).not.toBe('phase2');
});

test('a nacked leader with a live quorum goes on above the ballot that disturbed it', () => {
  // One acceptor has promised more than the leader has (L1). Nobody waits for an election: it runs
  // phase 1 above that, and what was in flight is decided in the new ballot.
  const b = new Bench();
  b.elect(1);
  b.put(3, 2, phase1a(ballot(7, 3)));
  b.sync(2);
  b.drop();
  b.propose(1, 'x');
  b.settle();
  b.wait(100);
  expect(b.replica(1).view.role).toBe('phase2');
  expect(b.replica(1).view.ballot.round).toBeGreaterThan(7);
  expect(b.replica(3).executed).toEqual(['x']);
});

test('a nacked leader without a live quorum follows', () => {
  // It has not heard a quorum for an election time-out: somebody else probably has.
  const b = new Bench({ played: [2, 3] });
  b.stand(1);
  b.sync(1);
  b.put(2, 1, phase1bFor(b));
  b.nowMs += 301;
  b.put(2, 1, { kind: 'nack', ballot: b.replica(1).view.ballot, promised: ballot(8, 3) });
  expect(b.replica(1).view.role).toBe('follower');
});

test('a nack for another ballot than its own changes nothing but the next round', () => {
  // It was meant for an attempt that is over.
  const b = new Bench({ played: [2, 3] });
  b.stand(1);
  b.put(2, 1, { kind: 'nack', ballot: ballot(77, 1), promised: ballot(80, 3) });
  expect(b.replica(1).view.role).toBe('phase1');
  b.stand(1);
  expect(b.replica(1).view.ballot.round).toBeGreaterThan(80);
});

test('a leader that hears a higher ballot follows it at once', () => {
  // By a heartbeat: the other has a quorum's promises, so this one can decide nothing more (P1).
  const b = new Bench();
  b.elect(1);
  b.put(2, 1, heartbeat(ballot(5, 2)));
  expect(b.replica(1).view).toMatchObject({ role: 'follower', leader: { id: 2 } });
  b.propose(1, 'x');
  expect(b.replica(1).events).toContainEqual(expect.objectContaining({ leader: 2 }));
});

test('giving a 1b counts as hearing a leader', () => {
  // Or an old leader would stand against its own heir before the heir's first heartbeat (L1).
  const b = new Bench();
  b.put(2, 1, phase1a(ballot(1, 2)));
  b.sync(1);
  b.drop();
  b.put(3, 1, { kind: 'may-i', ballot: ballot(1, 3) });
  expect(b.mail('you-may')).toEqual([]);
  b.put(2, 1, heartbeat(ballot(1, 2)));
  b.put(2, 1, { kind: 'may-i', ballot: ballot(1, 2) });
  expect(b.mail('you-may', { from: 1, to: 2 })).toHaveLength(1);
});

test('three replicas elect a leader by themselves, and another when it dies', () => {
  // Nothing but time: time-outs are drawn by lot, so that one of them is first (L5).
  const b = new Bench();
  b.wait(1_500);
  const leading = () => [...b.replicas].filter(([, r]) => r.alive && r.view.role === 'phase2');
  expect(leading()).toHaveLength(1);
  const [first] = leading()[0] ?? [0];
  b.crash(first);
  b.wait(1_500);
  expect(leading()).toHaveLength(1);
  expect(leading()[0]?.[0]).not.toBe(first);
});
