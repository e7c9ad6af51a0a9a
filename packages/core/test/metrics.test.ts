import { type Distribution, type Logger, type ReplicaMetrics, silentLogger } from '@rsl/core';
import { DigestMachine } from '@rsl/core/testing';
import { afterEach, expect, test } from 'vitest';
import { bytesOf, Cluster, proposed, until } from './cluster.ts';

let cluster: Cluster;

afterEach(async () => {
  await cluster.close();
});

const durations = ['commandUs', 'decideUs', 'appendUs', 'executeUs', 'turnUs', 'turnDelayUs'];
const names = [...durations, 'batchCommands', 'batchBytes'] as (keyof ReplicaMetrics)[];

const countsOf = (metrics: ReplicaMetrics): Record<string, number> =>
  Object.fromEntries(names.map((name) => [name, (metrics[name] as Distribution).count]));

test('a replica says how long its work took, and begins anew after a reset', async () => {
  cluster = await new Cluster().formed();
  const leader = await cluster.leader();
  const follower = await cluster.follower();
  await leader.barrier('linearizable');
  leader.metrics({ reset: true });
  follower.metrics({ reset: true });
  const commands = Array.from({ length: 640 }, (_, i) => `command ${i}`);
  await proposed(leader, commands);
  // An engine that is apart tells a little later.
  await until('a tick after all slots', () => {
    const { batchCommands: executed, decideUs: decided, turnUs } = leader.metrics();
    return turnUs.count > 0 && decided.count >= executed.count;
  });
  const metrics = leader.metrics({ reset: true });
  expect(countsOf(metrics)).toMatchObject({ commandUs: 10 });
  for (const [name, count] of Object.entries(countsOf(metrics))) {
    expect(count, name).toBeGreaterThan(0);
  }
  const { batchCommands, batchBytes, commandUs, decideUs, executeUs } = metrics;
  expect(Math.round(batchCommands.mean * batchCommands.count)).toBe(640);
  expect(batchBytes.min).toBeGreaterThan(640);
  expect(batchCommands.count).toBeLessThanOrEqual(decideUs.count);
  // A command waits for its slot, and that for its execution.
  expect(commandUs.max).toBeGreaterThanOrEqual(0.99 * executeUs.min);
  expect(metrics.overMs).toBeGreaterThan(0);
  expect(metrics.counters['commands']).toBe(leader.status().counters['commands']);
  expect(leader.metrics().commandUs.count).toBe(0);

  // What somebody else leads is decided there.
  await until('the follower has voted and executed', () => {
    const { appendUs, batchCommands: executed } = follower.metrics();
    return appendUs.count > 0 && executed.mean * executed.count >= 639.5;
  });
  expect(countsOf(follower.metrics())).toMatchObject({ commandUs: 0, decideUs: 0 });
});

test('a state machine that takes long is warned of, with its slot', async () => {
  const warned: object[] = [];
  const logger: Logger = { ...silentLogger, warn: (fields) => void warned.push(fields) };
  const machine = (): DigestMachine =>
    new DigestMachine(({ commands }) => {
      const untilMs = performance.now() + (commands.length > 0 ? 60 : 0);
      while (performance.now() < untilMs);
    });
  cluster = await new Cluster({ replicas: 1, machine, logger }).formed();
  await cluster.at(1).propose(bytesOf('a'));
  const { executedThrough: slot, counters } = cluster.at(1).status();
  expect(warned).toContainEqual(
    expect.objectContaining({ slow: 'execute', slot: expect.any(Number) as number }),
  );
  expect(counters['slowExecutes']).toBeGreaterThan(0);
  expect(slot).toBeGreaterThan(0);
});
