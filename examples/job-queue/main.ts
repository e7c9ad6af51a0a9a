// A worker dies with a job: it goes to another one by itself, and the first may not finish it.
import assert from 'node:assert/strict';
import { type Replica, startReplica } from '@rsl/core';
import { MemoryNetwork, memoryLog, memoryTransport } from '@rsl/core/testing';
import { type Command, type Job, jobQueue } from './jobs.ts';

interface Worker {
  readonly replica: Replica<Command, Job | number | undefined>;
  readonly queue: ReturnType<typeof jobQueue>;
}

const network = new MemoryNetwork();
const members = [1, 2, 3].map((id) => ({ id, addresses: { memory: `replica-${id}` } }));
const workers: Worker[] = await Promise.all(
  members.map(async ({ id, addresses }) => {
    const [log, transport] = [memoryLog(), memoryTransport(network, addresses.memory)];
    const queue = jobQueue();
    const options = { group: 'jobs', self: id, stateMachine: queue, log, transport };
    return { replica: await startReplica(options), queue };
  }),
);
const [first, second] = workers as [Worker, Worker, Worker];
await first.replica.bootstrap(members);

/** The next job, as soon as there is one: the stream tells when anything has happened. */
async function claim({ queue, replica }: Worker, forMs: number): Promise<Job> {
  for await (const _ of replica.executed({ from: Math.max(1, replica.executedThrough) })) {
    if (!queue.hasFree()) continue;
    // Somebody else may be quicker; then it goes on.
    const job = await replica.propose({ kind: 'claim', forMs });
    if (typeof job === 'object') return job;
  }
  throw new Error('the stream has ended');
}

const done: string[] = [];
async function finish({ replica }: Worker, { attempt, id, payload }: Job): Promise<void> {
  await replica.propose({ kind: 'acknowledge', id, attempt });
  done.push(`${payload}, attempt ${attempt}`);
}

await first.replica.propose({ kind: 'put', payload: 'send the letter' });
await first.replica.propose({ kind: 'put', payload: 'print the invoice' });

// The first worker takes a job for a moment, and is never heard of until that is over.
const lost = await claim(first, 100);
await finish(second, await claim(second, 10_000));
// Nobody writes meanwhile: that its time is over is a slot of its own.
await finish(second, await claim(second, 10_000));
// In whichever order.
assert.deepEqual(done.toSorted(), ['print the invoice, attempt 1', 'send the letter, attempt 2']);

await assert.rejects(finish(first, lost), {
  code: 'RSL_APPLICATION',
  applicationCode: 'not-yours',
});
console.log(done.join('; '));
await Promise.all(workers.map(({ replica }) => replica.close()));
