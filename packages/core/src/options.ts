import type { LeaseOptions, ReplicaOptions } from './api.ts';
import { InvalidOptionError } from './errors.ts';
import {
  defaultLimits,
  defaultSlow,
  defaultTimings,
  frameOverheadBytes,
  type Limits,
  type Slow,
  type Timings,
} from './limits.ts';
import { leaseMsMax, leaseMsMin } from './paxos/lease.ts';
import type { Slot } from './paxos/slot.ts';
import type { PeerAddress } from './ports/transport.ts';

export const two31 = 2 ** 31;
const driftMin = 0.00001;
const driftMax = 0.25;
/** A way out of a few bad slots, not a way to run. */
const skippedSlotsMax = 1_024;

export interface CheckedOptions {
  readonly limits: Limits;
  readonly timings: Timings;
  readonly slow: Slow;
  readonly skip: ReadonlySet<Slot>;
}

/** Guards of the composition root: InvalidOptionError names the option, its range and the value. */
export function checkedOptions<C, R>(options: ReplicaOptions<C, R>): CheckedOptions {
  checkGroup(options.group);
  checkInteger('self', options.self, 1, 65_535);
  for (const name of ['stateMachine', 'log', 'transport'] as const) {
    if (typeof options[name] !== 'object' || options[name] === null) {
      throw new InvalidOptionError(name, 'is missing');
    }
  }
  checkIsolation(options);
  const limits = merged('limits', defaultLimits, options.limits, two31);
  const timings = merged('timings', defaultTimings, options.timings, two31);
  const slow = merged('slow', defaultSlow, options.slow, two31);
  checkTogether(limits, timings);
  if (options.isolation === 'thread' && timings.sleepAfterMs !== 0) {
    const why = 'an engine with a thread of its own does not sleep; leave it out, or 0';
    throw new InvalidOptionError('timings.sleepAfterMs', why);
  }
  if (options.lease !== undefined) checkLease(options.lease, timings);
  if (options.peers !== undefined) checkPeers('peers', options.peers, limits.membersMax);
  return { limits, timings, slow, skip: checkedSkip(options.skip ?? []) };
}

/** Of replicas and of clients alike. */
export function checkGroup(group: unknown): void {
  const bytes = Buffer.byteLength(String(group));
  if (typeof group === 'string' && bytes >= 1 && bytes <= 128) return;
  throw new InvalidOptionError('group', `1 to 128 bytes of UTF-8, not ${bytes}`);
}

function checkIsolation<C, R>({ isolation, clock, random }: ReplicaOptions<C, R>): void {
  if (isolation === undefined || isolation === 'inline') return;
  if (isolation !== 'thread') {
    throw new InvalidOptionError('isolation', `inline or thread, not ${String(isolation)}`);
  }
  if (clock === undefined && random === undefined) return;
  const why = 'is on this thread, where an engine with a thread of its own cannot ask it';
  throw new InvalidOptionError(clock === undefined ? 'random' : 'clock', why);
}

function checkedSkip(slots: readonly Slot[]): ReadonlySet<Slot> {
  checkInteger('skip.length', slots.length, 0, skippedSlotsMax);
  for (const slot of slots) checkInteger('skip', slot, 1, Number.MAX_SAFE_INTEGER);
  return new Set(slots);
}

/** Distinct ids in range, each with at least one address. */
export function checkPeers(option: string, peers: readonly PeerAddress[], max: number): void {
  if (peers.length > max) {
    throw new InvalidOptionError(option, `at most ${max} members, not ${peers.length}`);
  }
  const seen = new Set<number>();
  for (const { id, addresses } of peers) {
    checkInteger(`${option}.id`, id, 1, 65_535);
    if (seen.has(id)) throw new InvalidOptionError(option, `names id ${id} twice`);
    seen.add(id);
    if (typeof addresses !== 'object' || Object.keys(addresses).length === 0) {
      throw new InvalidOptionError(option, `id ${id} has no address`);
    }
  }
}

export function checkInteger(option: string, value: number, min: number, max: number): void {
  if (Number.isSafeInteger(value) && value >= min && value <= max) return;
  throw new InvalidOptionError(option, `an integer from ${min} to ${max}, not ${String(value)}`);
}

export function merged<T extends Readonly<Record<string, number>>>(
  group: string,
  defaults: T,
  given: Partial<T> | undefined,
  max: number,
): { readonly [K in keyof T]: number } {
  const out: Record<string, number> = { ...defaults };
  for (const [name, value] of Object.entries(given ?? {})) {
    if (value === undefined) continue;
    if (!(name in defaults)) throw new InvalidOptionError(`${group}.${name}`, 'is no such option');
    // What is off unless given can be said to be off.
    checkInteger(`${group}.${name}`, value, Math.min(1, defaults[name] ?? 1), max);
    out[name] = value;
  }
  return out as { readonly [K in keyof T]: number };
}

function checkTogether(limits: Limits, timings: Timings): void {
  const frameMin = Math.max(limits.commandBytesMax, limits.batchBytesMax, limits.partBytesMax);
  if (limits.frameBytesMax < 2 * frameMin + frameOverheadBytes) {
    const why = `at least twice the largest of commandBytesMax, batchBytesMax and partBytesMax`;
    throw new InvalidOptionError('limits.frameBytesMax', `${why}, plus 64 KiB`);
  }
  if (limits.forwardedBytesMax < 2 * frameMin) {
    const why = 'at least twice the largest of commandBytesMax, batchBytesMax and partBytesMax';
    throw new InvalidOptionError('limits.forwardedBytesMax', why);
  }
  // The number of segments of a batch has 16 bits, and each holds at least one command.
  checkInteger('limits.batchCommandsMax', limits.batchCommandsMax, 1, 65_535);
  // Positions in a ring have 32 bits.
  checkInteger('limits.slotRingBytesMax', limits.slotRingBytesMax, 1, 2 ** 30);
  checkInteger('limits.stagedBytesMax', limits.stagedBytesMax, 1, 2 ** 29);
  if (limits.sendQueueBytesMax < limits.frameBytesMax) {
    throw new InvalidOptionError('limits.sendQueueBytesMax', 'at least frameBytesMax');
  }
  if (limits.voteAheadSlotsMax < limits.slotsInFlightMax) {
    throw new InvalidOptionError('limits.voteAheadSlotsMax', 'at least slotsInFlightMax');
  }
  if (timings.electionTimeoutMsMin < 3 * timings.heartbeatMs) {
    const why = 'at least three times heartbeatMs, or a late heartbeat looks like a dead leader';
    throw new InvalidOptionError('timings.electionTimeoutMsMin', why);
  }
  const { electionTimeoutMsMin, sleepAfterMs } = timings;
  if (sleepAfterMs !== 0 && sleepAfterMs < electionTimeoutMsMin) {
    const why =
      'at least electionTimeoutMsMin, or a group falls asleep over its own election; or 0';
    throw new InvalidOptionError('timings.sleepAfterMs', why);
  }
  if (timings.tickMs > timings.heartbeatMs) {
    throw new InvalidOptionError('timings.tickMs', 'at most heartbeatMs');
  }
}

/**
 * A lease has to end before anybody stands (L1), or it would keep the group without a leader; and
 * it has to outlive the heartbeat after the one that asked for it, or it is never held for long.
 */
function checkLease({ forMs, drift }: LeaseOptions, timings: Timings): void {
  if (!(drift >= driftMin && drift <= driftMax)) {
    const why = `a fraction from ${driftMin} to ${driftMax}, not ${String(drift)}`;
    throw new InvalidOptionError('lease.drift', why);
  }
  const forMsMin = leaseMsMin(drift, timings);
  const forMsMax = Math.min(timings.electionTimeoutMsMin - 1, leaseMsMax);
  if (forMsMin > forMsMax) {
    const why = `with ${drift} no lease of at most ${forMsMax} ms outlives a heartbeat`;
    throw new InvalidOptionError('lease.drift', why);
  }
  checkInteger('lease.forMs', forMs, forMsMin, forMsMax);
}
