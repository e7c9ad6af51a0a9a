import { expect, test } from 'vitest';
import {
  ballot,
  batch,
  decided,
  heartbeat,
  learnReply,
  phase1a,
  phase1b,
  phase2a,
  phase2b,
  voted,
} from './fixture.ts';
import { Bench } from './bench.ts';

/** Replica 1 of `count`, leading in ballot 1.1; the test plays the others. */
function leader(count = 3, change = {}): Bench {
  const played = Array.from({ length: count - 1 }, (_, i) => i + 2);
  const b = new Bench({ replicas: count, played });
  b.stand(1);
  b.sync(1);
  for (const id of played.slice(0, Math.floor(count / 2))) {
    b.put(id, 1, phase1b(ballot(1, 1), change));
  }
  b.drop();
  return b;
}

const follower = () => new Bench({ played: [1, 3] });

test('a 2b that comes twice counts once', () => {
  // One of four others has voted. Its 2b again, and again, is still one vote (P5).
  const b = leader(5);
  b.propose(1, 'x');
  b.sync(1);
  for (let i = 0; i < 3; i += 1) b.put(2, 1, phase2b(ballot(1, 1), 1));
  expect(b.replica(1).executed).toEqual([]);
  b.put(3, 1, phase2b(ballot(1, 1), 1));
  expect(b.replica(1).executed).toEqual(['x']);
});

test('five members decide with three votes, not with two', () => {
  // Two quorums of two need not meet.
  const b = leader(5);
  b.propose(1, 'x');
  b.put(2, 1, phase2b(ballot(1, 1), 1));
  b.put(3, 1, phase2b(ballot(1, 1), 1));
  expect(b.replica(1).executed).toEqual([]);
  b.put(4, 1, phase2b(ballot(1, 1), 1));
  expect(b.replica(1).executed).toEqual(['x']);
});

test('votes of two ballots never decide together', () => {
  // 2 voted in ballot 1, 3 votes in ballot 2: between the two anybody could have proposed another
  // value. A 2b of the ballot that is over counts nothing.
  const b = leader();
  b.propose(1, 'x');
  b.stand(1);
  const second = b.replica(1).view.ballot;
  expect(second).toEqual(ballot(2, 1));
  b.put(2, 1, phase2b(ballot(1, 1), 1));
  b.put(2, 1, phase1b(second));
  b.sync(1);
  expect(b.replica(1).view.role).toBe('phase2');
  b.put(2, 1, phase2b(ballot(1, 1), 1));
  expect(b.replica(1).executed).toEqual([]);
});

test('a 2b of somebody who is no member counts nothing', () => {
  // An id alone proves nothing; the host lets only named stores through, and this is the second
  // line (P5, S2).
  const b = leader();
  b.propose(1, 'x');
  b.sync(1);
  b.put(9, 1, phase2b(ballot(1, 1), 1));
  expect(b.replica(1).executed).toEqual([]);
});

test('a follower releases on decidedThrough only with its vote in that ballot', () => {
  // It voted for "old" in ballot 1. The leader of ballot 2 says that slot 1 is decided, with a
  // value that this follower has not seen yet (P8).
  const b = follower();
  b.put(3, 2, phase2a(ballot(1, 3), 1, 'old'));
  b.put(1, 2, heartbeat(ballot(2, 1), { decidedThrough: 1 }));
  expect(b.replica(2).executed).toEqual([]);
  b.put(1, 2, phase2a(ballot(2, 1), 1, 'new', { decidedThrough: 1 }));
  expect(b.replica(2).executed).toEqual(['new']);
});

test('a follower is told by a 2a, a heartbeat or a word of its own', () => {
  // Each of them carries ballot, base and decidedThrough, and the same rule applies.
  const b = follower();
  const of = ballot(1, 1);
  b.put(1, 2, phase2a(of, 1, 'a'));
  b.put(1, 2, phase2a(of, 2, 'b', { decidedThrough: 1 }));
  expect(b.replica(2).executed).toEqual(['a']);
  b.put(1, 2, phase2a(of, 3, 'c'));
  b.put(1, 2, { kind: 'decided', ballot: of, base: 1, decidedThrough: 2 });
  expect(b.replica(2).executed).toEqual(['a', 'b']);
  b.put(1, 2, heartbeat(of, { decidedThrough: 3 }));
  expect(b.replica(2).executed).toEqual(['a', 'b', 'c']);
});

test('the word of a deposed leader releases nothing', () => {
  // 2 has promised more since. What the old leader calls decided may be another value's slot.
  const b = follower();
  b.put(1, 2, phase2a(ballot(1, 1), 1, 'a'));
  b.put(3, 2, phase1a(ballot(2, 3)));
  b.put(1, 2, { kind: 'decided', ballot: ballot(1, 1), base: 1, decidedThrough: 1 });
  b.put(1, 2, phase2a(ballot(1, 1), 2, 'b', { decidedThrough: 1 }));
  b.put(1, 2, heartbeat(ballot(1, 1), { decidedThrough: 1 }));
  expect(b.replica(2).executed).toEqual([]);
});

test('below the base of a ballot only learning releases', () => {
  // The leader began at slot 3. Its word that 1 and 2 are decided says nothing about what was
  // voted for there, not even in its own ballot: nothing was (P8).
  const b = follower();
  const of = ballot(2, 1);
  b.put(3, 2, phase2a(ballot(1, 3), 1, 'old'));
  b.put(1, 2, phase2a(of, 3, 'c', { base: 3, decidedThrough: 3 }));
  expect(b.replica(2).executed).toEqual([]);
  b.put(1, 2, learnReply(1, ['a', 'b']));
  expect(b.replica(2).executed).toEqual(['a', 'b', 'c']);
});

test('a slot is released only after every earlier one', () => {
  // The state machine is the same everywhere because the order is (P7).
  const b = follower();
  const of = ballot(1, 1);
  b.put(1, 2, phase2a(of, 2, 'b', { decidedThrough: 2 }));
  b.put(1, 2, phase2a(of, 3, 'c', { decidedThrough: 3 }));
  expect(b.replica(2).executed).toEqual([]);
  b.put(1, 2, phase2a(of, 1, 'a', { decidedThrough: 3 }));
  b.put(1, 2, phase2a(of, 1, 'a', { decidedThrough: 3 }));
  expect(b.replica(2).executed).toEqual(['a', 'b', 'c']);
});

test('there is no vote over a decided slot', () => {
  // "a" was learned. The same value is acknowledged without another vote; another one is answered
  // with the decided value, so that its leader steps down (P1, P6).
  const b = follower();
  b.put(3, 2, learnReply(1, ['a']));
  b.put(1, 2, phase2a(ballot(4, 1), 1, 'a'));
  b.sync(2);
  expect(b.take('2b', { to: 1 }).message).toMatchObject({ ballot: ballot(4, 1), through: 1 });

  b.put(1, 2, phase2a(ballot(5, 1), 1, 'other'));
  b.sync(2);
  expect(b.mail('2b')).toEqual([]);
  expect(b.take('learn-reply', { to: 1 }).message).toMatchObject({
    fromSlot: 1,
    values: [batch('a')],
  });
  expect(b.replica(2).disk.filter((r) => r.kind === 'vote')).toEqual([]);
});

test('a slot that is decided and waits for an earlier one takes no other value either', () => {
  // It is not released yet, but a decision is a decision.
  const b = follower();
  b.put(3, 2, learnReply(2, ['b']));
  b.put(1, 2, phase2a(ballot(5, 1), 2, 'other'));
  expect(b.take('learn-reply', { to: 1 }).message).toMatchObject({ fromSlot: 2 });
  b.put(3, 2, learnReply(1, ['a']));
  expect(b.replica(2).executed).toEqual(['a', 'b']);
});

test('a leader that learns another value for its slot steps down before it says anything', () => {
  // Somebody with a higher ballot decided there. A 2a or decidedThrough sent now would spread the
  // value that was not decided (P8).
  const b = leader();
  b.propose(1, 'mine');
  b.drop();
  b.put(2, 1, learnReply(1, ['theirs']));
  expect(b.replica(1).view.role).toBe('follower');
  expect(b.bag).toEqual([]);
  expect(b.replica(1).executed).toEqual(['theirs']);
});

test('a leader that learns a decision for a slot it has not proposed steps down', () => {
  // Nobody but it may propose there in its ballot, so somebody leads above it (P8).
  const b = leader();
  b.propose(1, 'a');
  b.drop();
  b.put(2, 1, learnReply(1, ['a', 'b']));
  expect(b.replica(1).view.role).toBe('follower');
  expect(b.replica(1).executed).toEqual(['a', 'b']);
});

test('a leader that learns the very value that it proposed goes on', () => {
  // The decision is the same, only the news came another way.
  const b = leader();
  b.propose(1, 'a');
  b.put(2, 1, learnReply(1, ['a']));
  expect(b.replica(1).view.role).toBe('phase2');
  expect(b.replica(1).executed).toEqual(['a']);
  b.propose(1, 'b');
  b.put(2, 1, phase2b(ballot(1, 1), 2));
  b.sync(1);
  expect(b.replica(1).executed).toEqual(['a', 'b']);
});

test('a decided value in a 1b outranks every vote', () => {
  // 2 has learned "b" in slot 2 while slot 1 is missing there. Votes of whatever ballot are only
  // possible decisions; this is one (P4).
  const b = new Bench({ replicas: 5, played: [2, 3, 4, 5] });
  b.stand(1);
  b.sync(1);
  b.drop();
  const of = ballot(1, 1);
  b.put(2, 1, phase1b(of, { reported: [decided(2, 'b')] }));
  const votes = [voted(1, ballot(0, 3), 'a'), voted(2, ballot(0, 5), 'x')];
  b.put(3, 1, phase1b(of, { reported: votes }));
  const sent = b.mail('2a', { to: 4 }).map((l) => l.message);
  expect(sent).toMatchObject([
    { slot: 1, value: batch('a') },
    { slot: 2, value: batch('b') },
  ]);
  expect(b.replica(1).executed).toEqual([]);
  for (const id of [2, 3]) b.put(id, 1, phase2b(of, 1));
  b.sync(1);
  expect(b.replica(1).executed).toEqual(['a', 'b']);
});

test('a follower that missed slots asks for them and executes', () => {
  // Its leader has no more than a word for it: "decided through 3".
  const b = new Bench();
  b.elect(1);
  b.cutOff(3);
  for (const text of ['a', 'b', 'c']) b.propose(1, text);
  b.settle();
  b.nowMs += 200;
  b.rejoin(3);
  b.drop();
  b.wait(600);
  expect(b.replica(3).executed).toEqual(['a', 'b', 'c']);
});

test('nothing is forgotten by a restart of everybody', () => {
  // Durable votes of a quorum are all that there is; the next leader finds them.
  const b = new Bench();
  b.elect(1);
  for (const text of ['a', 'b']) b.propose(1, text);
  b.settle();
  for (const id of [1, 2, 3]) b.crash(id);
  b.drop();
  for (const id of [1, 2, 3]) b.restart(id);
  b.wait(1_500);
  for (const id of [1, 2, 3]) expect(b.replica(id).executed).toEqual(['a', 'b']);
});
