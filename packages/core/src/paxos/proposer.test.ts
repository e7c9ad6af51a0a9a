import { expect, test } from 'vitest';
import { Acceptor } from './acceptor.ts';
import { zeroBallot } from './ballot.ts';
import { Executor } from './executor.ts';
import { Learner } from './learner.ts';
import { Outbox } from './outbox.ts';
import { Proposer } from './proposer.ts';
import { Quorum } from './quorum.ts';
import type { Phase1b } from './messages.ts';
import {
  ballot,
  batch,
  decided,
  executedOf,
  group,
  heldOf,
  only,
  phase1b,
  recordsOf,
  sentOf,
  settingsOf,
  stop,
  textOf,
  type Tuning,
  voted,
} from '../../test/paxos/fixture.ts';

const of = ballot(1, 1);

function proposer(tuning: Tuning = {}, members = 3) {
  const settings = settingsOf(1, tuning);
  const membership = group(members);
  const learner = new Learner(new Executor(membership, 0), new Map(), 1_000);
  const { voteAheadSlotsMax, partBytesMax } = settings.limits;
  const acceptor = new Acceptor({
    self: 1,
    firstSlot: 1,
    promised: zeroBallot,
    votes: new Map(),
    configuration: 1,
    lost: new Map(),
    voteAheadSlotsMax,
    partBytesMax,
    learner,
  });
  const quorum = new Quorum(membership);
  const p = new Proposer({ settings, membership, quorum, acceptor, learner });
  return { p, acceptor, learner, out: new Outbox() };
}

type Bench = ReturnType<typeof proposer>;

/** Leads in ballot 1.1, after a 1b of 2 like this. */
function leading(tuning: Tuning = {}, change: Partial<Phase1b> = {}): Bench {
  const b = proposer(tuning);
  b.p.startPhase1(1, 0, b.out);
  b.p.on1b(1, phase1b(of), 0, b.out);
  b.p.on1b(2, phase1b(of, change), 0, b.out);
  b.out.take();
  return b;
}

const slotsTo = (b: Bench, to: number) => only(sentOf(b.out.take(), to), '2a').map((m) => m.slot);
const twoB = (through: number, round = 1) =>
  ({ kind: '2b', ballot: ballot(round, 1), through, payload: 7n }) as const;

function releasedNow(b: Bench): readonly string[] {
  b.p.countVotes();
  b.learner.release(b.acceptor.votes, b.out);
  return executedOf(b.out.take());
}

test('phase 1 asks everybody, itself included, in its own ballot', () => {
  const { p, out } = proposer();
  p.startPhase1(5, 0, out);
  expect([p.isCandidate, p.isLeading, p.room, p.proposedThrough]).toEqual([true, false, 0, 0]);
  const effects = out.take();
  expect(sentOf(effects)).toEqual([]);
  expect(heldOf(effects).map((m) => m.kind)).toEqual(['1a', '1a', '1b']);
  expect(p.ballot).toEqual(ballot(5, 1));
});

test('promises of another ballot make no leader', () => {
  const { p, out } = proposer();
  expect(p.on1b(2, phase1b(of), 0, out)).toBe(false);
  p.startPhase1(2, 0, out);
  for (const id of [1, 2, 3]) expect(p.on1b(id, phase1b(of), 0, out)).toBe(false);
  expect(p.isLeading).toBe(false);
});

const half = phase1b(of, { reported: [voted(1, ballot(0, 2), 'a')], nextSlot: 2 });

test('half a promise makes no leader', () => {
  const { p, out } = proposer();
  p.startPhase1(1, 0, out);
  p.on1b(1, phase1b(of), 0, out);
  expect(p.on1b(2, half, 0, out)).toBe(false);
  expect(p.isLeading).toBe(false);
  expect(p.on1b(2, phase1b(of, { fromSlot: 2 }), 0, out)).toBe(true);
});

test('what it knows to be decided itself it does not write again', () => {
  const b = proposer();
  b.learner.decide(2, batch('b'));
  b.p.startPhase1(1, 0, b.out);
  b.out.take();
  for (const id of [1, 2]) b.p.on1b(id, phase1b(of, { reported: [decided(2, 'b')] }), 0, b.out);
  expect(recordsOf(b.out.take()).map((r) => r.kind)).toEqual(['vote']);
});

test('what it learned since it stood outdates promises that do not tell of it', () => {
  // Somebody leads, or led, above it: it stops standing rather than propose anything there (P8).
  const cases = [
    { reported: [], leads: false },
    { reported: [voted(1, ballot(0, 2), 'a'), voted(2, ballot(0, 2), 'x')], leads: false },
    { reported: [voted(1, ballot(0, 2), 'a'), voted(2, ballot(0, 2), 'b')], leads: true },
  ];
  for (const { reported, leads } of cases) {
    const b = proposer();
    b.p.startPhase1(1, 0, b.out);
    b.p.on1b(1, phase1b(of), 0, b.out);
    b.learner.decide(2, batch('b'));
    expect(b.p.on1b(2, phase1b(of, { reported }), 0, b.out)).toBe(leads);
    expect([b.p.isLeading, b.p.isCandidate]).toEqual([leads, false]);
  }
});

test('what it knows to be decided below its base it does not mind', () => {
  // Nothing is proposed there.
  const b = proposer();
  b.p.startPhase1(1, 0, b.out);
  b.p.on1b(1, phase1b(of), 0, b.out);
  b.learner.decide(2, batch('b'));
  expect(b.p.on1b(2, phase1b(of, { decidedThrough: 2 }), 0, b.out)).toBe(true);
  expect(b.p.base).toBe(3);
});

test('a candidate is writing until its own promise comes back', () => {
  const b = proposer();
  expect(b.p.isWriting).toBe(false);
  b.p.startPhase1(1, 0, b.out);
  b.p.on1b(2, half, 0, b.out);
  expect(b.p.isWriting).toBe(true);
  b.p.on1b(1, phase1b(of), 0, b.out);
  expect(b.p.isWriting).toBe(false);
});

test('a leader says so before it proposes', () => {
  // The heartbeat carries the base, so that no follower waits for the first command.
  const { p, out } = proposer();
  p.startPhase1(1, 0, out);
  p.on1b(1, phase1b(of), 0, out);
  out.take();
  expect(p.on1b(3, phase1b(of, { decidedThrough: 4 }), 0, out)).toBe(true);
  expect(only(sentOf(out.take(), 2), 'heartbeat')).toMatchObject([{ base: 5, decidedThrough: 0 }]);
  expect([p.base, p.barrier, p.proposedThrough, p.isCandidate]).toEqual([5, 4, 4, false]);
});

test('what phase 1 found is proposed again, decided values too', () => {
  const b = proposer();
  b.p.startPhase1(1, 0, b.out);
  b.p.on1b(1, phase1b(of), 0, b.out);
  b.out.take();
  b.p.on1b(2, phase1b(of, { reported: [voted(1, ballot(0, 2), 'a'), decided(3, 'c')] }), 0, b.out);
  const effects = b.out.take();
  const sent = only(sentOf(effects, 3), '2a');
  expect(sent.map((m) => textOf(m.value))).toEqual(['a', '(no-op)', 'c']);
  expect(recordsOf(effects).map((r) => r.kind)).toEqual(['decided', 'vote', 'vote']);
  expect([b.p.barrier, b.learner.isDecided(3)]).toEqual([3, true]);
});

test('an adopted stop ends what is proposed, and the barrier with it', () => {
  const theStop = { ...voted(2, ballot(0, 2), ''), value: stop };
  const reported = [voted(1, ballot(0, 2), 'a'), theStop, voted(3, ballot(0, 2), 'void')];
  const b = leading({}, { reported });
  expect([b.p.proposedThrough, b.p.barrier, b.p.room]).toEqual([2, 2, 0]);
});

test('slots in flight are bounded', () => {
  // And so is what waits for an earlier slot to be learned: it takes memory as well.
  const b = leading({ limits: { slotsInFlightMax: 2 } });
  expect(b.p.room).toBe(2);
  b.p.propose(batch('a'), 0, b.out);
  b.p.propose(batch('b'), 0, b.out);
  expect(b.p.room).toBe(0);
  for (const id of [1, 2]) b.p.on2b(id, twoB(1), 0, b.out);
  b.p.countVotes();
  expect(b.p.room).toBe(1);

  const behind = leading({ limits: { voteAheadSlotsMax: 3 } }, { decidedThrough: 4 });
  expect(behind.p.room).toBe(3);
  for (let i = 0; i < 3; i += 1) behind.p.propose(batch('x'), 0, behind.out);
  expect(behind.p.room).toBe(0);
});

test('a slot is decided when a quorum has everything up to it', () => {
  const b = leading();
  for (const text of ['a', 'b', 'c']) b.p.propose(batch(text), 0, b.out);
  expect(b.p.on2b(2, twoB(2), 0, b.out)).toBe(true);
  expect(releasedNow(b)).toEqual([]);
  expect(b.p.on2b(1, twoB(1), 0, b.out)).toBe(true);
  expect(releasedNow(b)).toEqual(['a']);
  b.p.on2b(3, twoB(3), 0, b.out);
  expect(releasedNow(b)).toEqual(['b']);
  expect(b.p.progressOf(3)).toMatchObject({ through: 3, payload: 7n });
});

test('a 2b counts only in its ballot and from a member', () => {
  const b = leading();
  b.p.propose(batch('a'), 0, b.out);
  expect(b.p.on2b(2, twoB(1, 2), 0, b.out)).toBe(false);
  expect(b.p.on2b(9, twoB(1), 0, b.out)).toBe(false);
  b.p.stepDown();
  expect(b.p.on2b(2, twoB(1), 0, b.out)).toBe(false);
  expect(b.p.progressOf(2)).toBeUndefined();
});

test('what is learned contradicts a leader, or does not', () => {
  // P8: another value in its slot, or a slot that it has not proposed in.
  const b = leading({}, { decidedThrough: 2 });
  b.p.propose(batch('a'), 0, b.out);
  expect(b.p.contradicts(2, batch('x'))).toBe(false);
  expect(b.p.contradicts(3, batch('a'))).toBe(false);
  expect(b.p.contradicts(3, batch('x'))).toBe(true);
  expect(b.p.contradicts(4, batch('x'))).toBe(true);
  b.p.stepDown();
  expect(b.p.contradicts(4, batch('x'))).toBe(false);
});

test('what was decided and released is still its own proposal', () => {
  const b = leading();
  b.p.propose(batch('a'), 0, b.out);
  for (const id of [2, 3]) b.p.on2b(id, twoB(1), 0, b.out);
  expect(releasedNow(b)).toEqual(['a']);
  expect(b.p.contradicts(1, batch('a'))).toBe(false);
  expect(b.p.contradicts(1, batch('x'))).toBe(true);
});

test('it sends again from the first slot that is missing', () => {
  const b = leading({}, {});
  for (const text of ['a', 'b']) b.p.propose(batch(text), 0, b.out);
  expect(slotsTo(b, 3)).toEqual([1, 2]);
  b.p.on2b(3, twoB(1), 0, b.out);
  b.p.onTick(199, b.out);
  expect(slotsTo(b, 3)).toEqual([]);
  b.p.onTick(200, b.out);
  expect(slotsTo(b, 3)).toEqual([2]);
});

test('a follower is sent so much ahead of what it has, and no more', () => {
  // A follower that is away must not fill the queue of its connection.
  const b = leading({ limits: { slotsInFlightMax: 2 } });
  for (let slot = 1; slot <= 6; slot += 1) {
    b.p.propose(batch(`v${slot}`), 0, b.out);
    for (const id of [1, 2]) b.p.on2b(id, twoB(slot), 0, b.out);
    b.p.countVotes();
    b.learner.release(b.acceptor.votes, b.out);
  }
  expect(slotsTo(b, 3)).toEqual([1, 2, 3, 4]);
  b.p.on2b(3, twoB(1), 0, b.out);
  expect(slotsTo(b, 3)).toEqual([5]);
});

test('what is no longer at hand has to be learned', () => {
  // The cache keeps the newest; 3 asks for the rest.
  const b = leading({ limits: { slotsInFlightMax: 1 } });
  for (let slot = 1; slot <= 3; slot += 1) {
    b.p.propose(batch('x'.repeat(900)), 0, b.out);
    for (const id of [1, 2]) b.p.on2b(id, twoB(slot), 0, b.out);
    b.p.countVotes();
    b.learner.release(b.acceptor.votes, b.out);
  }
  b.out.take();
  b.p.onTick(400, b.out);
  expect(slotsTo(b, 3)).toEqual([]);
});

test('heartbeats are in time, and say what is decided', () => {
  const b = leading();
  b.p.onTick(49, b.out);
  expect(b.out.take()).toEqual([]);
  b.p.onTick(50, b.out);
  expect(only(sentOf(b.out.take(), 2), 'heartbeat')).toMatchObject([{ ballot: of, base: 1 }]);
  b.p.stepDown();
  b.p.onTick(500, b.out);
  expect(b.out.take()).toEqual([]);
});

test('at the end of a turn followers are told what no 2a has told them', () => {
  const b = leading();
  b.p.onTurnEnd(b.out);
  expect(b.out.take()).toEqual([]);
  b.p.propose(batch('a'), 0, b.out);
  for (const id of [1, 2]) b.p.on2b(id, twoB(1), 0, b.out);
  releasedNow(b);
  b.p.onTurnEnd(b.out);
  expect(only(sentOf(b.out.take(), 3), 'decided')).toMatchObject([{ decidedThrough: 1, base: 1 }]);
  b.p.onTurnEnd(b.out);
  expect(b.out.take()).toEqual([]);
});

test('answers count for heartbeats of its ballot that were sent', () => {
  const b = leading();
  b.p.beat(100, b.out);
  const round = b.p.reads?.round ?? -1;
  const answer = {
    kind: 'heartbeat-answer',
    ballot: of,
    round,
    executedThrough: 3,
    full: false,
  } as const;
  b.p.onHeartbeatAnswer(2, { ...answer, ballot: ballot(7, 1) });
  b.p.onHeartbeatAnswer(2, { ...answer, round: round + 1 });
  b.p.onHeartbeatAnswer(9, answer);
  expect(b.p.reads?.quorumHeardAtMs()).toBe(0);
  b.p.onHeartbeatAnswer(2, answer);
  expect([b.p.reads?.quorumHeardAtMs(), b.p.progressOf(2)?.executedThrough]).toEqual([100, 3]);
  b.p.stepDown();
  b.p.onHeartbeatAnswer(2, answer);
  expect(b.p.reads).toBeUndefined();
});

test('learning below the base stalls after a while without a value', () => {
  // R7. Nothing stalls where there is nothing to learn.
  const b = leading({}, { firstSlot: 3 });
  expect(b.p.isLearningStalled(2_000)).toBe(false);
  expect(b.p.isLearningStalled(2_001)).toBe(true);
  b.p.onLearned(2_001);
  expect(b.p.isLearningStalled(4_001)).toBe(false);
  expect(b.p.isLearningStalled(4_002)).toBe(true);
  expect(leading().p.isLearningStalled(9_000)).toBe(false);
});

test.runIf(CONTRACTS)('it proposes only after phase 1, and nothing past its stop', () => {
  const b = proposer();
  expect(() => b.p.propose(batch('x'), 0, b.out)).toThrow('requires: propose-1');
  const behind = leading();
  behind.learner.decide(1, batch('theirs'));
  expect(() => behind.p.propose(batch('mine'), 0, behind.out)).toThrow('propose-2');
  const l = leading();
  l.p.propose(stop, 0, l.out);
  expect(() => l.p.propose(batch('x'), 0, l.out)).toThrow('propose-4');
});

test('a slot that is decided already is acknowledged, not voted for', () => {
  // Phase 1 told it as decided: a vote would be one over a decision (P1).
  const reported = [decided(1, 'a')];
  const b = leading({}, { reported });
  expect([b.acceptor.votes.size, b.p.proposedThrough]).toEqual([0, 1]);
  for (const id of [1, 2]) b.p.on2b(id, twoB(1), 0, b.out);
  expect(releasedNow(b)).toEqual(['a']);
});

test('a candidate that has learned what no promise tells of does not lead', () => {
  // Somebody above it has decided slot 2 meanwhile: it may propose nothing else there (P8).
  const { p, learner, out } = proposer();
  p.startPhase1(1, 0, out);
  p.on1b(1, phase1b(of), 0, out);
  learner.decide(2, batch('theirs'));
  expect(p.on1b(2, phase1b(of), 0, out)).toBe(false);
  expect([p.isLeading, p.isCandidate]).toEqual([false, false]);
});

test('a candidate asks for what is left of promises, once for whatever it is told', () => {
  const b = proposer({}, 5);
  expect(b.p.askAgain(b.out), 'it is no candidate').toBe(false);
  b.p.startPhase1(1, 0, b.out);
  b.p.on1b(1, phase1b(of), 0, b.out);
  expect(b.p.askAgain(b.out), 'nobody else has told it anything').toBe(false);
  b.p.on1b(2, half, 0, b.out);
  b.p.on1b(3, phase1b(of), 0, b.out);
  b.out.take();
  expect(b.p.askAgain(b.out)).toBe(true);
  const effects = b.out.take();
  const asked = [2, 3, 4, 5].map((id) => only(heldOf(effects, id), '1a').map((m) => m.fromSlot));
  expect(asked).toEqual([[2], [], [1], [1]]);
  expect(b.p.askAgain(b.out), 'it was told nothing since').toBe(false);
  b.p.on1b(2, phase1b(of, { fromSlot: 2 }), 0, b.out);
  expect([b.p.isLeading, b.p.askAgain(b.out)]).toEqual([true, false]);
});

test('grants count in the ballot they were asked for in, of others, and of rounds begun', () => {
  const lease = { forMs: 200, drift: 0.001 };
  const b = leading({ lease });
  b.p.beat(0, b.out);
  const round = only(sentOf(b.out.take(), 2), 'heartbeat')[0]?.round ?? 0;
  const held = (): boolean => b.p.reads?.lease.isHeld(100) === true;
  const grant = (from: number, change: object = {}): void =>
    b.p.onGrant(from, { kind: 'grant', ballot: of, round, ...change });
  grant(2, { ballot: ballot(2, 2) });
  grant(2, { round: round + 1 });
  grant(1);
  grant(9);
  expect(held()).toBe(false);
  grant(2);
  expect(held()).toBe(true);
});
