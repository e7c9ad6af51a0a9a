// What was executed, slot by slot: a total kept up to date outside of the replicas.
import { startReplica, typed } from '@rsl/core';
import { MemoryNetwork, memoryLog, memoryTransport } from '@rsl/core/testing';

const network = new MemoryNetwork();
const members = [1, 2, 3].map((id) => ({ id, addresses: { memory: `replica-${id}` } }));
const totals = new Map();
const counter = (id) =>
  typed({
    execute: ({ add }) => totals.set(id, (totals.get(id) ?? 0) + add).get(id),
    snapshot: () => totals.get(id) ?? 0,
    restore: (total) => totals.set(id, total),
  });
const replicas = await Promise.all(
  members.map(({ id, addresses }) => {
    const [log, transport] = [memoryLog(), memoryTransport(network, addresses.memory)];
    return startReplica({ group: 'counter', self: id, stateMachine: counter(id), log, transport });
  }),
);
await replicas[0].bootstrap(members);

/** Keeps the total and the slot that it belongs to, as one row in a database would. */
const kept = { total: 0, slot: 0 };
async function follow(replica, until) {
  for await (const { slot, commands } of replica.executed({ from: kept.slot + 1 })) {
    for (const { add } of commands) kept.total += add;
    kept.slot = slot;
    if (kept.total >= until) return;
  }
}

await Promise.all([
  follow(replicas[1], 12),
  replicas[0].propose({ add: 5 }),
  replicas[2].propose({ add: 7 }),
]);
console.log('from replica 2:', kept.total);
await replicas[1].close();
await Promise.all([follow(replicas[2], 13), replicas[0].propose({ add: 1 })]);
console.log('goes on at replica 3:', kept.total);

// Who has no total yet, or hears RSL_STREAM_BEHIND, begins with a state and the slot it reflects.
await replicas[0].barrier('linearizable');
Object.assign(kept, { total: totals.get(1), slot: replicas[0].executedThrough });
console.log('begins anew:', kept.total);
await Promise.all([replicas[0].close(), replicas[2].close()]);
