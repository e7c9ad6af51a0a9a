/** Roles that are put together by hand, so that a test can ask of them what nobody may. */
import { Acceptor } from '../../src/paxos/acceptor.ts';
import { Executor } from '../../src/paxos/executor.ts';
import { Learner } from '../../src/paxos/learner.ts';
import { Outbox } from '../../src/paxos/outbox.ts';
import { Proposer } from '../../src/paxos/proposer.ts';
import { Quorum } from '../../src/paxos/quorum.ts';
import { ballot, group, phase1b, settingsOf } from '../paxos/fixture.ts';

const membership = group(3);
const cacheBytesMax = 1_000;

export interface AcceptorStage {
  readonly acceptor: Acceptor;
  readonly learner: Learner;
  readonly out: Outbox;
}

/** Acceptor 2, which has promised ballot 3.3. */
export function acceptorStage(
  learner = new Learner(new Executor(membership, 0), new Map(), cacheBytesMax),
): AcceptorStage {
  const acceptor = new Acceptor({
    self: 2,
    firstSlot: 1,
    promised: ballot(3, 3),
    configuration: 1,
    votes: new Map(),
    lost: new Map(),
    voteAheadSlotsMax: 16,
    partBytesMax: 1_000,
    learner,
  });
  return { acceptor, learner, out: new Outbox() };
}

export interface ProposerStage {
  readonly proposer: Proposer;
  readonly learner: Learner;
  readonly out: Outbox;
}

/** Proposer 1, which has done nothing yet. */
export function proposerStage(quorum = new Quorum(membership)): ProposerStage {
  const settings = settingsOf(1);
  const { learner } = acceptorStage();
  const acceptor = new Acceptor({
    self: 1,
    firstSlot: 1,
    promised: ballot(0, 1),
    configuration: 1,
    votes: new Map(),
    lost: new Map(),
    voteAheadSlotsMax: settings.limits.voteAheadSlotsMax,
    partBytesMax: settings.limits.partBytesMax,
    learner,
  });
  const proposer = new Proposer({ settings, membership, quorum, acceptor, learner });
  return { proposer, learner, out: new Outbox() };
}

/** Proposer 1, which leads in ballot 1.1 from slot 1 on. */
export function leaderStage(quorum = new Quorum(membership)): ProposerStage {
  const stage = proposerStage(quorum);
  stage.proposer.startPhase1(1, 0, stage.out);
  for (const from of [1, 2]) stage.proposer.on1b(from, phase1b(ballot(1, 1)), 0, stage.out);
  return stage;
}

/** Says of any watermark that a quorum has passed it. */
export function credulousQuorum(): Quorum {
  const quorum = new Quorum(membership);
  return Object.assign(quorum, { reached: () => Number.MAX_SAFE_INTEGER });
}
