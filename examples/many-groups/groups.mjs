// Twenty counters, each a group of three replicas, on three runtimes: three links among them.
import { openRuntime, startReplica, typed } from '@rsl/core';
import { memoryLog } from '@rsl/core/testing';
import { tcp } from '@rsl/transport-tcp';

// In earnest these are three processes, and each has one runtime and a log that lasts.
const ids = [1, 2, 3];
const log = { open: (context) => memoryLog().open(context) };
const runtimes = await Promise.all(
  ids.map(() => openRuntime({ transport: tcp('127.0.0.1:0'), log })),
);
const members = ids.map((id, i) => ({ id, addresses: { tcp: runtimes[i].address } }));

const counter = () => {
  let total = 0;
  return typed({
    execute: (add) => (total += add),
    snapshot: () => total,
    restore: (saved) => (total = saved),
  });
};
const groups = Array.from({ length: 20 }, (_, i) => `counter ${i}`);
const replicas = await Promise.all(
  groups.map((group) =>
    Promise.all(
      runtimes.map((runtime, i) =>
        startReplica({ runtime, group, self: ids[i], stateMachine: counter() }),
      ),
    ),
  ),
);
await Promise.all(
  replicas.map(async ([first, , third], i) => {
    await first.bootstrap(members);
    await first.propose(i);
    const total = await third.propose(1);
    if (total !== i + 1) throw new Error(`${groups[i]} is ${total}`);
  }),
);
console.log('groups:', runtimes[0].groups.length);
console.log('links of runtime 1:', runtimes[0].transport.counters().links);
console.log('the last counter:', await replicas[19][1].propose(0));
await Promise.all(runtimes.map((runtime) => runtime.close()));
