import { copied } from '../codec/bytes.ts';
import { CorruptionError, LogTruncatedError } from '../errors.ts';
import { type Ballot, higherBallot, zeroBallot } from '../paxos/ballot.ts';
import type { LogRecord, Standing } from '../paxos/log-record.ts';
import type { Membership } from '../paxos/membership.ts';
import type { Restored } from '../paxos/protocol.ts';
import type { Slot } from '../paxos/slot.ts';
import type { Value } from '../paxos/value.ts';
import type { Vote } from '../paxos/vote.ts';
import type { LogInfo, LogStore, StoredValue } from '../ports/log-store.ts';
import type { StateMachine } from '../ports/state-machine.ts';
import { unreachable } from '../unreachable.ts';
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
  /** The random number of the last of them; 0 if there was none. */
  readonly nonce: number;
  /** Where others said that their stores stood (S2a). */
  readonly standings: readonly Standing[];
}

const replayBytesMax = 1024 * 1024;
/** Decided values behind an unreadable one that a start keeps in memory; beyond it the store is to
 * be given up (S2). */
const repairBytesMax = 256 * 1024 * 1024;

/**
 * Reads a log into what a replica starts from. Keeps what lies above the last decided-through; or
 * above the first slot whose value cannot be read, if that comes before (S3).
 */
export async function remember(log: Pick<LogStore, 'recover' | 'read'>): Promise<Remembered> {
  const seen = new Recollection();
  const info = await log.recover((record) => seen.visit(record));
  // A group that began with a state has no slots before it: nothing but a state stands for those.
  const firstSlot = Math.max(info.firstSlot, (seen.membership?.founding?.slot ?? 0) + 1);
  // What was truncated was decided, even if the record that says so was not durable yet.
  seen.decideThrough(firstSlot - 1);
  const { membership, bootstrap, starts, nonce, standings, votes, decided, decidedThrough } = seen;
  // A vote that cannot be read was cast all the same: its ballot was promised (P1, S3).
  const promised = [...info.damaged.values()].reduce(higherBallot, seen.promised);
  const lost = new Map([...info.damaged].filter(([slot]) => slot >= firstSlot));
  const missing = Math.min(decidedThrough + 1, ...lost.keys());
  for (const { slot, value } of await intact(log, missing + 1, decidedThrough, lost)) {
    decided.set(slot, value);
  }
  const { leaseMs } = seen;
  const kept = { promised, votes, decided, lost, firstSlot, leaseMs };
  const restored = { ...kept, decidedThrough: missing - 1 };
  return { info, restored, membership, bootstrap, starts, nonce, standings };
}

/** What the records of a log say, taken together. */
class Recollection {
  readonly votes = new Map<Slot, Vote>();
  readonly decided = new Map<Slot, Value>();
  promised: Ballot = zeroBallot;
  decidedThrough: Slot = 0;
  membership: Membership | undefined;
  bootstrap: Membership | undefined;
  starts = 0;
  nonce = 0;
  standings: readonly Standing[] = [];
  leaseMs = 0;

  visit(record: LogRecord): void {
    switch (record.kind) {
      case 'promise':
        this.promised = higherBallot(this.promised, record.ballot);
        return;
      case 'vote':
        return this.#onVote(record.slot, record.vote);
      case 'decided':
        if (record.slot > this.decidedThrough) this.decided.set(record.slot, owned(record.value));
        return;
      case 'decided-through':
        return this.decideThrough(record.slot);
      case 'configuration':
        this.membership = newer(this.membership, record.membership);
        return;
      case 'bootstrap':
        this.bootstrap = record.membership;
        return;
      case 'start':
        if (record.count < this.starts) return;
        this.starts = record.count;
        this.nonce = record.nonce;
        return;
      case 'standings':
        this.standings = record.standings;
        return;
      case 'lease':
        this.leaseMs = Math.max(this.leaseMs, record.leaseMs);
        return;
      default:
        unreachable(record);
    }
  }

  /** Nothing up to here has to be kept: the log has it. */
  decideThrough(slot: Slot): void {
    this.decidedThrough = Math.max(this.decidedThrough, slot);
    for (const known of [this.votes, this.decided]) {
      for (const each of known.keys()) if (each <= this.decidedThrough) known.delete(each);
    }
  }

  #onVote(slot: Slot, { ballot, value }: Vote): void {
    this.promised = higherBallot(this.promised, ballot);
    if (slot > this.decidedThrough) this.votes.set(slot, { ballot, value: owned(value) });
  }
}

/**
 * The values of decided slots behind one that cannot be read: they wait in memory, and a 1b tells
 * of them, until that one is learned again (S3).
 */
async function intact(
  log: Pick<LogStore, 'read'>,
  from: Slot,
  through: Slot,
  lost: ReadonlyMap<Slot, Ballot>,
): Promise<readonly StoredValue[]> {
  const found: StoredValue[] = [];
  let bytes = 0;
  for (let slot = from; slot <= through; ) {
    if (lost.has(slot)) {
      slot += 1;
      continue;
    }
    const next = Math.min(through, ...[...lost.keys()].filter((s) => s > slot).map((s) => s - 1));
    const stored = await log.read(slot, next, replayBytesMax);
    if (stored.length === 0) throw missingSlot(slot);
    for (const { value } of stored) bytes += value.bytes.length;
    if (bytes > repairBytesMax) {
      const why = `more than ${repairBytesMax} bytes of decided values are behind it`;
      throw new CorruptionError('log', 0, `slot ${from - 1} cannot be read, and ${why}`);
    }
    found.push(...stored);
    slot += stored.length;
  }
  return found;
}

export const missingSlot = (slot: Slot): CorruptionError =>
  new CorruptionError('log', 0, `slot ${slot} is said to be decided, and is not there`);

async function replay(
  log: Pick<LogStore, 'read'>,
  through: Slot,
  execution: Execution,
  kept: KeptState | undefined,
): Promise<void> {
  while (execution.executedThrough < through) {
    const next = execution.executedThrough + 1;
    const stored = await log.read(next, through, replayBytesMax);
    if (stored.length === 0) throw missingSlot(next);
    for (const { slot, value } of stored) {
      execution.execute(slot, value, false);
      kept?.executed(slot, value);
    }
  }
}

/** Keeps whole states beside the log: what a layer does. */
export interface KeptState {
  /**
   * Loads the newest that it has, if it has one. `firstSlot`: the first that the log keeps.
   * `stateless`: it has none that reaches the log, and its layer gets one from others.
   */
  begin(firstSlot: Slot): Promise<'stateless' | void>;
  executed(slot: Slot, value: Value): void;
}

/**
 * Opens the state machine, which then goes on behind the slots that the log has forgotten, or
 * behind those of a kept state; later ones are to be executed, or passed over if it reflects them.
 * If there are slots between that are nowhere, nothing is executed until a layer has loaded a
 * state; RSL_LOG_TRUNCATED if none will (S6).
 */
export async function beginAt(
  { firstSlot, decidedThrough }: Pick<Restored, 'decidedThrough' | 'firstSlot'>,
  stateMachine: StateMachine,
  execution: Execution,
  kept?: KeptState,
): Promise<void> {
  const reflected = (await stateMachine.open?.()) ?? 0;
  if (kept !== undefined) {
    execution.begin(0, reflected);
    const begun = await kept.begin(firstSlot);
    // A state machine of its own would not do: sessions, time and ballots are not in it (P9).
    const { executedThrough } = execution;
    if (executedThrough >= firstSlot - 1) return;
    if (begun !== 'stateless') throw new LogTruncatedError(executedThrough + 1, firstSlot);
    execution.await(decidedThrough);
    return;
  }
  // What came before is not in the log: only a state that reflects it can go on from here.
  if (reflected < firstSlot - 1) throw new LogTruncatedError(reflected + 1, firstSlot);
  execution.begin(firstSlot - 1, reflected);
}

/**
 * Brings the state machine to what the log knows to be decided, or further, if a newer state was
 * kept; the replica starts after it.
 */
export async function restore(
  log: Pick<LogStore, 'read'>,
  restored: Pick<Restored, 'decidedThrough' | 'firstSlot'>,
  stateMachine: StateMachine,
  execution: Execution,
  kept?: KeptState,
): Promise<void> {
  await beginAt(restored, stateMachine, execution, kept);
  if (!execution.isStateless) await replay(log, restored.decidedThrough, execution, kept);
}

/**
 * What a protocol starts from when the state machine was loaded from a snapshot of `slot`: the log
 * may end before it, or have a hole, and nothing up to it is asked for any more (R8). Stateless if
 * the log begins behind the slot after it.
 */
export function restoredAfter(restored: Restored, slot: Slot): Restored {
  if (slot < restored.firstSlot - 1) return { ...restored, isStateless: true };
  if (slot <= restored.decidedThrough) return restored;
  const beyond = <T>(known: ReadonlyMap<Slot, T>): ReadonlyMap<Slot, T> =>
    new Map([...known].filter(([each]) => each > slot));
  return {
    ...restored,
    votes: beyond(restored.votes),
    decided: beyond(restored.decided),
    lost: beyond(restored.lost),
    firstSlot: slot + 1,
    decidedThrough: slot,
  };
}

/** A value's bytes are valid only during the visit. */
const owned = ({ bytes, checksum }: Value): Value => ({ bytes: copied(bytes), checksum });

function newer(a: Membership | undefined, b: Membership): Membership {
  return a === undefined || b.number > a.number ? b : a;
}
