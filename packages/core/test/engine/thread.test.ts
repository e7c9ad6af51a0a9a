import { Worker } from 'node:worker_threads';
import {
  type Logger,
  type Replica,
  type ReplicaOptions,
  silentLogger,
  startReplica,
  typed,
} from '@rsl/core';
import { memoryLog } from '@rsl/core/testing';
import { afterEach, expect, test } from 'vitest';
import { until } from '../cluster.ts';
import { type Fault, lonelyLog, lonelyTransport } from './lonely-ports.ts';

const members = [{ id: 1, addresses: { memory: 'nowhere' } }];
const started: Replica<number, number>[] = [];

afterEach(async () => {
  for (const replica of started.splice(0)) await replica.close();
});

const counter = (execute: (n: number) => void = () => undefined) => {
  let total = 0;
  return typed({
    execute: (n: number) => {
      execute(n);
      total += n;
      return total;
    },
    snapshot: () => total,
    restore: (state: number) => {
      total = state;
    },
  });
};

async function start(
  fault: Fault,
  more: Partial<ReplicaOptions<number, number>> = {},
): Promise<Replica<number, number>> {
  const replica = await startReplica<number, number>({
    group: 'lonely',
    self: 1,
    isolation: 'thread',
    stateMachine: counter(),
    log: lonelyLog(),
    transport: lonelyTransport(fault),
    ...more,
  });
  started.push(replica);
  return replica;
}

test('commands, reads and sessions work as they do without a thread', async () => {
  const replica = await start('none');
  expect(await replica.bootstrap(members)).toBe('formed');
  expect(await replica.propose(2)).toBe(2);
  const session = await replica.openSession();
  expect(await session.propose(3)).toBe(5);
  await session.close();
  expect(await replica.barrier('linearizable')).toBe(replica.status().executedThrough);
  await until('the status tells of it', () => replica.status().state === 'leader');
  expect(replica.status()).toMatchObject({ members: [{ id: 1, connected: true }], leader: 1 });
  await until('it has measured', () => replica.metrics().decideUs.count > 0);
  expect(replica.metrics({ reset: true }).executeUs.count).toBeGreaterThan(0);
  expect(replica.metrics().decideUs.count).toBe(0);
});

test('values larger than all the memory between the threads get through', async () => {
  const limits = { slotRingBytesMax: 65_536, stagedBytesMax: 65_536 };
  let bytes = 0;
  const stateMachine = typed({
    execute: (text: string) => (bytes += text.length),
    snapshot: () => bytes,
    restore: (state: number) => {
      bytes = state;
    },
  });
  const replica = await start('none', { limits, stateMachine: stateMachine as never });
  await replica.bootstrap(members);
  const large = 'x'.repeat(600_000) as never;
  const results = await Promise.all([replica.propose(large), replica.propose(large)]);
  expect(results).toEqual([600_000, 1_200_000]);
});

test('a state machine that blocks keeps neither its engine nor the callers after it', async () => {
  const block = (ms: number): void => {
    const untilMs = performance.now() + ms;
    while (performance.now() < untilMs);
  };
  const stateMachine = counter((n) => block(n === 1 ? 1_500 : 0));
  const replica = await start('none', { stateMachine });
  await replica.bootstrap(members);
  await replica.propose(0);
  const { turnDelayUs } = replica.metrics({ reset: true });
  expect(turnDelayUs.count).toBeGreaterThan(0);
  expect(await Promise.all([replica.propose(1), replica.propose(2)])).toEqual([1, 3]);
  // Its ticks went on all the time.
  await until('it has been measured again', () => replica.metrics().turnDelayUs.count > 50);
  expect(replica.status().counters.leading).toBe(1);
});

test.each<[Fault, string]>([
  ['exit', 'its thread has ended'],
  ['throw', 'the network has exploded'],
])('when its thread ends (%s) the replica stops, and says why', async (fault, why) => {
  const logged: object[] = [];
  const logger: Logger = { ...silentLogger, error: (fields) => void logged.push(fields) };
  const replica = await start(fault, { logger });
  const stopped = new Promise((resolve) => replica.on('stopped', resolve));
  const lost = replica.propose(1);
  await expect(lost).rejects.toMatchObject({ code: /RSL_(CLOSED|OUTCOME_UNKNOWN)/ });
  expect(await stopped).toMatchObject({ error: { code: 'RSL_ENGINE_FAILED' } });
  expect(replica.status()).toMatchObject({
    state: 'stopped',
    reason: { code: 'RSL_ENGINE_FAILED' },
  });
  expect(replica.status().reason?.message).toContain(why);
  expect(logged).toMatchObject([{ code: 'RSL_ENGINE_FAILED' }]);
});

test('a state machine that fails ends its engine too', async () => {
  const stateMachine = counter(() => {
    throw new Error('broken');
  });
  const replica = await start('none', { stateMachine });
  const stopped = new Promise((resolve) => replica.on('stopped', resolve));
  await replica.bootstrap(members);
  await expect(replica.propose(1)).rejects.toMatchObject({ outcome: 'unknown' });
  expect(await stopped).toMatchObject({ error: { code: 'RSL_STATE_MACHINE_FAILED' } });
});

test('a group whose engine has a thread of its own is not asked to sleep', async () => {
  const starting = start('none', { timings: { sleepAfterMs: 5_000 } });
  await expect(starting).rejects.toMatchObject({
    code: 'RSL_INVALID_OPTION',
    option: 'timings.sleepAfterMs',
  });
});

test('ports that cannot be opened elsewhere, or at all, are refused with a reason', async () => {
  await expect(start('open')).rejects.toMatchObject({ message: 'no such network' });
  await expect(start('none', { log: memoryLog() })).rejects.toMatchObject({
    code: 'RSL_INVALID_OPTION',
    option: 'log',
  });
  const options = { shout: () => undefined };
  const transport = { ...lonelyTransport(), remote: { module: 'x', name: 'y', options } };
  await expect(start('none', { transport })).rejects.toMatchObject({
    code: 'RSL_INVALID_OPTION',
    option: 'isolation',
  });
  const unknown = { ...lonelyTransport(), remote: { module: 'node:os', name: 'y', options: 1 } };
  await expect(start('none', { transport: unknown })).rejects.toThrow('exports no function y');
});

test('when the thread of its callers ends, the engine ends with it', async () => {
  // An engine that led on would take commands that nobody here executes.
  const words = new Int32Array(new SharedArrayBuffer(4));
  const file = new URL('./caller-thread.ts', import.meta.url);
  const worker = new Worker(file, { workerData: words.buffer });
  await until('its engine ticks', () => Atomics.load(words, 0) > 2);
  await worker.terminate();
  const ticks = Atomics.load(words, 0);
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(Atomics.load(words, 0)).toBe(ticks);
});

test('what an engine’s thread says before it ends is heard, however late', async () => {
  const unknown = { ...lonelyTransport(), remote: { module: 'node:os', name: 'y', options: 1 } };
  const starting = start('none', { transport: unknown });
  const refused = expect(starting).rejects.toThrow('exports no function y');
  // By then it has said why, and has ended.
  for (const untilMs = performance.now() + 2_000; performance.now() < untilMs; );
  await refused;
});
