import { getEventListeners } from 'node:events';
import type { Batch, Results, StateMachine } from '@rsl/core';
import { afterEach, expect, test } from 'vitest';
import { bytesOf, Cluster, proposed, textOf } from './cluster.ts';

let cluster: Cluster;

afterEach(async () => {
  await cluster.close();
});

/** State that outlives its process by itself, as on a disk of its own. */
class Lasting implements StateMachine {
  readonly executed: string[] = [];
  slot = 0;

  execute(batch: Batch, results: Results): void {
    for (let i = 0; i < batch.count; i += 1) {
      this.executed.push(textOf(batch.bytes.subarray(batch.start(i), batch.end(i))));
      results.push(new Uint8Array(0));
    }
    this.slot = batch.slot;
  }

  open(): Promise<number> {
    return Promise.resolve(this.slot);
  }

  save(): Uint8Array[] {
    return [];
  }

  load(): Promise<void> {
    return Promise.resolve();
  }
}

test('a state that is ahead of what the log has proved executes nothing twice', async () => {
  // "Decided through" is written now and then; the state on its own disk may reflect more.
  const state = new Lasting();
  cluster = await new Cluster({ replicas: 1, machine: () => state }).formed();
  const commands = Array.from({ length: 20 }, (_, i) => `command ${i}`);
  for (const command of commands) await cluster.at(1).propose(bytesOf(command));
  cluster.disks.get(1)?.crash();
  cluster.disks.get(1)?.records.splice(0, Infinity, ...withoutDecidedThrough());
  await cluster.stop(1);
  await cluster.start(1);
  await cluster.leader();
  await cluster.at(1).propose(bytesOf('afterwards'));
  expect(state.executed).toEqual([...commands, 'afterwards']);

  function withoutDecidedThrough() {
    const records = cluster.disks.get(1)?.records ?? [];
    return records.filter(({ kind }) => kind !== 'decided-through');
  }
});

test('two operators who write addresses differently form one group (S10)', async () => {
  // The group is its name and stores: a fingerprint with addresses in it would lock members out.
  cluster = new Cluster();
  await Promise.all(cluster.ids.map((id) => cluster.start(id)));
  const other = cluster.members.map((m) => ({
    ...m,
    addresses: { ...m.addresses, other: `elsewhere-${m.id}` },
  }));
  const outcomes = await Promise.all([
    cluster.at(1).bootstrap(cluster.members),
    cluster.at(3).bootstrap(other),
  ]);
  expect(outcomes).toContain('formed');
  await cluster.leader();
  for (const id of cluster.ids)
    expect(await proposed(cluster.at(id), [`from ${id}`])).toHaveLength(1);
  for (const id of cluster.ids) {
    expect(cluster.at(id).status().counters.framesOfAnotherConfiguration).toBeUndefined();
  }
});

test('a read that is asked for before the group is formed is answered after it', async () => {
  cluster = new Cluster();
  await Promise.all(cluster.ids.map((id) => cluster.start(id)));
  const early = cluster.at(2).barrier('linearizable', { timeoutMs: 20_000 });
  await new Promise((resolve) => setImmediate(resolve));
  await cluster.at(1).bootstrap(cluster.members);
  expect(await early).toBeGreaterThanOrEqual(0);
});

test('calls let go of the caller’s signal', async () => {
  cluster = await new Cluster({ replicas: 1 }).formed();
  const { signal } = new AbortController();
  for (let i = 0; i < 20; i += 1) {
    await cluster.at(1).barrier('linearizable', { signal });
    await cluster.at(1).propose(bytesOf('x'), { signal });
  }
  expect(getEventListeners(signal, 'abort')).toHaveLength(0);
});

test('reads that nobody answers are bounded, and forgotten at their deadlines', async () => {
  cluster = new Cluster({ limits: { pendingReadsMax: 3 } });
  await cluster.start(1);
  const read = () => cluster.at(1).barrier('linearizable', { timeoutMs: 30 });
  const waiting = [read(), read(), read()];
  await expect(read()).rejects.toMatchObject({ code: 'RSL_OVERLOADED', limit: 'pendingReadsMax' });
  const outcomes = await Promise.allSettled(waiting);
  expect(outcomes.every(({ status }) => status === 'rejected')).toBe(true);
  await expect(read()).rejects.toMatchObject({ code: 'RSL_NOT_LEADER' });
});
