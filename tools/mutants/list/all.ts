import type { Mutant } from '../mutant.ts';
import { acceptorMutants } from './acceptor.ts';
import { clientMutants } from './clients.ts';
import { codecMutants } from './codec.ts';
import { comparingMutants } from './comparing.ts';
import { engineMutants } from './engine.ts';
import { formingMutants } from './forming.ts';
import { hostMutants } from './host.ts';
import { learnerMutants } from './learner.ts';
import { leadershipMutants } from './leadership.ts';
import { leaseMutants } from './leases.ts';
import { logFileMutants } from './log-files.ts';
import { logSharingMutants } from './log-sharing.ts';
import { logWritingMutants } from './log-writing.ts';
import { lookingMutants } from './looking.ts';
import { lostStateMutants } from './lost-states.ts';
import { phase1Mutants } from './phase1.ts';
import { proposerMutants } from './proposer.ts';
import { readMutants } from './reads.ts';
import { recoveryMutants } from './recovery.ts';
import { replicaMutants } from './replica.ts';
import { sessionMutants } from './sessions.ts';
import { serverStateMutants } from './server-state.ts';
import { sleepMutants } from './sleep.ts';
import { snapshotBoundMutants } from './snapshot-bounds.ts';
import { snapshotLayerMutants } from './snapshot-layer.ts';
import { snapshotServerMutants } from './snapshot-server.ts';
import { snapshotMutants } from './snapshots.ts';
import { standingMutants } from './standing.ts';
import { streamMutants } from './streams.ts';
import { transportMutants } from './transport.ts';

export const mutants: readonly Mutant[] = [
  ...acceptorMutants,
  ...phase1Mutants,
  ...proposerMutants,
  ...learnerMutants,
  ...replicaMutants,
  ...readMutants,
  ...leaseMutants,
  ...hostMutants,
  ...engineMutants,
  ...leadershipMutants,
  ...recoveryMutants,
  ...standingMutants,
  ...sleepMutants,
  ...sessionMutants,
  ...streamMutants,
  ...clientMutants,
  ...formingMutants,
  ...codecMutants,
  ...logFileMutants,
  ...logWritingMutants,
  ...logSharingMutants,
  ...lookingMutants,
  ...snapshotMutants,
  ...serverStateMutants,
  ...transportMutants,
  ...snapshotLayerMutants,
  ...snapshotServerMutants,
  ...lostStateMutants,
  ...comparingMutants,
  ...snapshotBoundMutants,
];
