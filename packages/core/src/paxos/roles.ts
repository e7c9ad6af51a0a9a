import { requires } from '@rsl/contracts';
import { Acceptor } from './acceptor.ts';
import type { Effect } from './effect.ts';
import { Election } from './election.ts';
import { Executor } from './executor.ts';
import { Grantor } from './grantor.ts';
import { Learner } from './learner.ts';
import type { Membership } from './membership.ts';
import { Proposer } from './proposer.ts';
import type { Restored } from './protocol.ts';
import { Quorum } from './quorum.ts';
import type { Settings } from './settings.ts';
import type { Slot } from './slot.ts';

/** The roles that one replica plays, each knowing those it may ask. */
export interface Roles {
  readonly executor: Executor;
  readonly learner: Learner;
  readonly acceptor: Acceptor;
  readonly proposer: Proposer;
  readonly election: Election;
  readonly grantor: Grantor;
}

/** All of them go on behind a durable snapshot of `slot`, the executor first (R8). */
export function install({ acceptor, executor, learner }: Roles, slot: Slot): readonly Effect[] {
  executor.onInstalled(slot);
  learner.onInstalled(slot);
  acceptor.onInstalled(slot);
  // What came before is in the snapshot, and the log may have a hole there.
  return [
    { kind: 'installed', slot },
    { kind: 'truncate-log', before: slot + 1 },
  ];
}

/** The roles of a replica that begins with what its log gave back. */
export function rolesOf(
  membership: Membership,
  restored: Restored,
  settings: Settings,
  nowMs: number,
): Roles {
  const { decidedThrough, firstSlot, promised, votes, lost } = restored;
  requires(() => !restored.isStateless, 'start-2 nothing begins without a state (S6)');
  requires(() => decidedThrough + 1 >= firstSlot, 'start-1 nothing undecided was cut (P11)');
  const { self, limits, timings, random } = settings;
  const { voteAheadSlotsMax, partBytesMax } = limits;
  const quorum = new Quorum(membership);
  const executor = new Executor(membership, decidedThrough);
  const learner = new Learner(executor, restored.decided, limits.cacheBytesMax);
  const acceptor = new Acceptor({
    self,
    firstSlot,
    promised,
    configuration: membership.number,
    votes,
    lost,
    voteAheadSlotsMax,
    partBytesMax,
    learner,
  });
  const proposer = new Proposer({ settings, membership, quorum, acceptor, learner });
  const { electionTimeoutMsMin } = timings;
  const { leaseMs } = restored;
  const grantor = new Grantor({ self, electionTimeoutMsMin, leaseMs, nowMs });
  const election = new Election({ quorum, random, timings, nowMs });
  return { executor, learner, acceptor, proposer, election, grantor };
}
