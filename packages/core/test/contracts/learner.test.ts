import { CatchUp } from '../../src/paxos/catch-up.ts';
import { Election } from '../../src/paxos/election.ts';
import { Executor } from '../../src/paxos/executor.ts';
import { Outbox } from '../../src/paxos/outbox.ts';
import { restoredEmpty } from '../../src/paxos/protocol.ts';
import { Quorum } from '../../src/paxos/quorum.ts';
import { rolesOf } from '../../src/paxos/roles.ts';
import { ValueCache } from '../../src/paxos/value-cache.ts';
import { batch, group, learnReply, settingsOf, stop } from '../paxos/fixture.ts';
import { breaking } from './breaking.ts';
import { acceptorStage } from './stage.ts';

const value = batch('x');

breaking('decide-1 one decided value in a slot (P5)', () => {
  const { learner } = acceptorStage();
  learner.decide(1, value);
  learner.decide(1, batch('another'));
});

breaking('execute-1 slots are released in their order (P7)', () => {
  new Executor(group(3), 0).release(2, value, new Outbox());
});

breaking('execute-2 nothing is released past a stop (R9)', () => {
  const executor = new Executor(group(3), 0);
  executor.release(1, stop, new Outbox());
  executor.release(2, value, new Outbox());
});

breaking('execute-3 only what was released is executed (P7)', () => {
  new Executor(group(3), 0).onExecuted(1);
});

breaking('start-1 nothing undecided was cut (P11)', () => {
  rolesOf(group(3), { ...restoredEmpty, firstSlot: 3, decidedThrough: 1 }, settingsOf(1), 0);
});

breaking('start-2 nothing begins without a state (S6)', () => {
  rolesOf(group(3), { ...restoredEmpty, isStateless: true }, settingsOf(1), 0);
});

breaking('cache-1 consecutive slots', () => {
  new ValueCache(1, 100).add(2, value);
});

breaking('catch-1 only members are asked for what is missing', () => {
  // It has asked replica 2, which is no source any more, and got something from it.
  const catchUp = new CatchUp(100);
  catchUp.due(1, [2], 0, 0);
  catchUp.onReply(2, learnReply(1, ['x']));
  catchUp.due(2, [3], 0, 0);
});

const electionTimeoutMsMin = 100;

/** An election with this source of chance. */
function election(below: () => number, timeoutMs = electionTimeoutMsMin): Election {
  const timings = { electionTimeoutMsMin: timeoutMs, candidateTimeoutMsMin: timeoutMs };
  const quorum = new Quorum(group(3));
  return new Election({ quorum, random: { below }, timings, nowMs: 0 });
}

breaking('elect-1 whoever heard a leader deposes nobody (L1)', () => {
  election(() => 0, 0).onLeaderHeard(0);
});

breaking('elect-2 nobody stands within the time-out of a leader it heard (L1)', () => {
  election(() => -1).onLeaderHeard(0);
});

breaking('elect-3 the wait between two attempts is bounded (L6)', () => {
  election(() => 2 ** 7 * electionTimeoutMsMin).onStood(0);
});
