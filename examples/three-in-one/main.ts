// Three replicas in one process, on files: the leader goes, the others go on, it comes back.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Replica, startReplica, typed } from '@rsl/core';
import { MemoryNetwork, memoryTransport } from '@rsl/core/testing';
import { fileLog } from '@rsl/log-file';

type Put = { readonly key: string; readonly value: string };

const folder = await mkdtemp(join(tmpdir(), 'rsl-three-in-one-'));
const network = new MemoryNetwork();
const members = [1, 2, 3].map((id) => ({ id, addresses: { memory: `replica-${id}` } }));
const states = new Map<number, Map<string, string>>();
const running = new Map<number, Replica<Put, number>>();

/** A process would have one of these, a transport over TCP, and nothing else that differs. */
async function start(id: number): Promise<Replica<Put, number>> {
  let state = new Map<string, string>();
  states.set(id, state);
  const stateMachine = typed<Put, number, [string, string][]>({
    execute: ({ key, value }) => state.set(key, value).size,
    snapshot: () => [...state],
    restore: (saved) => {
      state = new Map(saved);
    },
  });
  const transport = memoryTransport(network, `replica-${id}`);
  const log = fileLog(join(folder, `${id}`));
  const replica = await startReplica({ group: 'three', self: id, stateMachine, log, transport });
  running.set(id, replica);
  return replica;
}

/** The replica that leads; one of the others learns of it first. */
async function leader(): Promise<Replica<Put, number>> {
  const [any] = running.values();
  await any?.barrier('linearizable');
  for (const replica of running.values()) if (replica.status().state === 'leader') return replica;
  return leader();
}

await Promise.all(members.map(({ id }) => start(id)));
await running.get(1)?.bootstrap(members);
const first = await leader();
assert.equal(await first.propose({ key: 'a', value: 'from the first leader' }), 1);

await first.close();
running.delete(first.id);
const second = await leader();
assert.notEqual(second.id, first.id);
assert.equal(await second.propose({ key: 'b', value: 'from the second' }), 2);

// It executes what its files know, learns what it missed, and reads like everybody else.
const again = await start(first.id);
await again.barrier('linearizable');
assert.deepEqual(Object.fromEntries(states.get(first.id) ?? []), {
  a: 'from the first leader',
  b: 'from the second',
});
console.log(`replica ${first.id} led, went, and has come back to replica ${second.id}`);
await Promise.all([...running.values()].map((replica) => replica.close()));
await rm(folder, { recursive: true });
