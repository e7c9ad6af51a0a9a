import { expect, test } from 'vitest';
import type { Message } from './messages.ts';
import {
  alarmsOf,
  ballot,
  batch,
  executedOf,
  group,
  heartbeat,
  heldOf,
  learnReply,
  only,
  phase1a,
  phase2a,
  phase2b,
  recordsOf,
  sentOf,
  stop,
} from '../../test/paxos/fixture.ts';
import { answerAll, leader, of, replica } from '../../test/paxos/replica-fixture.ts';

test('a new replica follows nobody and leads nothing', () => {
  const { r, step } = replica();
  expect(r.view).toMatchObject({ role: 'follower', voter: true, room: 0, firstSlot: 1 });
  const effects = step({ kind: 'propose', value: batch('x') });
  expect(effects).toEqual([{ kind: 'reject', value: batch('x'), leader: undefined }]);
});

test('after a restart it knows what its log gave back', () => {
  // Votes of an earlier configuration are void (R1).
  const vote = (configuration: number) => ({
    ballot: ballot(3, 2, configuration),
    value: batch('v'),
  });
  const { r, hear } = replica(2, {
    promised: ballot(4, 3),
    votes: new Map([
      [6, vote(1)],
      [7, vote(0)],
    ]),
    decided: new Map([[8, batch('d')]]),
    firstSlot: 3,
    decidedThrough: 5,
  });
  expect(r.view).toMatchObject({ promised: ballot(4, 3), firstSlot: 3, executedThrough: 5 });
  const [promise] = only(heldOf(hear(1, phase1a(ballot(5, 1)))), '1b');
  expect(promise?.reported.map((x) => [x.slot, x.state])).toEqual([
    [6, 'voted'],
    [8, 'decided'],
  ]);
});

test('its next ballot is above everything that it has seen', () => {
  const { r, step, hear } = replica();
  hear(2, heartbeat(ballot(6, 2)));
  step({ kind: 'stand' });
  expect(r.view.ballot).toEqual(ballot(7, 1));
  expect(replica(1, { promised: ballot(9, 2) }).r.view.ballot).toMatchObject({ round: 0 });
});

test('it asks first, and stands when a quorum says yes', () => {
  const { r, step, hear } = replica();
  expect(step({ kind: 'tick' }, 299)).toEqual([]);
  const asked = step({ kind: 'tick' }, 600);
  expect(only(sentOf(asked), 'may-i')).toHaveLength(2);
  expect(r.view.role).toBe('asking');
  expect(recordsOf(asked)).toEqual([]);
  const stood = hear(2, { kind: 'you-may', ballot: ballot(0, 1) }, 601);
  expect(recordsOf(stood)).toEqual([{ kind: 'promise', ballot: of }]);
  expect(r.view.role).toBe('phase1');
  expect(hear(3, { kind: 'you-may', ballot: ballot(0, 1) }, 602)).toEqual([]);
});

test('in a group of one it need not ask', () => {
  const { r, step } = replica(1, {}, {}, 1);
  step({ kind: 'tick' }, 600);
  expect(r.view.role).toBe('phase1');
});

test('five members: one yes is not enough', () => {
  const { r, step, hear } = replica(1, {}, {}, 5);
  step({ kind: 'tick' }, 600);
  for (let i = 0; i < 3; i += 1) hear(2, { kind: 'you-may', ballot: ballot(0, 1) }, 601);
  expect(r.view.role).toBe('asking');
  hear(3, { kind: 'you-may', ballot: ballot(0, 1) }, 601);
  expect(r.view.role).toBe('phase1');
});

test('a candidate gives way to a higher ballot, and not to a lower one', () => {
  const { r, step, hear } = replica();
  step({ kind: 'stand' });
  expect(only(sentOf(hear(3, heartbeat(ballot(0, 3)))), 'nack')).toHaveLength(1);
  expect(r.view.role).toBe('phase1');
  hear(2, phase2a(ballot(2, 2), 1, 'x'));
  expect(r.view.role).toBe('follower');
  step({ kind: 'stand' });
  hear(2, phase1a(ballot(9, 2)));
  expect(r.view.role).toBe('follower');
});

test('a nacked candidate tries again soon, above the ballot that refused it', () => {
  const { r, step, hear } = replica();
  step({ kind: 'stand' });
  hear(2, { kind: 'nack', ballot: of, promised: ballot(5, 2) });
  expect(r.view.role).toBe('follower');
  expect(only(sentOf(step({ kind: 'tick' }, 50)), 'may-i')).toHaveLength(2);
  hear(3, { kind: 'you-may', ballot: ballot(5, 1) }, 51);
  expect(r.view.ballot).toEqual(ballot(6, 1));
  hear(3, { kind: 'nack', ballot: of, promised: ballot(5, 2) }, 52);
  expect(r.view.role).toBe('phase1');
});

test('a candidate that hears nothing asks again, once its own promise is durable', () => {
  // To stand again meanwhile would make its own 1a's old before they leave.
  const { r, step, hear } = replica();
  const effects = step({ kind: 'stand' });
  step({ kind: 'tick' }, 650);
  expect(r.view.role).toBe('phase1');
  for (const own of heldOf(effects, 1)) hear(1, own, 650);
  step({ kind: 'tick' }, 1_250);
  expect(r.view.role).toBe('asking');
});

test('a yes to an earlier question does not count', () => {
  const { r, step, hear } = replica();
  step({ kind: 'tick' }, 600);
  hear(2, { kind: 'you-may', ballot: ballot(7, 1) }, 601);
  expect(r.view.role).toBe('asking');
});

test('two decided values in one slot are alarmed, and the first stays', () => {
  const { r, hear } = replica(2);
  hear(1, learnReply(1, ['a']));
  hear(1, learnReply(3, ['c']));
  for (const [slot, text] of [
    [1, 'x'],
    [3, 'y'],
  ] as const) {
    expect(alarmsOf(hear(3, learnReply(slot, [text])))).toHaveLength(1);
  }
  expect(r.learner.valueOf(3)).toEqual(batch('c'));
});

test('a read that nobody waits for is not asked for', () => {
  const { step, hear } = replica(2);
  step({ kind: 'read', read: 4 });
  step({ kind: 'forget-read', read: 4 });
  expect(only(sentOf(hear(1, heartbeat(of))), 'read-request')).toEqual([]);
});

test('an older heartbeat does not replace a newer leader', () => {
  const { r, hear } = replica(2);
  hear(3, heartbeat(ballot(5, 3)));
  expect(hear(3, heartbeat(ballot(6, 3)))).not.toContainEqual({ kind: 'following', leader: 3 });
  hear(1, heartbeat(ballot(4, 1)));
  expect(r.view.leader).toMatchObject({ id: 3, ballot: ballot(6, 3) });
});

test('it does not listen to itself as a leader', () => {
  const { r, hear } = leader();
  hear(1, heartbeat(of));
  hear(1, phase1a(ballot(3, 1)));
  expect(r.view.role).toBe('phase2');
});

test('a leader stalled in learning stands again', () => {
  const { r, step, hear } = leader({}, 5);
  for (let ms = 100; ms <= 2_000; ms += 100) answerAll(hear, step({ kind: 'tick' }, ms), ms);
  expect(r.view.ballot).toEqual(of);
  step({ kind: 'tick' }, 2_010);
  expect(r.view).toMatchObject({ role: 'phase1', ballot: ballot(2, 1) });
});

test('a leader tells followers at the end of the turn', () => {
  const { step, hear } = leader();
  const effects = step({ kind: 'propose', value: batch('x') });
  for (const own of heldOf(effects, 1)) hear(1, own);
  expect(executedOf(hear(2, phase2b(of, 1)))).toEqual(['x']);
  expect(only(sentOf(step({ kind: 'turn-end' }), 3), 'decided')).toMatchObject([
    { decidedThrough: 1 },
  ]);
});

test('a reply that helps is followed by the next request at once', () => {
  // Catching up takes one round trip for each reply, not one for each tick.
  const { step, hear: tell } = replica(2);
  tell(1, heartbeat(of, { base: 9, decidedThrough: 8 }));
  step({ kind: 'tick' }, 0);
  const asked = only(sentOf(step({ kind: 'tick' }, 30), 1), 'learn-request');
  expect(asked).toMatchObject([{ fromSlot: 1 }]);
  const reply = learnReply(1, ['a', 'b'], { decidedThrough: 8 });
  const effects = tell(1, reply, 31);
  expect(executedOf(effects)).toEqual(['a', 'b']);
  expect(only(sentOf(effects, 1), 'learn-request')).toMatchObject([{ fromSlot: 3 }]);
  expect(recordsOf(effects).filter((x) => x.kind === 'decided')).toHaveLength(2);
  expect(sentOf(tell(1, reply, 32))).toEqual([]);
});

test('what lies too far ahead is not learned yet', () => {
  // It would wait in memory for everything before it.
  const { r, hear } = replica(2, {}, { limits: { voteAheadSlotsMax: 4 } });
  hear(1, learnReply(4, ['d', 'e']));
  expect([...r.learner.unreleased.keys()]).toEqual([4]);
});

test('a leader that is told of another value follows', () => {
  // Another leads above it.
  const { r, step, hear } = leader();
  step({ kind: 'propose', value: batch('mine') });
  expect(executedOf(hear(2, learnReply(1, ['theirs'])))).toEqual(['theirs']);
  expect(r.view.role).toBe('follower');
});

test('a leader that releases its stop leads no more', () => {
  const { r, step, hear } = leader();
  const effects = step({ kind: 'propose', value: stop });
  for (const own of heldOf(effects, 1)) hear(1, own);
  expect(hear(3, phase2b(of, 1))).toContainEqual({ kind: 'stopped', slot: 1 });
  expect(r.view).toMatchObject({ role: 'follower', room: 0 });
  expect(step({ kind: 'tick' }, 5_000)).not.toContainEqual({ kind: 'leading', ballot: of });
});

test('reads go to whoever leads', () => {
  const follower = replica(2);
  follower.hear(1, heartbeat(of));
  const sent = sentOf(follower.step({ kind: 'read', read: 4 }), 1);
  const [request] = only(sent, 'read-request');
  const number = request?.number ?? -1;
  const answer: Message = { kind: 'read-answer', number, slot: 0 };
  expect(follower.hear(1, answer)).toEqual([{ kind: 'read-ready', read: 4 }]);

  const { step, hear } = leader();
  const asked = step({ kind: 'read', read: 5 });
  expect(answerAll(hear, asked)).toContainEqual({ kind: 'read-ready', read: 5 });
});

test('a read that nobody waits for any more is not answered', () => {
  const { step, hear } = replica(2);
  for (const read of [4, 5, 6]) step({ kind: 'read', read });
  step({ kind: 'forget-read', read: 4 });
  const [request] = only(sentOf(hear(1, heartbeat(of)), 1), 'read-request');
  step({ kind: 'forget-read', read: 5 });
  const answer: Message = { kind: 'read-answer', number: request?.number ?? -1, slot: 1 };
  hear(1, answer);
  step({ kind: 'forget-read', read: 6 });
  const effects = [...hear(1, learnReply(1, ['a'])), ...step({ kind: 'executed', through: 1 })];
  expect(effects.filter((e) => e.kind === 'read-ready')).toEqual([]);
});

test('an installed snapshot moves it on', () => {
  const { r, step } = replica(2);
  expect(step({ kind: 'snapshot-installed', slot: 7, membership: group(3) })).toEqual([
    { kind: 'installed', slot: 7 },
    // What the log has of the slots up to it may have holes.
    { kind: 'truncate-log', before: 8 },
  ]);
  expect(step({ kind: 'snapshot-installed', slot: 3, membership: group(3) })).toEqual([]);
  expect(r.view).toMatchObject({ firstSlot: 8, releasedThrough: 7, executedThrough: 7 });
});

test('only executed slots are truncated', () => {
  const { step, hear, r } = replica(2);
  hear(1, learnReply(1, ['a', 'b']));
  expect(step({ kind: 'truncate', before: 2 })).toEqual([]);
  step({ kind: 'executed', through: 2 });
  expect(step({ kind: 'truncate', before: 3 })).toEqual([{ kind: 'truncate-log', before: 3 }]);
  expect(step({ kind: 'truncate', before: 3 })).toEqual([]);
  expect(r.view.firstSlot).toBe(3);
});

test('a lost vote of an earlier configuration is as void as a vote of it', () => {
  // Votes belong to a configuration (R1): what lies beyond its stop decides nothing any more, and a
  // member that reported it would not count for that slot, for ever.
  const { hear } = replica(2, { lost: new Map([[4, ballot(3, 2, 0)]]) });
  const [promise] = only(heldOf(hear(1, phase1a(ballot(5, 1)))), '1b');
  expect(promise?.reported).toEqual([]);
});
