// What a leader does outside of the group: a system that knows fences refuses leaders of the past.
import { startReplica, typed } from '@rsl/core';
import { MemoryNetwork, memoryLog, memoryTransport } from '@rsl/core/testing';

const outside = {
  highest: '',
  write(fence, text) {
    if (fence < this.highest) throw new Error('refused, somebody else leads by now');
    this.highest = fence;
    console.log(text);
  },
};

const network = new MemoryNetwork();
const members = [1, 2, 3].map((id) => ({ id, addresses: { memory: `replica-${id}` } }));
const leaders = new EventTarget();
const start = async ({ id, addresses }) => {
  const stateMachine = typed({ execute: () => 0, snapshot: () => 0, restore: () => {} });
  const [log, transport] = [memoryLog(), memoryTransport(network, addresses.memory)];
  const replica = await startReplica({ group: 'fence', self: id, stateMachine, log, transport });
  replica.on('recovered', ({ fence, signal }) => {
    leaders.dispatchEvent(new CustomEvent('leader', { detail: { replica, fence, signal } }));
  });
  return replica;
};
const nextLeader = () =>
  new Promise((resolve) => {
    leaders.addEventListener('leader', ({ detail }) => resolve(detail), { once: true });
  });

const replicas = await Promise.all(members.map(start));
const [first] = await Promise.all([nextLeader(), replicas[0].bootstrap(members)]);
outside.write(first.fence, 'the first leader writes');
const [second] = await Promise.all([nextLeader(), first.replica.close()]);
console.log('the first leader was told:', first.signal.aborted);
outside.write(second.fence, 'the second leader writes');
try {
  outside.write(first.fence, 'never printed');
} catch (error) {
  console.log('the first leader writes once more:', error.message);
}
await Promise.all(replicas.map((replica) => replica.close()));
