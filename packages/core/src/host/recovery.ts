import { copied } from '../codec/bytes.ts';
import { CorruptionError, LogTruncatedError } from '../errors.ts';
import { type Ballot, higherBallot, zeroBallot } from '../paxos/ballot.ts';
import type { LogRecord } from '../paxos/log-record.ts';
import type { Membership } from '../paxos/membership.ts';
import type { Restored } from '../paxos/protocol.ts';
import type { Slot } from '../paxos/slot.ts';
import type { Value } from '../paxos/value.ts';
import type { Vote } from '../paxos/vote.ts';
import type { LogInfo, LogStore } from '../ports/log-store.ts';
import type { StateMachine } from '../ports/state-machine.ts';
import type { Execution } from './execution.ts';

/** What a log remembers. */
export interface Remembered {
  readonly info: LogInfo;
  readonly restored: Restored;
  /** The newest configuration, if this store has ever been in one. */
  readonly membership: Membership | undefined;
  /** The one set of members that it agreed to (S10). */
  readonly bootstrap: Membership | undefined;
  /** How often this store has been started before. */
  readonly starts: number;
}

const replayBytesMax = 1024 * 1024;

/** Reads a log into what a replica starts from. Keeps what lies above the last decided-through. */
export async function remember(log: LogStore): Promise<Remembered> {
  const votes = new Map<Slot, Vote>();
  const decided = new Map<Slot, Value>();
  let promised: Ballot = zeroBallot;
  let decidedThrough: Slot = 0;
  let membership: Membership | undefined;
  let bootstrap: Membership | undefined;
  let starts = 0;
  const forget = (through: Slot): void => {
    for (const slot of votes.keys()) if (slot <= through) votes.delete(slot);
    for (const slot of decided.keys()) if (slot <= through) decided.delete(slot);
  };
  const visit = (record: LogRecord): void => {
    switch (record.kind) {
      case 'promise':
        promised = higherBallot(promised, record.ballot);
        return;
      case 'vote':
        promised = higherBallot(promised, record.vote.ballot);
        if (record.slot > decidedThrough)
          votes.set(record.slot, { ...record.vote, value: owned(record.vote.value) });
        return;
      case 'decided':
        if (record.slot > decidedThrough) decided.set(record.slot, owned(record.value));
        return;
      case 'decided-through':
        decidedThrough = Math.max(decidedThrough, record.slot);
        return forget(decidedThrough);
      case 'configuration':
        membership = newer(membership, record.membership);
        return;
      case 'bootstrap':
        bootstrap = record.membership;
        return;
      case 'start':
        starts = Math.max(starts, record.count);
    }
  };
  const info = await log.recover(visit);
  // What was truncated was decided, even if the record that says so was not durable yet.
  decidedThrough = Math.max(decidedThrough, info.firstSlot - 1);
  forget(decidedThrough);
  const lost = new Map([...info.damaged].filter(([slot]) => slot > decidedThrough));
  const { firstSlot } = info;
  const restored = { promised, votes, decided, lost, firstSlot, decidedThrough };
  return { info, restored, membership, bootstrap, starts };
}

async function replay(log: LogStore, through: Slot, execution: Execution): Promise<void> {
  while (execution.executedThrough < through) {
    const next = execution.executedThrough + 1;
    const stored = await log.read(next, through, replayBytesMax);
    if (stored.length === 0) {
      throw new CorruptionError('log', 0, `slot ${next} is said to be decided, and is not there`);
    }
    for (const { slot, value } of stored) execution.execute(slot, value, false);
  }
}

/** Brings the state machine to what the log knows to be decided; the replica starts after it. */
export async function restore(
  log: LogStore,
  { firstSlot, decidedThrough }: Restored,
  stateMachine: StateMachine,
  execution: Execution,
): Promise<void> {
  const reflected = (await stateMachine.open?.()) ?? 0;
  // What came before is not in the log: only a state that reflects it can go on from here.
  if (reflected < firstSlot - 1) throw new LogTruncatedError(reflected + 1, firstSlot);
  execution.begin(firstSlot - 1, reflected);
  await replay(log, decidedThrough, execution);
}

/** A value's bytes are valid only during the visit. */
const owned = ({ bytes, checksum }: Value): Value => ({ bytes: copied(bytes), checksum });

function newer(a: Membership | undefined, b: Membership): Membership {
  return a === undefined || b.number > a.number ? b : a;
}
