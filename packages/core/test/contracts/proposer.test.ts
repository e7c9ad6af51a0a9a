import { Executor } from '../../src/paxos/executor.ts';
import { Lease } from '../../src/paxos/lease.ts';
import { LeaderReads } from '../../src/paxos/leader-reads.ts';
import { Outbox } from '../../src/paxos/outbox.ts';
import { Phase1 } from '../../src/paxos/phase1.ts';
import { Progress } from '../../src/paxos/progress.ts';
import type { Proposer } from '../../src/paxos/proposer.ts';
import { Quorum } from '../../src/paxos/quorum.ts';
import { Reading } from '../../src/paxos/reading.ts';
import { ballot, batch, group, phase1b, settingsOf, stop } from '../paxos/fixture.ts';
import { breaking } from './breaking.ts';
import { credulousQuorum, leaderStage, proposerStage } from './stage.ts';

const value = batch('x');
const acknowledged = (through: number) =>
  ({ kind: '2b', ballot: ballot(1, 1), through, payload: 0n }) as const;

breaking('propose-1 not over a decision (P8)', () => {
  const { proposer, learner, out } = leaderStage();
  learner.decide(1, value);
  learner.release(new Map(), out);
  proposer.propose(value, 0, out);
});

breaking('propose-2 nor another value where one is known to be decided (P8)', () => {
  const { proposer, learner, out } = leaderStage();
  learner.decide(1, batch('theirs'));
  proposer.propose(value, 0, out);
});

breaking('propose-3 only after phase 1 (P4)', () => {
  const { proposer, out } = leaderStage();
  proposer.stepDown();
  proposer.propose(value, 0, out);
});

breaking('propose-4 not past a stop (R9)', () => {
  const { proposer, out } = leaderStage();
  proposer.propose(stop, 0, out);
  proposer.propose(value, 0, out);
});

breaking('count-2 the leader’s own vote counts once its own log has said so (P5)', () => {
  const { proposer, out } = leaderStage();
  proposer.propose(value, 0, out);
  proposer.on2b(1, acknowledged(2), 0, out);
});

breaking('count-1 a quorum of distinct voters has every decided slot in its log (P5)', () => {
  const { proposer, out } = leaderStage(credulousQuorum());
  proposer.propose(value, 0, out);
  proposer.countVotes();
});

breaking('beat-1 only a leader beats (P6)', () => {
  const { proposer, out } = proposerStage();
  proposer.beat(0, out);
});

breaking('stand-7 a 1a leaves once its own promise is durable (P2)', () => {
  const { proposer, out } = proposerStage();
  proposer.startPhase1(9, 0, out);
  proposer.askAgain(out);
});

breaking('promise-1 a 1b counts in its own ballot (P4)', () => {
  new Phase1(ballot(4, 1), new Quorum(group(3)), 1).on1b(2, phase1b(ballot(5, 1)));
});

breaking('progress-2 slots are sent in order (P6)', () => {
  new Progress(2, 1, 100, 0).sent(2, 0);
});

breaking('read-1 nobody answers a round that was not asked (Q1)', () => {
  new LeaderReads(1, new Quorum(group(3)), 0).onAnswer(2, 1);
});

breaking('read-3 a quorum has answered this round or a later one, each member once (Q1)', () => {
  const reads = new LeaderReads(1, credulousQuorum(), 0);
  reads.ask({ from: 2, number: 1 });
  reads.begin(1);
  reads.confirmed();
});

breaking('read-4 nobody reads before the barrier of the leader (Q1)', () => {
  const reads = { begin: () => false, confirmed: () => ({ asked: [], target: 4 }) };
  const hasty = { barrier: 5, reads } as unknown as Proposer;
  const reading = new Reading(settingsOf(1), hasty, new Executor(group(3), 0));
  reading.settle(undefined, 0, new Outbox());
});

breaking('lease-1 nobody grants what was not asked for (Q2)', () => {
  new LeaderReads(1, new Quorum(group(3)), 0, { forMs: 250, drift: 0.001 }).onGrant(2, 1);
});

breaking('lease-2 a late grant takes no newer one back (Q2)', () => {
  const lease = new Lease(1, new Quorum(group(3)), { forMs: 250, drift: 0.001 });
  lease.onGrant(2, 1_000);
  lease.onGrant(2, Number.NaN);
});
