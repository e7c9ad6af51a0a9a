import { setTimeout as delay } from 'node:timers/promises';
import { crc32 } from 'node:zlib';
import { SeededRandom } from '@rsl/core/testing';
import { Client } from './client.ts';
import { assertEqualStates, assertServing, valuesOf } from './finish.ts';
import type { Group } from './group.ts';
import type { History } from './history.ts';
import { type IncrementCounts, Increments, judgeIncrements } from './increments.ts';
import { judgeHistory, TortureFailed } from './judge.ts';
import { SessionClient } from './session-client.ts';
import { Workload } from './workload.ts';

export interface TortureOptions {
  readonly seed: number;
  /** Of this run, if several share one history. */
  readonly name?: string;
  readonly clientsPerReplica: number;
  /** Clients of @rsl/core/client, where the group takes such. */
  readonly sessionClients: number;
  /** See `SessionClientOptions`: the check of increments has to fail. */
  readonly retriesAsNew: boolean;
  readonly pauseMsMax: number;
  /** Then a client gives up the connection. */
  readonly replyWithinMs: number;
  readonly reconnectAfterMs: number;
  /** From the end of the faults until a write is acknowledged through every replica. */
  readonly serveWithinMs: number;
  /** And from then on until all states are equal. */
  readonly equalWithinMs: number;
}

export const defaultOptions = {
  clientsPerReplica: 4,
  sessionClients: 4,
  retriesAsNew: false,
  pauseMsMax: 6,
  replyWithinMs: 4_000,
  reconnectAfterMs: 20,
  serveWithinMs: 30_000,
  equalWithinMs: 60_000,
} as const;

export interface TortureReport {
  readonly keys: number;
  readonly digest: string;
  readonly executedThrough: number;
  readonly servedAfterMs: number;
  readonly increments: IncrementCounts;
}

/** Numbers of its own for each purpose, from one seed. */
export const randomOf = (seed: number, purpose: string): SeededRandom =>
  new SeededRandom(crc32(`${purpose} ${seed}`));

/**
 * Clients write and read while `faults` happen; then the group must serve, all states must be
 * equal, and every key's history linearizable. Throws TortureFailed.
 */
export async function torture(
  group: Group,
  options: TortureOptions,
  history: History,
  faults: () => Promise<void>,
): Promise<TortureReport> {
  try {
    return await run(group, options, history, faults);
  } catch (error) {
    if (!(error instanceof TortureFailed) || error.kind !== 'liveness') throw error;
    // A group that hangs may have done worse before: that is the news then.
    judgeHistory(history.operations);
    assertNothingStrange(group, history);
    throw error;
  }
}

async function run(
  group: Group,
  options: TortureOptions,
  history: History,
  faults: () => Promise<void>,
): Promise<TortureReport> {
  group.start();
  await assertServing(group, options.serveWithinMs);
  const increments = new Increments();
  const clients = [
    ...startClients(group, options, history),
    ...startSessionClients(group, options, increments, history.strange),
  ];
  let servedAfterMs: number;
  try {
    await faults();
    await group.heal();
    servedAfterMs = await assertServing(group, options.serveWithinMs);
  } finally {
    await Promise.all(clients.map((client) => client.stop()));
  }
  assertNothingStrange(group, history);
  const states = await assertEqualStates(group, history, options.equalWithinMs);
  assertNothingStrange(group, history);
  const { keys } = judgeHistory(history.operations);
  const told = await assertIncrements(group, increments);
  return { ...states, keys, servedAfterMs: Math.round(servedAfterMs), increments: told };
}

/** As every replica has them. */
async function assertIncrements(group: Group, { all, keys }: Increments): Promise<IncrementCounts> {
  const values = await Promise.all(group.endpoints.map((endpoint) => valuesOf(endpoint, keys)));
  const counts = values.map((valueOf) => judgeIncrements(all, valueOf));
  return counts[0] ?? judgeIncrements([], () => 0);
}

const sessionDepth = 4;

function startSessionClients(
  { sessionAddresses: addresses }: Group,
  options: TortureOptions,
  increments: Increments,
  strange: string[],
): SessionClient[] {
  const { name: run = '', pauseMsMax, retriesAsNew, seed } = options;
  const count = addresses.length === 0 ? 0 : options.sessionClients;
  return Array.from({ length: count }, (_, n) => {
    const name = `${run}${run === '' ? '' : '.'}session-${n + 1}`;
    const random = randomOf(seed, `client ${name}`);
    const pace = { depth: sessionDepth, pauseMsMax, retriesAsNew };
    return new SessionClient({ name, addresses, increments, random, strange, ...pace });
  });
}

function startClients(group: Group, options: TortureOptions, history: History): Client[] {
  const { seed, name: run = '', clientsPerReplica } = options;
  const { pauseMsMax, replyWithinMs, reconnectAfterMs } = options;
  const workload = new Workload(randomOf(seed, `workload ${run}`));
  return group.endpoints.flatMap((endpoint, i) =>
    Array.from({ length: clientsPerReplica }, (_, n) => {
      const name = `${run}${run === '' ? '' : '.'}${i + 1}.${n + 1}`;
      const random = randomOf(seed, `client ${name}`);
      // Every other client has several commands under way, which a server may take as one.
      const depth = n % 2 === 0 ? 1 : 3;
      const pace = { depth, pauseMsMax, replyWithinMs, reconnectAfterMs };
      return new Client({ name, endpoint, workload, history, random, ...pace });
    }),
  );
}

function assertNothingStrange(group: Group, history: History): void {
  if (group.unexpectedEnds.length > 0) {
    throw new TortureFailed('contract', `ended by itself: ${group.unexpectedEnds.join(', ')}`);
  }
  if (history.strange.length > 0) {
    const some = history.strange.slice(0, 5).join('; ');
    throw new TortureFailed('contract', `replies that nobody may get: ${some}`);
  }
}

/** Waits for a moment of a schedule that began when this was called. */
export function clockFromNow(): (atMs: number) => Promise<void> {
  const startMs = performance.now();
  return async (atMs) => {
    await delay(Math.max(0, startMs + atMs - performance.now()));
  };
}
