import {
  type HostedReplicaOptions,
  openRuntime,
  type Port,
  type Replica,
  type Runtime,
  startReplica,
} from '@rsl/core';
import type { LogStore } from '@rsl/core/protocol';
import {
  DigestMachine,
  MemoryDisk,
  MemoryNetwork,
  memoryLog,
  memoryTransport,
} from '@rsl/core/testing';
import { afterEach, expect, test } from 'vitest';
import { until } from './cluster.ts';

const opened: Runtime[] = [];

afterEach(async () => {
  await Promise.all(opened.splice(0).map((runtime) => runtime.close()));
});

const ids = [1, 2, 3];
const members = ids.map((id) => ({ id, addresses: { memory: `memory:${id}` } }));
const nameOf = (i: number): string => `group ${i}`;
const invalid = (option: string) => expect.objectContaining({ code: 'RSL_INVALID_OPTION', option });

/** A log for each group, as one port. */
function logs(): Port<LogStore> {
  const disks = new Map<string, MemoryDisk>();
  return {
    open: (context) => {
      const disk = disks.get(context.group) ?? new MemoryDisk();
      disks.set(context.group, disk);
      return memoryLog({ disk }).open(context);
    },
  };
}

async function runtimeAt(network: MemoryNetwork, id: number): Promise<Runtime> {
  const transport = memoryTransport(network, `memory:${id}`);
  const runtime = await openRuntime({ transport, log: logs() });
  opened.push(runtime);
  return runtime;
}

const started = (
  runtime: Runtime,
  self: number,
  group: string,
  more: Partial<HostedReplicaOptions<Uint8Array, Uint8Array>> = {},
): Promise<Replica> =>
  startReplica({ runtime, group, self, stateMachine: new DigestMachine(), ...more });

test('twenty groups on three runtimes: one is closed, leaders move, commands go on', async () => {
  const network = new MemoryNetwork();
  const runtimes = await Promise.all(ids.map((id) => runtimeAt(network, id)));
  const groups = Array.from({ length: 20 }, (_, i) => nameOf(i));
  const replicas = new Map<string, Replica[]>();
  for (const group of groups) {
    const peers = members;
    const all = ids.map((id, at) => started(runtimes[at] as Runtime, id, group, { peers }));
    replicas.set(group, await Promise.all(all));
  }
  const of = (group: string, id: number): Replica =>
    replicas.get(group)?.[id - 1] ?? expect.unreachable();
  await Promise.all(groups.map((group) => of(group, 1).bootstrap(members)));
  const command = Buffer.from('a command');
  const patient = { timeoutMs: 20_000 };
  await Promise.all(
    groups.flatMap((group) => ids.map((id) => of(group, id).propose(command, patient))),
  );
  expect(network.transports.size).toBe(3);
  expect(runtimes[0]?.groups).toEqual(groups);

  const led = (id: number) => groups.filter((group) => of(group, id).status().state === 'leader');
  const victim = ids.toSorted((a, b) => led(b).length - led(a).length)[0] ?? 1;
  const moving = led(victim);
  expect(moving.length).toBeGreaterThan(0);
  await runtimes[victim - 1]?.close();
  for (const group of groups) expect(of(group, victim).status().state).toBe('stopped');

  const alive = ids.filter((id) => id !== victim);
  await Promise.all(
    groups.flatMap((group) => alive.map((id) => of(group, id).propose(command, patient))),
  );
  for (const group of moving) {
    const states = alive.map((id) => of(group, id).status().state);
    expect(new Set(states)).toEqual(new Set(['follower', 'leader']));
  }
}, 60_000);

test('a replica that closes leaves the others theirs, and may be started again', async () => {
  const network = new MemoryNetwork();
  const runtime = await runtimeAt(network, 1);
  const alone = members.slice(0, 1);
  const stays = await started(runtime, 1, 'stays');
  await stays.bootstrap(alone);
  for (let life = 1; life <= 3; life++) {
    const goes = await started(runtime, 1, 'goes');
    await goes.bootstrap(alone);
    await goes.propose(Buffer.from('x'));
    expect(runtime.groups).toEqual(['stays', 'goes']);
    await goes.close();
    expect(runtime.groups).toEqual(['stays']);
    expect(network.transports.size).toBe(1);
  }
  await stays.propose(Buffer.from('still here'));
});

test('a log of its own is used instead of the runtime’s', async () => {
  const runtime = await runtimeAt(new MemoryNetwork(), 1);
  const disk = new MemoryDisk();
  const log = memoryLog({ disk });
  const first = await started(runtime, 1, 'own', { log });
  await first.bootstrap(members.slice(0, 1));
  await first.propose(Buffer.from('kept'));
  const { executedThrough } = first.status();
  await first.close();
  const second = await started(runtime, 1, 'own', { log });
  await until('it is there again', () => second.status().executedThrough >= executedThrough);
});

test('closing a runtime closes its replicas, those that are starting too', async () => {
  const network = new MemoryNetwork();
  const runtime = await runtimeAt(network, 1);
  const running = await started(runtime, 1, 'runs');
  const ends: string[] = [];
  running.on('stopped', () => ends.push('stopped'));
  const starting = started(runtime, 1, 'starts');
  await Promise.all([runtime.close(), runtime.close()]);
  expect(running.status().state).toBe('stopped');
  expect((await starting).status().state).toBe('stopped');
  expect(network.transports.size).toBe(0);
  expect(runtime.groups).toEqual([]);
  await until('it is told', () => ends.length === 1);
  await expect(started(runtime, 1, 'late')).rejects.toMatchObject({ code: 'RSL_CLOSED' });
});

test('one replica of a group, and nothing of its own that is shared', async () => {
  const runtime = await runtimeAt(new MemoryNetwork(), 1);
  await started(runtime, 1, 'one');
  await expect(started(runtime, 2, 'one')).rejects.toEqual(invalid('group'));
  const transport = memoryTransport(new MemoryNetwork(), 'another');
  const more = { transport } as Partial<HostedReplicaOptions<Uint8Array, Uint8Array>>;
  await expect(started(runtime, 1, 'two', more)).rejects.toEqual(invalid('transport'));
  const wide = { limits: { frameBytesMax: 16 * 1024 * 1024 } };
  await expect(started(runtime, 1, 'two', wide)).rejects.toEqual(invalid('limits.frameBytesMax'));
  const own = { limits: { membersMax: 5 } };
  expect((await started(runtime, 1, 'two', own)).limits.membersMax).toBe(5);
});

test('a replica on a runtime has its engine on the runtime’s thread, and is told so', async () => {
  const runtime = await runtimeAt(new MemoryNetwork(), 1);
  const starting = started(runtime, 1, 'own thread', { isolation: 'thread' });
  await expect(starting).rejects.toEqual(invalid('isolation'));
});

test('a start that fails leaves the group free, and the runtime open', async () => {
  const runtime = await runtimeAt(new MemoryNetwork(), 1);
  const log = { open: () => Promise.reject(new Error('no disk')) };
  await expect(started(runtime, 1, 'one', { log })).rejects.toThrow('no disk');
  expect(runtime.groups).toEqual([]);
  expect((await started(runtime, 1, 'one')).status().state).toBe('waiting');
});

test('a runtime needs a transport, and says so', async () => {
  const options = {} as Parameters<typeof openRuntime>[0];
  await expect(openRuntime(options)).rejects.toEqual(invalid('transport'));
  const transport = memoryTransport(new MemoryNetwork(), 'memory:1');
  const limits = { frameBytesMax: 0 };
  await expect(openRuntime({ transport, limits })).rejects.toEqual(invalid('limits.frameBytesMax'));
  const without = await openRuntime({ transport });
  opened.push(without);
  await expect(started(without, 1, 'one')).rejects.toEqual(invalid('log'));
});
