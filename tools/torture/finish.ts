import { setTimeout as delay } from 'node:timers/promises';
import { crc32 } from 'node:zlib';
import type { ReplicaStatus } from '@rsl/core';
import type { SnapshotMeta } from '@rsl/core/protocol';
import { type Endpoint, type Reply, ReplyError, RespConnection } from '../lib/resp-connection.ts';
import type { Group } from './group.ts';
import type { History } from './history.ts';
import type { ValueOf } from './increments.ts';
import { TortureFailed } from './judge.ts';
import { type RedisInput, wordsOf } from './redis-model.ts';
import { isListKey } from './workload.ts';

const connectWithinMs = 1_000;
const replyWithinMsMax = 15_000;
const askAgainMs = 200;
const readsUnderWayMax = 64;

/** Every replica acknowledges a write; gives how long that took. */
export async function assertServing(group: Group, withinMs: number): Promise<number> {
  const startMs = performance.now();
  await Promise.all(
    group.endpoints.map((endpoint, i) =>
      until(`a write through replica ${i + 1}`, startMs + withinMs, async (leftMs) => {
        const reply = await ask(endpoint, ['SET', `serving:${i + 1}`, 'yes'], leftMs);
        return reply === 'OK' ? true : undefined;
      }),
    ),
  );
  return performance.now() - startMs;
}

/**
 * Once nothing is pending, every replica must be at the same position and tell the same values.
 * The reads join the history, so that they are also judged against all that was acknowledged.
 */
export async function assertEqualStates(
  group: Group,
  history: History,
  withinMs: number,
): Promise<{ digest: string; executedThrough: number }> {
  const giveUpMs = performance.now() + withinMs;
  const keys = [...new Set(history.operations.map(({ input }) => input.key))].toSorted();
  return await until('equal positions, before and after all is read', giveUpMs, async () => {
    const before = await restingPosition(group);
    if (before === undefined) return undefined;
    const digests = await Promise.all(
      group.endpoints.map((endpoint, i) => digestOf(endpoint, `last.${i + 1}`, keys, history)),
    );
    if (digests.includes(undefined) || (await restingPosition(group)) !== before) return undefined;
    if (new Set(digests).size > 1) {
      const all = digests.join(', ');
      throw new TortureFailed('safety', `states differ after slot ${before}: digests ${all}`);
    }
    if (!(await areSnapshotsEqual(group))) return undefined;
    return { digest: digests[0] ?? '', executedThrough: before };
  });
}

/**
 * Each replica saves what it has: everything that is replicated, down to the results that sessions
 * keep, as bytes. False if they were not at one slot; equal slots have equal bytes (P7).
 */
async function areSnapshotsEqual({ endpoints }: Group): Promise<boolean> {
  const saved = await Promise.all(endpoints.map(savedAt));
  const slots = new Set(saved.map(({ slot }) => slot));
  if (slots.size > 1) return false;
  const digests = saved.map(({ digest }) => digest);
  if (new Set(digests).size === 1) return true;
  const all = digests.join(', ');
  throw new TortureFailed('safety', `snapshots of slot ${[...slots][0]} differ: ${all}`);
}

async function savedAt(endpoint: Endpoint): Promise<SnapshotMeta> {
  const reply = await ask(endpoint, ['RSL.SNAPSHOT', 'SAVE'], replyWithinMsMax);
  if (typeof reply !== 'string') throw new Error('RSL.SNAPSHOT SAVE is no text');
  return (JSON.parse(reply) as { meta: SnapshotMeta }).meta;
}

const keysAtOnce = 500;

/** What every replica says of every increment; a reply that is no number is none of INCR's. */
export async function valuesOf(endpoint: Endpoint, keys: readonly string[]): Promise<ValueOf> {
  const values = new Map<string, number>();
  for (let at = 0; at < keys.length; at += keysAtOnce) {
    const some = keys.slice(at, at + keysAtOnce);
    const reply = await ask(endpoint, ['MGET', ...some], replyWithinMsMax);
    if (!Array.isArray(reply)) throw new TortureFailed('contract', 'MGET gives no array');
    for (const [i, key] of some.entries()) values.set(key, Number(reply[i] ?? 0));
  }
  return (key) => values.get(key) ?? 0;
}

/** Where all replicas are, if they are in one place and have nothing to do. */
async function restingPosition({ endpoints }: Group): Promise<number | undefined> {
  const statuses = await Promise.all(endpoints.map(statusAt));
  for (const status of statuses) assertNoAlarm(status);
  const [first] = statuses;
  const isResting = statuses.every(
    (status) => status.pendingCommands === 0 && status.executedThrough === first?.executedThrough,
  );
  return isResting ? first?.executedThrough : undefined;
}

function assertNoAlarm({ self, counters, reason }: ReplicaStatus): void {
  if ((counters['alarms'] ?? 0) > 0) {
    throw new TortureFailed('safety', `replica ${self} has raised an alarm; see its log`);
  }
  if (reason !== undefined) {
    throw new TortureFailed('contract', `replica ${self} has stopped: ${reason.message}`);
  }
}

async function statusAt(endpoint: Endpoint): Promise<ReplicaStatus> {
  const reply = await ask(endpoint, ['RSL.STATUS'], replyWithinMsMax);
  if (typeof reply !== 'string') throw new Error('RSL.STATUS is no text');
  return JSON.parse(reply) as ReplicaStatus;
}

/** A checksum of all keys with what they hold; undefined if one could not be read. */
async function digestOf(
  endpoint: Endpoint,
  client: string,
  keys: readonly string[],
  history: History,
): Promise<string | undefined> {
  const connection = await RespConnection.open(endpoint, connectWithinMs);
  try {
    let digest = 0;
    for (let at = 0; at < keys.length; at += readsUnderWayMax) {
      const outputs = await Promise.all(
        keys.slice(at, at + readsUnderWayMax).map(async (key) => {
          const input: RedisInput = { command: isListKey(key) ? 'LRANGE' : 'GET', key };
          const send = (): Promise<Reply> => connection.call(wordsOf(input), replyWithinMsMax);
          return { key, output: await history.record(client, input, send) };
        }),
      );
      if (outputs.some(({ output }) => output === undefined)) return undefined;
      digest = crc32(JSON.stringify(outputs), digest);
    }
    return digest.toString(16).padStart(8, '0');
  } finally {
    connection.close();
  }
}

async function ask(endpoint: Endpoint, words: readonly string[], withinMs: number): Promise<Reply> {
  const connection = await RespConnection.open(endpoint, connectWithinMs);
  try {
    const reply = await connection.call(words, Math.min(withinMs, replyWithinMsMax));
    if (reply instanceof ReplyError) throw new Error(reply.text);
    return reply;
  } finally {
    connection.close();
  }
}

/** Asks again until there is an answer; what cannot be asked now may be asked later. */
async function until<T>(
  what: string,
  giveUpMs: number,
  find: (leftMs: number) => Promise<T | undefined>,
): Promise<T> {
  let why = 'not yet';
  for (;;) {
    try {
      const found = await find(Math.max(1, giveUpMs - performance.now()));
      if (found !== undefined) return found;
    } catch (error) {
      if (error instanceof TortureFailed) throw error;
      why = error instanceof Error ? error.message : String(error);
    }
    if (performance.now() > giveUpMs) {
      throw new TortureFailed('liveness', `not within its bound: ${what} (${why})`);
    }
    await delay(askAgainMs);
  }
}
