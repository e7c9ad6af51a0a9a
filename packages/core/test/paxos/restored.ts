import { higherBallot, zeroBallot, type Ballot } from '../../src/paxos/ballot.ts';
import type { LogRecord } from '../../src/paxos/log-record.ts';
import type { Restored } from '../../src/paxos/protocol.ts';
import type { Slot } from '../../src/paxos/slot.ts';
import type { Value } from '../../src/paxos/value.ts';
import type { Vote } from '../../src/paxos/vote.ts';

/** What a log would give back at start, by the letter of P11. */
export function restoredFrom(records: readonly LogRecord[], firstSlot: Slot): Restored {
  const votes = new Map<Slot, Vote>();
  const decided = new Map<Slot, Value>();
  let promised: Ballot = zeroBallot;
  let decidedThrough = firstSlot - 1;
  let leaseMs = 0;
  for (const record of records) {
    if (record.kind === 'promise') promised = higherBallot(promised, record.ballot);
    if (record.kind === 'vote') {
      promised = higherBallot(promised, record.vote.ballot);
      votes.set(record.slot, record.vote);
    }
    if (record.kind === 'lease') leaseMs = Math.max(leaseMs, record.leaseMs);
    if (record.kind === 'decided') decided.set(record.slot, record.value);
    if (record.kind === 'decided-through') decidedThrough = Math.max(decidedThrough, record.slot);
  }
  for (let slot = firstSlot; slot <= decidedThrough; slot += 1) {
    if (!votes.has(slot) && !decided.has(slot)) throw new Error(`P11: slot ${slot} has no value`);
  }
  for (const slot of votes.keys()) if (slot <= decidedThrough) votes.delete(slot);
  for (const slot of decided.keys()) {
    votes.delete(slot);
    if (slot <= decidedThrough) decided.delete(slot);
  }
  return { promised, votes, decided, lost: new Map(), firstSlot, decidedThrough, leaseMs };
}

/** The newest stored value of each slot; a decided one wins (P11). */
export function valuesOf(records: readonly LogRecord[]): ReadonlyMap<Slot, Value> {
  const values = new Map<Slot, Value>();
  for (const r of records) if (r.kind === 'vote') values.set(r.slot, r.vote.value);
  for (const r of records) if (r.kind === 'decided') values.set(r.slot, r.value);
  return values;
}
