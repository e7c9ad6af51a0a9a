import { expect, test } from 'vitest';
import { restoredEmpty } from './protocol.ts';
import { Replica } from './replica.ts';
import type { Message } from './messages.ts';
import {
  ballot,
  batch,
  executedOf,
  group,
  heartbeat,
  learnReply,
  only,
  phase1a,
  phase1b,
  phase2a,
  phase2b,
  recordsOf,
  sentOf,
  settingsOf,
  stop,
} from '../../test/paxos/fixture.ts';
import { answerAll, leader, of, replica } from '../../test/paxos/replica-fixture.ts';

test('a store that is not named hears, learns and keeps silent', () => {
  // S2: it neither promises nor votes nor stands nor answers.
  const settings = { ...settingsOf(2), store: 'ffffffffffffffff' };
  const r = new Replica(group(3), restoredEmpty, settings, 0);
  const hear = (message: Message) => r.step({ kind: 'message', from: 1, message }, 0);
  for (const message of [
    phase1a(of),
    phase2a(of, 1, 'x'),
    { kind: 'may-i', ballot: of } as const,
  ]) {
    expect(hear(message)).toEqual([]);
  }
  expect(hear(heartbeat(of, { decidedThrough: 1 }))).toEqual([{ kind: 'following', leader: 1 }]);
  expect(r.step({ kind: 'stand' }, 0)).toEqual([]);
  expect(r.step({ kind: 'tick' }, 5_000)).toEqual([]);
  expect(sentOf(r.step({ kind: 'tick' }, 5_025))).toMatchObject([{ kind: 'learn-request' }]);
  expect(executedOf(hear(learnReply(1, ['x'])))).toEqual(['x']);
});

test('it wants no other leader while it hears one, or is one', () => {
  const mayI = { kind: 'may-i', ballot: ballot(0, 3) } as const;
  const follower = replica(2);
  expect(only(sentOf(follower.hear(3, mayI), 3), 'you-may')).toHaveLength(1);
  follower.hear(1, heartbeat(of));
  expect(sentOf(follower.hear(3, mayI, 299))).toEqual([]);
  expect(only(sentOf(follower.hear(1, mayI, 299), 1), 'you-may')).toHaveLength(1);
  expect(only(sentOf(follower.hear(3, mayI, 300), 3), 'you-may')).toHaveLength(1);

  const leading = leader();
  expect(sentOf(leading.hear(3, mayI, 299))).toEqual([]);
  expect(only(sentOf(leading.hear(3, mayI, 300), 3), 'you-may')).toHaveLength(1);
});

test('a leader that is nacked stands again, or follows if nobody answers it', () => {
  const nack: Message = { kind: 'nack', ballot: of, promised: ballot(5, 3) };
  const alive = leader();
  alive.hear(3, nack, 299);
  expect(alive.r.view).toMatchObject({ role: 'phase1', ballot: ballot(6, 1) });
  const alone = leader();
  alone.hear(3, nack, 300);
  expect(alone.r.view.role).toBe('follower');
  alone.hear(3, nack, 301);
  expect(alone.r.view.role).toBe('follower');
});

test('a leader that hears no quorum stops, and says so', () => {
  const { r, step } = leader();
  step({ kind: 'tick' }, 300);
  expect(r.view.role).toBe('phase2');
  expect(step({ kind: 'tick' }, 451)).toContainEqual({ kind: 'following', leader: undefined });
  expect(r.view.role).toBe('follower');
});

test('the word of a leader counts only at or above the promise', () => {
  const { hear } = replica(2);
  hear(1, phase2a(of, 1, 'x'));
  hear(3, phase1a(ballot(2, 3)));
  const word = { kind: 'decided', ballot: of, base: 1, decidedThrough: 1 } as const;
  expect(hear(1, word)).toEqual([]);
  const other = replica(2);
  other.hear(1, phase2a(of, 1, 'x'));
  expect(executedOf(other.hear(1, word))).toEqual(['x']);
});

test('requests are answered, and other configurations are not', () => {
  const { hear } = replica(2);
  hear(1, learnReply(1, ['a']));
  const asked = { kind: 'learn-request', fromSlot: 1, bytesMax: 9 } as const;
  expect(only(sentOf(hear(3, asked), 3), 'learn-reply')).toHaveLength(1);
  const refused = hear(3, { kind: 'read-request', number: 4 });
  expect(only(sentOf(refused, 3), 'read-answer')).toMatchObject([{ slot: undefined }]);
  expect(hear(1, phase1a(ballot(9, 1, 2)))).toEqual([]);
  expect(only(sentOf(hear(1, phase2a(ballot(0, 1), 2, 'x'))), 'nack')).toEqual([]);
});

test('what arrives late, or for nobody, changes nothing', () => {
  // Answers to a ballot that is over, promises beyond the quorum, a heartbeat of its own ballot.
  const { r, hear } = leader();
  const view = r.view;
  hear(2, phase2b(ballot(0, 1), 9));
  hear(3, phase1b(of));
  hear(3, { kind: 'you-may', ballot: of });
  hear(1, phase2a(of, 1, 'own'));
  expect(r.view).toMatchObject({ role: 'phase2', ballot: of, leader: view.leader });
  const follower = replica(2);
  expect(follower.hear(1, phase1b(of))).toEqual([]);
  expect(follower.hear(1, phase2b(of, 1))).toEqual([]);
  expect(follower.hear(1, { kind: 'nack', ballot: ballot(0, 0, 1), promised: of })).toEqual([]);
});

test('a deposed leader is told so, whatever it sends', () => {
  const { hear } = replica(2, { promised: ballot(5, 3) });
  for (const message of [phase1a(of), phase2a(of, 1, 'x'), heartbeat(of)]) {
    const effects = hear(1, message);
    expect(recordsOf(effects)).toEqual([]);
    expect(sentOf(effects, 1)).toEqual([{ kind: 'nack', ballot: of, promised: ballot(5, 3) }]);
  }
});

test('after its stop it refuses nobody: its configuration is over', () => {
  const { step, hear } = replica(2, { promised: ballot(5, 3) });
  hear(1, { ...learnReply(1, []), values: [stop], decidedThrough: 1 });
  expect(hear(1, heartbeat(of))).toEqual([]);
  expect(hear(3, heartbeat(ballot(5, 3), { decidedThrough: 9 }))).toMatchObject([
    { kind: 'following', leader: 3 },
  ]);
  expect(sentOf(step({ kind: 'tick' }, 9_000))).toEqual([]);
});

test('a repeated 1a of its leader does not make it forget the leader', () => {
  // Only a ballot that it has not followed yet leaves it without one.
  const { r, hear } = replica(2);
  hear(1, phase1a(of));
  expect(r.view.leader).toBeUndefined();
  hear(1, heartbeat(of));
  expect(hear(1, phase1a(of))).not.toContainEqual({ kind: 'following', leader: undefined });
  expect(r.view.leader).toMatchObject({ id: 1 });
  hear(3, phase1a(ballot(2, 3)));
  expect(r.view.leader).toBeUndefined();
});

test('a reply that fills nothing is not followed by the next request at once', () => {
  // It answered what was asked, and what it holds is known by now.
  const { step, hear } = replica(2);
  hear(1, heartbeat(of, { base: 9, decidedThrough: 8 }));
  step({ kind: 'tick' }, 0);
  step({ kind: 'tick' }, 30);
  hear(3, learnReply(1, ['a'], { decidedThrough: 8 }), 31);
  expect(sentOf(hear(1, learnReply(1, ['a'], { decidedThrough: 8 }), 32))).toEqual([]);
});

test('a leader asks for what lies below its base, and not for its own proposals', () => {
  // Those become decided by counting votes.
  const low = leader({}, 5);
  low.step({ kind: 'tick' }, 10);
  expect(only(sentOf(low.step({ kind: 'tick' }, 40)), 'learn-request')).toMatchObject([
    { fromSlot: 1 },
  ]);
  const up = leader();
  up.step({ kind: 'propose', value: batch('x') });
  up.hear(3, learnReply(1, [], { decidedThrough: 9 }));
  up.step({ kind: 'tick' }, 10);
  expect(only(sentOf(up.step({ kind: 'tick' }, 40)), 'learn-request')).toEqual([]);
});

test('a nack to whoever neither leads nor stands changes nothing', () => {
  const { r, hear } = replica();
  expect(hear(2, { kind: 'nack', ballot: ballot(0, 0, 0), promised: of })).toEqual([]);
  hear(2, { kind: 'nack', ballot: ballot(1, 1), promised: ballot(4, 2) });
  expect(r.view.role).toBe('follower');
});

test('a member stands when its leader gives up its place, and for nobody else (L3, L4)', () => {
  const follower = replica(2);
  follower.hear(1, heartbeat(of));
  for (const late of [ballot(0, 1), ballot(2, 3)]) {
    follower.hear(late.proposer, { kind: 'stand-now', ballot: late });
    expect(follower.r.view.role).toBe('follower');
  }
  follower.step({ kind: 'storage', full: true });
  follower.hear(1, { kind: 'stand-now', ballot: of });
  expect(follower.r.view.role).toBe('follower');
  follower.step({ kind: 'storage', full: false });
  follower.hear(1, { kind: 'stand-now', ballot: of });
  expect(follower.r.view.role).toBe('phase1');
});

test('a full member says so, and a full leader takes nothing (S5)', () => {
  const follower = replica(2);
  follower.step({ kind: 'storage', full: true });
  const answers = only(sentOf(follower.hear(1, heartbeat(of)), 1), 'heartbeat-answer');
  expect(answers).toMatchObject([{ full: true }]);

  const leading = leader();
  expect(leading.r.view.room).toBeGreaterThan(0);
  leading.step({ kind: 'storage', full: true });
  expect(leading.r.view.room).toBe(0);
});

test('a leader that has offered its place does not stand against whoever took it (L3)', () => {
  const b = leader();
  b.hear(2, { kind: '2b', ballot: of, through: 0, payload: 0n });
  answerAll(b.hear, b.step({ kind: 'tick' }, 100), 100);
  b.step({ kind: 'storage', full: true }, 100);
  const offers = only(sentOf(b.step({ kind: 'tick' }, 110), 2), 'stand-now');
  expect(offers).toHaveLength(1);
  b.hear(2, { kind: 'nack', ballot: of, promised: ballot(2, 2) }, 120);
  expect(b.r.view.role).toBe('follower');
});
