import { expect, test } from 'vitest';
import {
  ballot,
  batch,
  heartbeat,
  heldOf,
  learnReply,
  only,
  phase2a,
  phase2b,
  sentOf,
  stop,
} from '../../test/paxos/fixture.ts';
import { answerAll, leader, of, replica } from '../../test/paxos/replica-fixture.ts';

/** Longer than any election time-out: what was heard before is forgotten. */
const longMs = 60_000;
/** By then the log is told at once what is decided. */
const recordMs = 500;

/** Replica 1 leads, has proposed `x`, and nothing is left to be done. */
function restingLeader() {
  const b = leader();
  const effects = b.step({ kind: 'propose', value: batch('x') });
  for (const own of heldOf(effects, 1)) b.hear(1, own);
  b.hear(2, phase2b(of, 1), recordMs);
  b.step({ kind: 'executed', through: 1 });
  return b;
}

test('a leader is idle once all that it proposed is decided, executed and recorded', () => {
  const b = leader();
  expect(b.r.isIdle).toBe(true);
  const effects = b.step({ kind: 'propose', value: batch('x') });
  expect(b.r.isIdle).toBe(false);
  b.hear(2, phase2b(of, 1));
  expect(b.r.isIdle).toBe(false);
  // A quorum of others would do, but its own log owes it a vote still.
  b.hear(3, phase2b(of, 1), recordMs);
  expect(b.r.view.releasedThrough).toBe(1);
  b.step({ kind: 'executed', through: 1 });
  expect(b.r.isIdle).toBe(false);
  for (const own of heldOf(effects, 1)) b.hear(1, own);
  expect(b.r.isIdle).toBe(true);
});

test('what only the leader has voted for, or no log tells of, is not done with', () => {
  const b = leader();
  const effects = b.step({ kind: 'propose', value: batch('x') });
  for (const own of heldOf(effects, 1)) b.hear(1, own);
  expect(b.r.isIdle).toBe(false);
  b.hear(2, phase2b(of, 1));
  b.step({ kind: 'executed', through: 1 });
  expect(b.r.isIdle).toBe(false);
  answerAll(b.hear, b.step({ kind: 'tick' }, 290), 300);
  b.step({ kind: 'tick' }, recordMs);
  expect(b.r.isIdle).toBe(true);
});

test('a leader that somebody asks for a read is not idle until the read is answered', () => {
  const b = restingLeader();
  expect(b.r.isIdle).toBe(true);
  const effects = b.hear(3, { kind: 'read-request', number: 7 });
  expect(b.r.isIdle).toBe(false);
  answerAll(b.hear, effects);
  expect(b.r.isIdle).toBe(true);
});

test('whoever waits to read is not idle', () => {
  const { r, step, hear } = replica(2);
  hear(1, heartbeat(of));
  expect(r.isIdle).toBe(true);
  step({ kind: 'read', read: 5 });
  expect(r.isIdle).toBe(false);
  step({ kind: 'forget-read', read: 5 });
  // Its request is on its way for so long.
  expect(r.isIdle).toBe(false);
  hear(1, heartbeat(of), 1_000);
  expect(r.isIdle).toBe(true);
});

test('a leader past its stop, or without room, is not idle', () => {
  const stopped = restingLeader();
  stopped.step({ kind: 'propose', value: stop });
  expect(stopped.r.isIdle).toBe(false);
  const full = restingLeader();
  full.step({ kind: 'storage', full: true });
  expect(full.r.isIdle).toBe(false);
});

test('a follower is idle once it has executed what it knows to be decided', () => {
  const { r, step, hear } = replica(2);
  expect(r.isIdle).toBe(false);
  hear(1, heartbeat(of));
  expect(r.isIdle).toBe(true);
  hear(1, heartbeat(of, { decidedThrough: 1 }));
  expect(r.isIdle).toBe(false);
  hear(3, learnReply(1, ['x']), recordMs);
  expect(r.isIdle).toBe(false);
  step({ kind: 'executed', through: 1 });
  expect(r.isIdle).toBe(true);
});

test('a vote that nobody decided keeps a follower no longer awake than its leader', () => {
  const { r, hear } = replica(2);
  hear(1, phase2a(of, 1, 'x'));
  hear(1, heartbeat(of));
  expect(r.isIdle).toBe(true);
});

test('whoever has promised more than its leader has is not idle', () => {
  const { r, hear } = replica(2);
  hear(1, heartbeat(of));
  // Somebody else leads, and has said so by a vote that it asks for.
  hear(3, phase2a(ballot(2, 3), 1, 'x'));
  expect(r.isIdle).toBe(false);
});

test('past its stop nobody is idle', () => {
  const { r, step, hear } = replica(2);
  hear(1, heartbeat(of));
  hear(1, phase2a(of, 1, stop));
  hear(1, heartbeat(of, { decidedThrough: 1 }), recordMs);
  step({ kind: 'executed', through: 1 });
  expect(r.isIdle).toBe(false);
});

test('a leader that wakes leads on, and gives up if nobody answers then (L2)', () => {
  const { r, step } = restingLeader();
  step({ kind: 'woken' }, longMs);
  const effects = step({ kind: 'tick' }, longMs);
  expect(only(sentOf(effects, 2), 'heartbeat')).toHaveLength(1);
  expect(r.view.role).toBe('phase2');
  step({ kind: 'tick' }, longMs + 400);
  expect(r.view.role).toBe('phase2');
  step({ kind: 'tick' }, longMs + 500);
  expect(r.view.role).toBe('follower');
});

test('a leader that wakes is deposed by nobody who asks at once (L1)', () => {
  const { step, hear } = restingLeader();
  step({ kind: 'woken' }, longMs);
  const asks = hear(2, { kind: 'may-i', ballot: of }, longMs + 1);
  expect(sentOf(asks, 2)).toEqual([]);
});

test('who wakes neither stands nor has others stand before a time-out has passed', () => {
  const { r, step, hear } = replica(2);
  hear(1, heartbeat(of));
  step({ kind: 'woken' }, longMs);
  step({ kind: 'tick' }, longMs + 299);
  expect(r.view.role).toBe('follower');
  expect(sentOf(hear(3, { kind: 'may-i', ballot: of }, longMs + 299), 3)).toEqual([]);
  expect(sentOf(hear(3, { kind: 'may-i', ballot: of }, longMs + 300), 3)).toHaveLength(1);
  step({ kind: 'tick' }, longMs + 600);
  expect(r.view.role).toBe('asking');
});
