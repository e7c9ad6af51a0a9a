// A worker dies with a job: it goes to another one by itself, and the first may not finish it.
import assert from 'node:assert/strict';
import { type Replica, startReplica } from '@rsl/core';
import { MemoryNetwork, memoryLog, memoryTransport } from '@rsl/core/testing';
import { type Command, type Job, jobQueue } from './jobs.ts';

type Queue = Replica<Command, Job | number | undefined>;

const network = new MemoryNetwork();
const members = [1, 2, 3].map((id) => ({ id, addresses: { memory: `replica-${id}` } }));
const replicas: Queue[] = await Promise.all(
  members.map(({ id, addresses }) => {
    const [log, transport] = [memoryLog(), memoryTransport(network, addresses.memory)];
    return startReplica({ group: 'jobs', self: id, stateMachine: jobQueue(), log, transport });
  }),
);
const [first, second] = replicas as [Queue, Queue, Queue];
await first.bootstrap(members);

/** A job that is there, or the next one to be: a stream tells of each slot. */
async function claim(queue: Queue, forMs: number): Promise<Job> {
  for await (const { slot } of queue.executed({ from: Math.max(1, queue.executedThrough) })) {
    if (slot < queue.executedThrough) continue;
    const job = await queue.propose({ kind: 'claim', forMs });
    if (typeof job === 'object') return job;
  }
  throw new Error('the queue has ended');
}

const done: string[] = [];
async function finish(queue: Queue, { attempt, id, payload }: Job): Promise<void> {
  await queue.propose({ kind: 'acknowledge', id, attempt });
  done.push(`${payload}, attempt ${attempt}`);
}

await first.propose({ kind: 'put', payload: 'send the letter' });
await first.propose({ kind: 'put', payload: 'print the invoice' });

// The first worker takes a job for a moment, and is never heard of until that is over.
const lost = await claim(first, 100);
await finish(second, await claim(second, 10_000));
// Nobody writes meanwhile: that its time is over is a slot of its own.
await finish(second, await claim(second, 10_000));
assert.deepEqual(done, ['print the invoice, attempt 1', 'send the letter, attempt 2']);

await assert.rejects(finish(first, lost), {
  code: 'RSL_APPLICATION',
  applicationCode: 'not-yours',
});
console.log(done.join('; '));
await Promise.all(replicas.map((replica) => replica.close()));
