import { openRuntime, type Replica, type Runtime, startReplica } from '@rsl/core';
import type { LogStore } from '@rsl/core/protocol';
import { DigestMachine, MemoryDisk, memoryLog } from '@rsl/core/testing';
import { afterEach, expect, test } from 'vitest';
import { type TcpTransport, tcp } from '../src/index.ts';
import { until } from './actors.ts';

const opened: Runtime[] = [];

afterEach(async () => {
  await Promise.all(opened.splice(0).map((runtime) => runtime.close()));
});

const ids = [1, 2, 3];
const command = Buffer.from('a command');

interface Process {
  readonly runtime: Runtime<TcpTransport>;
  readonly disks: Map<string, MemoryDisk>;
  readonly replicas: Map<string, Replica>;
}

/** What one process has: a runtime on TCP, and a log for each group. */
async function processAt(listen: string, disks = new Map<string, MemoryDisk>()): Promise<Process> {
  const runtime = await openRuntime({
    transport: tcp({ listen, reconnectDelayMsMax: 100 }),
    log: {
      open: (context): Promise<LogStore> => {
        const disk = disks.get(context.group) ?? new MemoryDisk();
        disks.set(context.group, disk);
        return memoryLog({ disk }).open(context);
      },
    },
  });
  opened.push(runtime);
  return { runtime, disks, replicas: new Map() };
}

test('groups share a link between two runtimes, outlive one, and take it back', async () => {
  const groups = Array.from({ length: 20 }, (_, i) => `group ${i}`);
  const processes = await Promise.all(ids.map(() => processAt('127.0.0.1:0')));
  const at = (id: number): Process => processes[id - 1] ?? expect.unreachable();
  const addresses = ids.map((id) => at(id).runtime.address);
  const members = ids.map((id, i) => ({ id, addresses: { tcp: addresses[i] ?? '' } }));
  const start = async (id: number): Promise<void> => {
    const { runtime, replicas } = at(id);
    const stateMachine = () => new DigestMachine();
    for (const group of groups) {
      const given = { runtime, group, self: id, stateMachine: stateMachine(), peers: members };
      replicas.set(group, await startReplica(given));
    }
  };
  const proposed = (among: readonly number[]): Promise<unknown> =>
    Promise.all(
      among.flatMap((id) =>
        [...at(id).replicas.values()].map((each) => each.propose(command, { timeoutMs: 20_000 })),
      ),
    );
  await Promise.all(ids.map(start));
  const first = [...at(1).replicas.values()];
  await Promise.all(first.map((replica) => replica.bootstrap(members)));
  await proposed(ids);
  // A pair of processes has one link, whoever dialed; each link is counted at both ends.
  const links = processes.map(({ runtime }) => runtime.transport.counters()['links'] ?? 0);
  expect(links).toEqual([2, 2, 2]);

  const led = (id: number): number =>
    [...at(id).replicas.values()].filter((each) => each.status().state === 'leader').length;
  const victim = ids.toSorted((a, b) => led(b) - led(a))[0] ?? 1;
  const alive = ids.filter((id) => id !== victim);
  expect(led(victim)).toBeGreaterThan(0);
  await at(victim).runtime.close();
  await proposed(alive);
  expect(alive.reduce((sum, id) => sum + led(id), 0)).toBe(groups.length);

  processes[victim - 1] = await processAt(addresses[victim - 1] ?? '', at(victim).disks);
  await start(victim);
  await proposed(ids);
  const executedBy = (group: string): number[] =>
    ids.map((id) => at(id).replicas.get(group)?.status().executedThrough ?? -1);
  await until(
    () => groups.every((group) => new Set(executedBy(group)).size === 1),
    'all replicas of each group have executed the same slots',
  );
}, 120_000);
