import { Buffer } from 'node:buffer';
import type { Batch, Results } from '@rsl/core';
import { DigestMachine } from '@rsl/core/testing';
import { afterEach, expect, test } from 'vitest';
import { bytesOf, Cluster, proposed, until } from './cluster.ts';

let cluster: Cluster;

afterEach(async () => {
  await cluster.close();
});

/** Fails at one command, always. */
class Poisoned extends DigestMachine {
  override execute(batch: Batch, results: Results): void {
    if (Buffer.from(batch.bytes).includes('poison')) throw new Error('it cannot stand that');
    super.execute(batch, results);
  }
}

const reasonOf = (id: number): string => cluster.at(id).status().reason?.message ?? '';

/** A group that has executed something, then met one command, and is stopped: its slot. */
async function poisoned(): Promise<number> {
  cluster = await new Cluster({ machine: () => new Poisoned() }).formed();
  await proposed(cluster.at(1), ['a', 'b']);
  const call = cluster.at(2).propose(bytesOf('poison'));
  const heard = expect(call).rejects.toMatchObject({ outcome: 'unknown' });
  await until('the leader has stopped', () =>
    cluster.ids.some((id) => reasonOf(id).includes('it cannot stand that')),
  );
  const [, slot] = /failed at slot (\d+)/.exec(cluster.ids.map(reasonOf).join()) ?? [];
  for (const id of cluster.ids) await cluster.stop(id);
  await heard;
  return Number(slot);
}

async function restart(): Promise<void> {
  for (const id of cluster.ids) if (cluster.replicas.has(id)) await cluster.stop(id);
  for (const id of cluster.ids) await cluster.start(id);
}

const caughtUp = (): Promise<void> =>
  until('all have executed the same', () => {
    const through = cluster.ids.map((id) => cluster.at(id).status().executedThrough);
    return new Set(through).size === 1;
  });

test('a group that one command stopped goes on without its slot, with equal states', async () => {
  const slot = await poisoned();
  // It is in a majority's logs: started again, they meet it again.
  const again = await Promise.allSettled(cluster.ids.map((id) => cluster.start(id)));
  await until('it has stopped again', () => {
    const refused = again.filter(({ status }) => status === 'rejected').length;
    const stopped = [...cluster.replicas.values()].filter(
      (each) => each.status().reason?.code === 'RSL_STATE_MACHINE_FAILED',
    ).length;
    return refused + stopped >= 2;
  });

  cluster.skip = [slot];
  await restart();
  await proposed(await cluster.leader(), ['c', 'd']);
  await caughtUp();
  expect(new Set(cluster.ids.map((id) => cluster.digest(id))).size).toBe(1);
  for (const id of cluster.ids) expect(cluster.at(id).status().counters['skips']).toBe(1);

  // And the same after one more start, as long as it is told.
  const before = cluster.digest(1);
  await restart();
  await cluster.at(1).barrier('linearizable');
  await cluster.leader();
  await caughtUp();
  expect(new Set(cluster.ids.map((id) => cluster.digest(id))).size).toBe(1);
  expect(before).not.toBe(0);
});

test('who waits for a command of a skipped slot hears that it was not executed', async () => {
  cluster = new Cluster({ replicas: 1 });
  // The slots of the first leader, its empty first batch included.
  cluster.skip = [1, 2, 3];
  await cluster.formed();
  const outcomes: string[] = [];
  for (let i = 0; outcomes.at(-1) !== 'executed'; i += 1) {
    const call = cluster.at(1).propose(bytesOf(`command ${i}`));
    outcomes.push(
      await call.then(
        () => 'executed',
        ({ code, outcome }) => `${code} ${outcome}`,
      ),
    );
  }
  const skipped = outcomes.slice(0, -1);
  expect(skipped.length).toBeGreaterThan(0);
  expect(new Set(skipped)).toEqual(new Set(['RSL_SLOT_SKIPPED not-executed']));
  expect(cluster.at(1).status().pendingCommands).toBe(0);
});
