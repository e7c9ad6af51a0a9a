import { expect, test } from 'vitest';
import { ballot, batch, heartbeat, phase1a, phase1b, phase2a } from './fixture.ts';
import { Bench } from './bench.ts';

/** Replica 2 of three; the test plays 1 and 3. */
const acceptor = () => new Bench({ played: [1, 3] });

test('a promise is not revealed before it is durable', () => {
  // 2 promises, says so, and forgets: then it would vote below a promise that a leader relies on.
  const b = acceptor();
  b.put(1, 2, phase1a(ballot(5, 1)));
  expect(b.bag).toEqual([]);
  b.crash(2);
  b.restart(2);
  expect(b.replica(2).view.promised).toEqual(ballot(0, 0, 0));

  b.put(1, 2, phase1a(ballot(5, 1)));
  b.sync(2);
  expect(b.mail('1b', { to: 1 })).toHaveLength(1);
  b.crash(2);
  b.restart(2);
  expect(b.replica(2).view.promised).toEqual(ballot(5, 1));
  b.put(3, 2, phase2a(ballot(4, 3), 1, 'late'));
  expect(b.mail('nack', { to: 3 })).toHaveLength(1);
});

test('a vote is not revealed before it is durable', () => {
  // The leader would count a vote that a restart forgets.
  const b = acceptor();
  b.put(1, 2, phase2a(ballot(1, 1), 1, 'x'));
  expect(b.mail('2b')).toEqual([]);
  b.sync(2);
  expect(b.take('2b', { to: 1 }).message).toMatchObject({ through: 1 });
  expect(b.replica(2).disk).toContainEqual({
    kind: 'vote',
    slot: 1,
    vote: { ballot: ballot(1, 1), value: batch('x') },
  });
});

test('a proposer’s own ballot is durable before anybody hears of it', () => {
  // A 1a that outlives its ballot lets a restarted proposer use the same ballot twice, for two
  // different values.
  const b = new Bench({ played: [2, 3] });
  b.stand(1);
  expect(b.bag).toEqual([]);
  b.crash(1);
  b.restart(1);
  b.stand(1);
  b.sync(1);
  expect(b.mail('1a').map((l) => l.message)).toMatchObject([
    { ballot: ballot(1, 1) },
    { ballot: ballot(1, 1) },
  ]);

  b.crash(1);
  b.restart(1);
  b.stand(1);
  expect(b.replica(1).view.ballot).toEqual(ballot(2, 1));
});

test('a candidate counts its own promise only once its log has it', () => {
  // One other promise is half of a quorum of three until then.
  const b = new Bench();
  b.stand(1);
  b.sync(1);
  b.crash(3);
  b.deliver('1a', { to: 2 });
  b.sync(2);
  b.put(2, 1, { kind: 'nack', ballot: ballot(1, 1), promised: ballot(2, 3) });
  b.stand(1);
  b.put(2, 1, phase1b(b.replica(1).view.ballot));
  expect(b.replica(1).view.role).toBe('phase1');
  b.sync(1);
  expect(b.replica(1).view.role).toBe('phase2');
});

test('a leader’s own vote counts only when its log says so', () => {
  // 2 has voted; the leader's disk is slow. One durable vote of three is not a quorum (P5).
  const b = new Bench();
  b.elect(1);
  b.propose(1, 'x');
  b.deliver('2a', { to: 2 });
  b.sync(2);
  b.deliver('2b', { from: 2 });
  expect(b.replica(1).executed).toEqual([]);
  b.sync(1);
  expect(b.replica(1).executed).toEqual(['x']);
});

test('a quorum of others is enough without the leader’s own vote', () => {
  // A slow leader disk must not stop the group (P5).
  const b = new Bench();
  b.elect(1);
  b.propose(1, 'x');
  for (const id of [2, 3]) {
    b.deliver('2a', { to: id });
    b.sync(id);
    b.deliver('2b', { from: id });
  }
  expect(b.replica(1).executed).toEqual(['x']);
});

test('a 2a is sent at once, beside the leader’s own write', () => {
  // It reveals nothing that a restart could break, and waiting for it would double the latency.
  const b = new Bench();
  b.elect(1);
  b.propose(1, 'x');
  expect(b.mail('2a')).toHaveLength(2);
});

test('a repeated 2b waits behind every earlier write', () => {
  // The vote is not durable when its 2a comes again: an answer at once would reveal it too early.
  const b = acceptor();
  b.put(1, 2, phase2a(ballot(1, 1), 1, 'x'));
  b.put(1, 2, phase2a(ballot(1, 1), 1, 'x'));
  b.put(1, 2, heartbeat(ballot(1, 1)));
  expect(b.mail('2b')).toEqual([]);
  b.sync(2, 1);
  expect(b.mail('2b')).toHaveLength(1);
  b.sync(2);
  expect(b.mail('2b').map((l) => l.message)).toMatchObject([
    { through: 1 },
    { through: 1 },
    { through: 1 },
  ]);
});

test('a repeated 1a is answered again, once durable', () => {
  // The first 1b was lost; the promise is the same (P1).
  const b = acceptor();
  b.put(1, 2, phase1a(ballot(1, 1)));
  b.put(1, 2, phase1a(ballot(1, 1)));
  expect(b.mail('1b')).toEqual([]);
  b.sync(2);
  expect(b.mail('1b', { to: 1 })).toHaveLength(2);
  expect(b.replica(2).disk.filter((r) => r.kind === 'promise')).toHaveLength(1);
});

test('a vote raises the promise', () => {
  // 2 never saw the 1a of ballot 5 and votes in it. Then 3's older ballot has lost its chance: a
  // quorum may have decided in 5 already (P1).
  const b = acceptor();
  b.put(1, 2, phase2a(ballot(5, 1), 1, 'x'));
  expect(b.replica(2).view.promised).toEqual(ballot(5, 1));
  b.put(3, 2, phase1a(ballot(4, 3)));
  b.put(3, 2, phase2a(ballot(4, 3), 1, 'y'));
  b.sync(2);
  expect(b.mail('1b')).toEqual([]);
  expect(b.mail('nack', { to: 3 })).toHaveLength(2);

  b.crash(2);
  b.restart(2);
  expect(b.replica(2).view.promised).toEqual(ballot(5, 1));
});

test('a second value for a slot in one ballot is refused and alarmed', () => {
  // Whoever sends it broke the protocol: a quorum may hold the first one (P3).
  const b = acceptor();
  b.put(1, 2, phase2a(ballot(1, 1), 1, 'x'));
  b.sync(2);
  b.drop();
  b.put(1, 2, phase2a(ballot(1, 1), 1, 'y'));
  b.sync(2);
  expect(b.mail('2b')).toEqual([]);
  expect(b.replica(2).events).toContainEqual(expect.objectContaining({ kind: 'alarm' }));
  const votes = b.replica(2).disk.filter((r) => r.kind === 'vote');
  expect(votes).toEqual([
    { kind: 'vote', slot: 1, vote: { ballot: ballot(1, 1), value: batch('x') } },
  ]);
});

test('the same value in the same ballot is acknowledged again', () => {
  // The first 2b was lost, or the leader sends again what it has not heard of (P3).
  const b = acceptor();
  b.put(1, 2, phase2a(ballot(1, 1), 1, 'x'));
  b.sync(2);
  b.drop('2b');
  b.put(1, 2, phase2a(ballot(1, 1), 1, 'x'));
  b.sync(2);
  expect(b.take('2b', { to: 1 }).message).toMatchObject({ ballot: ballot(1, 1), through: 1 });
  expect(b.replica(2).disk.filter((r) => r.kind === 'vote')).toHaveLength(1);
});

test('a ballot above the promise replaces the vote of a lower one', () => {
  // It is the leader of the higher ballot who knows what may have been decided.
  const b = acceptor();
  b.put(1, 2, phase2a(ballot(1, 1), 1, 'x'));
  b.put(3, 2, phase2a(ballot(2, 3), 1, 'y'));
  b.sync(2);
  b.put(3, 2, phase1a(ballot(3, 3)));
  b.sync(2);
  expect(b.take('1b', { to: 3 }).message).toMatchObject({
    reported: [{ slot: 1, state: 'voted', ballot: ballot(2, 3), value: batch('y') }],
  });
});
