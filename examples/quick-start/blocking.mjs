// A command that takes two seconds, far longer than a leader may be silent. With its engine on a
// thread of its own the replica goes on leading. The files stay in `data-blocking`.
import { startReplica, typed } from '@rsl/core';
import { fileLog } from '@rsl/log-file';
import { tcp } from '@rsl/transport-tcp';

const members = [1, 2, 3].map((id) => ({ id, addresses: { tcp: `127.0.0.1:${7110 + id}` } }));
const standStill = (ms) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
const sleeper = () =>
  typed({ execute: (ms) => standStill(ms), snapshot: () => null, restore: () => undefined });
const replicas = await Promise.all(
  members.map(({ id, addresses }) => {
    const [log, transport] = [fileLog(`data-blocking/${id}`), tcp(addresses.tcp)];
    const given = { group: 'sleeper', self: id, stateMachine: sleeper(), log, transport };
    return startReplica({ ...given, isolation: 'thread' });
  }),
);
let leaderships = 0;
for (const replica of replicas) replica.on('leading', () => (leaderships += 1));
await replicas[0].bootstrap(members);
await replicas[0].propose(2_000);
await replicas[0].propose(0);
console.log('after a command of two seconds:', leaderships, 'leadership');
await Promise.all(replicas.map((replica) => replica.close()));
