import { expect, test } from 'vitest';
import { ballot, learnReply, phase1a, phase1b, phase2a, phase2b, stop, voted } from './fixture.ts';
import { Bench } from './bench.ts';

test('a candidate that learns a decision meanwhile does not propose in its slot', () => {
  // 1 stands in ballot 5; 2 and 5 promise, and their 1b's are slow. 3 leads above it in ballot 6
  // and decides "x" in slot 1 with 2 and 4. 1 learns that from 3 before the 1b's arrive, which
  // report nothing. It may lead, but slot 1 is not its to propose in: 5, which has not heard of
  // ballot 6, would vote for "mine" there and release it on 1's decidedThrough (P4, P8).
  const b = new Bench({ replicas: 5, played: [2, 3, 4] });
  b.put(2, 1, { kind: 'nack', ballot: ballot(9, 9), promised: ballot(4, 2) });
  b.stand(1);
  b.sync(1);
  const of = b.replica(1).view.ballot;
  b.deliver('1a', { to: 5 });
  b.sync(5);
  b.put(3, 1, learnReply(1, ['x']));
  expect(b.replica(1).executed).toEqual(['x']);
  b.put(2, 1, phase1b(of));
  b.deliver('1b', { from: 5 });
  b.propose(1, 'mine');
  for (const to of [2, 3, 4]) b.drop(undefined, { to });
  b.wait(100);
  expect(b.replica(5).executed).not.toContain('mine');
});

test('a candidate that learns a decision meanwhile does not propose another value there', () => {
  // The same, but 1 itself had voted for "old" in slot 1, in a ballot that came to nothing. Its
  // own 1b says so; what it has learned since outranks it (P4, P8).
  const b = new Bench({ replicas: 5, played: [2, 3, 4] });
  b.put(2, 1, phase2a(ballot(1, 2), 1, 'old'));
  b.stand(1);
  b.sync(1);
  const of = b.replica(1).view.ballot;
  b.deliver('1a', { to: 5 });
  b.sync(5);
  b.put(3, 1, learnReply(1, ['x']));
  b.put(2, 1, phase1b(of));
  b.deliver('1b', { from: 5 });
  for (const to of [2, 3, 4]) b.drop(undefined, { to });
  b.wait(100);
  expect(b.replica(1).executed).toEqual(['x']);
  expect(b.replica(5).executed).not.toContain('old');
});

test('a candidate that learns beyond a gap proposes what it has learned there', () => {
  // Slot 2 is decided as "b"; slot 1 is not known. The 1b's have a lower vote for slot 2.
  const b = new Bench({ replicas: 3, played: [2, 3] });
  b.put(2, 1, phase2a(ballot(1, 2), 2, 'old'));
  b.stand(1);
  b.sync(1);
  b.put(3, 1, learnReply(2, ['b']));
  b.drop();
  const of = b.replica(1).view.ballot;
  b.put(2, 1, phase1b(of, { reported: [voted(1, ballot(1, 2), 'a')] }));
  for (const letter of b.mail('2a')) {
    if (letter.message.kind === '2a' && letter.message.slot === 2) {
      expect(letter.message).toMatchObject({ value: learnReply(2, ['b']).values[0] });
    }
  }
});

test('a candidate that has released its stop leads no more', () => {
  // It learned the stop while its 1a's were out. Proposing what phase 1 finds beyond the stop would
  // put old values into slots of the next configuration (R9).
  const b = new Bench({ played: [2, 3] });
  b.put(2, 1, phase2a(ballot(1, 2), 2, 'void'));
  b.stand(1);
  b.sync(1);
  b.drop();
  b.put(3, 1, { ...learnReply(1, []), values: [stop], decidedThrough: 1 });
  expect(b.replica(1).events).toContainEqual({ kind: 'stopped', slot: 1 });
  b.put(2, 1, phase1b(b.replica(1).view.ballot));
  expect(b.mail('2a')).toEqual([]);
  expect(b.replica(1).events).not.toContainEqual(expect.objectContaining({ kind: 'leading' }));
});

test('whoever has released its stop stands no more, though it had asked', () => {
  // It asked whether it may, learned the stop, and then a quorum said yes: its configuration is
  // over all the same (R9).
  const b = new Bench({ played: [2, 3] });
  b.nowMs += 700;
  b.tick(1);
  expect(b.replica(1).view.role).toBe('asking');
  b.put(3, 1, { ...learnReply(1, []), values: [stop], decidedThrough: 1 });
  b.drop();
  b.put(2, 1, { kind: 'you-may', ballot: ballot(0, 1) });
  b.sync(1);
  expect(b.mail('1a')).toEqual([]);
  expect(b.replica(1).view.role).not.toBe('phase1');
});

test('whoever has released its stop takes no part any more', () => {
  // It neither promises nor votes nor stands nor answers a heartbeat, but it serves what it has.
  const b = new Bench({ played: [2, 3] });
  b.put(3, 1, { ...learnReply(1, []), values: [stop], decidedThrough: 1 });
  b.drop();
  b.stand(1);
  b.put(2, 1, phase1a(ballot(3, 2), 2));
  b.put(2, 1, phase2a(ballot(3, 2), 2, 'x'));
  b.put(2, 1, { kind: 'may-i', ballot: ballot(3, 2) });
  b.propose(1, 'x');
  b.sync(1);
  expect(b.bag).toEqual([]);
  b.put(2, 1, { kind: 'learn-request', fromSlot: 1, bytesMax: 100 });
  expect(b.take('learn-reply', { to: 2 }).message).toMatchObject({ values: [stop] });
});

test('a leader proposes nothing past its stop', () => {
  // The slots after it belong to the next configuration (R9).
  const b = new Bench();
  b.elect(1);
  b.propose(1, 'a');
  b.propose(1, 'stop');
  expect(b.replica(1).view.room).toBe(0);
  b.propose(1, 'late');
  expect(b.replica(1).events).toContainEqual(expect.objectContaining({ kind: 'reject' }));
  b.settle();
  expect(b.replica(1).executed).toEqual(['a', '(stop)']);
  expect(b.replica(1).view).toMatchObject({ role: 'follower', room: 0 });
});

test('a leader proposes nothing past a stop that it adopted', () => {
  // Slot 2 holds a stop, slot 3 a vote of an older ballot: the stop makes it void (R9).
  const b = new Bench({ played: [2, 3] });
  b.stand(1);
  b.sync(1);
  b.drop();
  const of = ballot(1, 1);
  const theStop = { ...voted(2, ballot(0, 2), ''), value: stop };
  const reported = [voted(1, ballot(0, 2), 'a'), theStop, voted(3, ballot(0, 3), 'v')];
  b.put(2, 1, phase1b(of, { reported }));
  expect(b.mail('2a', { to: 3 }).map((l) => l.message)).toMatchObject([{ slot: 1 }, { slot: 2 }]);
  expect(b.replica(1).view.room).toBe(0);
  b.put(2, 1, phase2b(of, 2));
  b.sync(1);
  expect(b.replica(1).executed).toEqual(['a', '(stop)']);
});

test('what is decided past a released stop is void here', () => {
  // Votes beyond the stop exist: the leader of an older ballot did not know of it. Nothing of them
  // is released, whatever anybody says.
  const b = new Bench({ played: [1, 3] });
  const of = ballot(1, 1);
  b.put(1, 2, phase2a(of, 2, 'void'));
  b.put(1, 2, phase2a(of, 1, stop, { decidedThrough: 2 }));
  b.put(1, 2, { kind: 'decided', ballot: of, base: 1, decidedThrough: 2 });
  expect(b.replica(2).executed).toEqual(['(stop)']);
});
