// A counter on three replicas, all in this process and in memory: nothing outlives it.
import { startReplica, typed } from '@rsl/core';
import { MemoryNetwork, memoryLog, memoryTransport } from '@rsl/core/testing';

const network = new MemoryNetwork();
const members = [1, 2, 3].map((id) => ({ id, addresses: { memory: `replica-${id}` } }));
const totals = new Map();
const counter = (id) =>
  typed({
    execute: (add) => totals.set(id, (totals.get(id) ?? 0) + add).get(id),
    snapshot: () => totals.get(id) ?? 0,
    restore: (total) => totals.set(id, total),
  });
const replicas = await Promise.all(
  members.map(({ id, addresses }) => {
    const [log, transport] = [memoryLog(), memoryTransport(network, addresses.memory)];
    return startReplica({ group: 'counter', self: id, stateMachine: counter(id), log, transport });
  }),
);
console.log('bootstrap on replica 1:', await replicas[0].bootstrap(members));
console.log('replica 1 adds 5:', await replicas[0].propose(5));
console.log('replica 3 adds 2:', await replicas[2].propose(2));
await replicas[1].barrier('linearizable');
console.log('replica 2 reads its own object:', totals.get(2));
await Promise.all(replicas.map((replica) => replica.close()));
