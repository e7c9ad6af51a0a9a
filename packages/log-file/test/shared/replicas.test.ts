import { type Replica, startReplica, typed } from '@rsl/core';
import { MemoryNetwork, memoryTransport } from '@rsl/core/testing';
import { expect, test } from 'vitest';
import { sharedFileLog } from '../../src/index.ts';
import { KiB, temporaryDirectory } from '../stage.ts';

/** A group of one member, whose state is the sum of its commands. */
async function start(
  group: string,
  log: ReturnType<ReturnType<typeof sharedFileLog>['group']>,
): Promise<Replica<number, number>> {
  let sum = 0;
  const replica = await startReplica({
    group,
    self: 1,
    log,
    transport: memoryTransport(new MemoryNetwork(), 'memory:1'),
    peers: [],
    stateMachine: typed({
      execute: (n: number) => (sum += n),
      snapshot: () => sum,
      restore: (state: number) => void (sum = state),
    }),
  });
  return replica;
}

test('replicas of many groups share a log, and find their own states in it again', async () => {
  const shared = sharedFileLog(temporaryDirectory(), { segmentBytes: 1024 * KiB });
  const groups = ['red', 'green', 'blue'];
  const addresses = { memory: 'memory:1' };
  for (const round of [1, 2, 3]) {
    const replicas = await Promise.all(groups.map((group) => start(group, shared.group())));
    for (const [i, replica] of replicas.entries()) {
      if (round === 1) await replica.bootstrap([{ id: 1, addresses }]);
      expect(await replica.propose(i + 1)).toBe(round * (i + 1));
    }
    await Promise.all(replicas.map((replica) => replica.close()));
  }
}, 30_000);
