import { expect, test } from 'vitest';
import {
  ballot,
  batch,
  decided,
  learnReply,
  lost,
  phase1a,
  phase1b,
  phase2a,
  voted,
} from './fixture.ts';
import { Bench } from './bench.ts';

/** Replica 1 of `count` stands in ballot 1.1 and has promised itself; the others are played. */
function candidate(count = 3): Bench {
  const played = Array.from({ length: count - 1 }, (_, i) => i + 2);
  const b = new Bench({ replicas: count, played });
  b.stand(1);
  b.sync(1);
  b.drop();
  return b;
}

const of = ballot(1, 1);
const textsTo = (b: Bench, to: number) =>
  b
    .mail('2a', { to })
    .map(({ message }) =>
      message.kind === '2a' ? new TextDecoder().decode(message.value.bytes.subarray(1)) : '',
    );

test('nobody leads before a quorum has promised', () => {
  // One's own promise is one of five, a second is two; two quorums of two need not meet (P4).
  const b = candidate(5);
  b.put(2, 1, phase1b(of));
  expect(b.replica(1).view.role).toBe('phase1');
  b.propose(1, 'x');
  expect(b.mail('2a')).toEqual([]);
  b.put(3, 1, phase1b(of));
  expect(b.replica(1).view.role).toBe('phase2');
});

test('a 1b that comes twice counts once', () => {
  // The same member again is the same promise.
  const b = candidate(5);
  for (let i = 0; i < 3; i += 1) b.put(2, 1, phase1b(of));
  expect(b.replica(1).view.role).toBe('phase1');
});

/** Time passes until replica 1 asks the others for something. */
function untilItAsks(b: Bench): void {
  for (let i = 0; b.mail('1a').length + b.mail('may-i').length === 0; i += 1) {
    if (i > 1_000) throw new Error('it never asks');
    b.nowMs += 10;
    b.tick(1);
    b.sync(1);
  }
}

const firstPart = phase1b(of, { reported: [voted(1, ballot(0, 2), 'a')], nextSlot: 2 });
const restOf1b = phase1b(of, { fromSlot: 2, reported: [voted(2, ballot(0, 2), 'b')] });

test('a 1b in parts counts only when all of them are there', () => {
  // The vote that matters may be in the part that is still on its way.
  const b = candidate();
  for (const part of [restOf1b, firstPart, firstPart]) b.put(2, 1, part);
  expect(b.replica(1).view.role).toBe('phase1');
  b.put(2, 1, restOf1b);
  expect(b.replica(1).view.role).toBe('phase2');
  expect(textsTo(b, 3)).toEqual(['a', 'b']);
});

test('a candidate asks for the rest of a promise, and for nothing when it has all of it', () => {
  // One answer never holds more than a part, whatever a member has voted for.
  const b = candidate(5);
  b.put(2, 1, firstPart);
  b.sync(1);
  expect(b.take('1a', { to: 2 }).message).toEqual(phase1a(of, 2));
  b.put(2, 1, restOf1b);
  b.put(3, 1, phase1b(of));
  b.sync(1);
  expect(b.mail('1a')).toEqual([]);
  expect(b.replica(1).view.role).toBe('phase2');
});

test('a candidate asks again for what it was not told, before it stands anew', () => {
  // A part got lost: in a higher ballot everything would have to be told again.
  const b = candidate(5);
  b.put(2, 1, firstPart);
  b.put(3, 1, phase1b(of));
  b.sync(1);
  expect(b.mail('1a').map(({ to }) => to)).toEqual([2]);
  b.drop('1a');
  untilItAsks(b);
  const asked = b.mail('1a').map(({ to, message }) => [to, message]);
  expect(asked).toEqual([
    [2, phase1a(of, 2)],
    [4, phase1a(of)],
    [5, phase1a(of)],
  ]);
  b.put(2, 1, restOf1b);
  expect(b.replica(1).view).toMatchObject({ role: 'phase2', ballot: of });
});

test('a candidate that is told nothing more stands anew', () => {
  // Whoever promised may be gone: it asks the others whether they would have it (L1).
  const b = candidate(5);
  b.put(2, 1, firstPart);
  b.sync(1);
  b.drop('1a');
  untilItAsks(b);
  b.drop('1a');
  untilItAsks(b);
  expect([b.mail('1a'), b.mail('may-i')]).toEqual([[], expect.objectContaining({ length: 4 })]);
  expect(b.replica(1).view.role).toBe('asking');
});

test('parts of two moments never pass over a vote', () => {
  // 2 holds votes for slots 1 … 4, two in a part. Between the parts it releases slot 1. The rest
  // is told from where the first part ended, not from the second half of what is left (P4).
  const b = new Bench({ played: [1, 3], limits: { partBytesMax: 4 } });
  for (const slot of [1, 2, 3, 4]) b.put(3, 2, phase2a(ballot(1, 3), slot, `${slot}`));
  b.put(1, 2, phase1a(ballot(2, 1)));
  b.put(3, 2, learnReply(1, ['1']));
  b.put(1, 2, phase1a(ballot(2, 1), 3));
  b.sync(2);
  const parts = b.mail('1b').map(({ message }) => message);
  const told = parts.map((m) => (m.kind === '1b' ? m.reported.map(({ slot }) => slot) : []));
  expect(told).toEqual([
    [1, 2],
    [3, 4],
  ]);
  const c = new Bench({ played: [2, 3] });
  c.put(2, 1, { kind: 'nack', ballot: of, promised: of });
  c.stand(1);
  c.sync(1);
  expect(c.replica(1).view.ballot).toEqual(ballot(2, 1));
  for (const part of parts) c.put(2, 1, part);
  // Slot 1 is decided, as the second part says: nothing is proposed there any more (R7).
  expect(textsTo(c, 3)).toEqual(['2', '3', '4']);
});

test('without what others released a 1b would lose decided slots', () => {
  // 2 has released slots 1 … 3 and reports no votes for them. Whoever takes silence for "nothing
  // there" proposes over decisions; decidedThrough says otherwise (P4).
  const b = candidate();
  b.put(2, 1, phase1b(of, { decidedThrough: 3 }));
  expect(b.replica(1).view.role).toBe('phase2');
  b.propose(1, 'd');
  expect(b.mail('2a', { to: 2 }).map((l) => l.message)).toMatchObject([{ slot: 4, base: 4 }]);
});

test('an acceptor says in its 1b what it has released and what it has learned', () => {
  // Released: by decidedThrough. Learned beyond a gap: as decided, with the value.
  const b = new Bench({ played: [1, 3] });
  b.put(3, 2, learnReply(1, ['a']));
  b.put(3, 2, learnReply(3, ['c']));
  b.put(3, 2, phase2a(ballot(1, 3), 4, 'd'));
  b.put(1, 2, phase1a(ballot(2, 1)));
  b.sync(2);
  expect(b.take('1b', { to: 1 }).message).toMatchObject({
    decidedThrough: 1,
    reported: [decided(3, 'c'), voted(4, ballot(1, 3), 'd')],
  });
});

test('of two votes the one in the higher ballot is proposed again', () => {
  // In whatever order the promises come.
  for (const [x, y] of [
    [2, 3],
    [3, 2],
  ] as const) {
    const b = candidate(5);
    b.put(2, 1, phase1b(of, { reported: [voted(1, ballot(0, x), `by ${x}`)] }));
    b.put(3, 1, phase1b(of, { reported: [voted(1, ballot(0, y), `by ${y}`)] }));
    expect(textsTo(b, 4)).toEqual(['by 3']);
  }
});

test('a slot that nobody voted for gets a no-op if a later one has a vote', () => {
  // Nobody may execute slot 3 before 2 is decided, and nobody else would propose there.
  const b = candidate();
  const reported = [voted(1, ballot(0, 2), 'a'), voted(3, ballot(0, 2), 'c')];
  b.put(2, 1, phase1b(of, { reported }));
  expect(b.mail('2a', { to: 3 }).map((l) => l.message)).toMatchObject([
    { slot: 1, value: batch('a') },
    { slot: 2, value: { bytes: Uint8Array.of(3) } },
    { slot: 3, value: batch('c') },
  ]);
});

test('a member that lost its vote does not count for that slot', () => {
  // 2 voted in slot 1 and cannot say for what. With 3, which knows nothing, there is no quorum for
  // slot 1: 2 may have been the one that decided it (P4, S3).
  const b = candidate();
  b.put(2, 1, phase1b(of, { reported: [lost(1, ballot(0, 2))] }));
  expect(b.replica(1).view.role).toBe('phase1');
  b.put(3, 1, phase1b(of));
  expect(b.replica(1).view.role).toBe('phase2');
  expect(b.mail('2a', { to: 2 }).map((l) => l.message)).toMatchObject([
    { slot: 1, value: { bytes: Uint8Array.of(3) } },
  ]);
});

test('a lost vote counts if another reports the slot at the same or a higher ballot', () => {
  // What was lost is then known, or was overtaken.
  for (const round of [4, 5]) {
    const b = candidate(5);
    b.put(2, 1, phase1b(of, { reported: [lost(1, ballot(0, 4))] }));
    b.put(3, 1, phase1b(of, { reported: [voted(1, ballot(0, round), 'x')] }));
    expect(textsTo(b, 4)).toEqual(['x']);
  }
});

test('a lost vote is not covered by a lower one', () => {
  // What was lost is newer: it may be another value, and decided.
  const b = candidate(5);
  b.put(2, 1, phase1b(of, { reported: [lost(1, ballot(0, 4))] }));
  b.put(3, 1, phase1b(of, { reported: [voted(1, ballot(0, 3), 'old')] }));
  expect(b.replica(1).view.role).toBe('phase1');
  b.put(4, 1, phase1b(of));
  expect(textsTo(b, 5)).toEqual(['old']);
});

test('a lost vote is covered by a decision', () => {
  // Then nothing that was voted for matters any more.
  const b = candidate(5);
  b.put(2, 1, phase1b(of, { reported: [lost(1, ballot(0, 4))] }));
  b.put(3, 1, phase1b(of, { reported: [decided(1, 'x')] }));
  expect(b.replica(1).view.role).toBe('phase2');
  expect(b.replica(1).executed).toEqual(['x']);
});

test('two members that lost the same vote do not cover each other', () => {
  // Neither can say what it was.
  const b = candidate(5);
  b.put(2, 1, phase1b(of, { reported: [lost(1, ballot(0, 4))] }));
  b.put(3, 1, phase1b(of, { reported: [lost(1, ballot(0, 4))] }));
  expect(b.replica(1).view.role).toBe('phase1');
  b.put(4, 1, phase1b(of));
  expect(b.replica(1).view.role).toBe('phase1');
});
