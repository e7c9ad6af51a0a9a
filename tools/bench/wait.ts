import { setTimeout as sleep } from 'node:timers/promises';
import type { Replica } from '@rsl/core';

const patienceMs = 120_000;

/** Looks every few milliseconds until it is there. */
export async function until<T>(
  what: string,
  find: () => T | undefined | Promise<T | undefined>,
  everyMs = 2,
): Promise<T> {
  const endMs = performance.now() + patienceMs;
  for (;;) {
    const found = await find();
    if (found !== undefined) return found;
    if (performance.now() > endMs) throw new Error(`not after ${patienceMs} ms: ${what}`);
    await sleep(everyMs);
  }
}

export const leaderOf = (replicas: ReadonlyMap<number, Replica>): Promise<Replica> =>
  until('a leader', () => [...replicas.values()].find((r) => r.status().state === 'leader'));

/** All of them have executed so far. */
export async function executedThrough(
  replicas: ReadonlyMap<number, Replica>,
  slot: number,
): Promise<void> {
  const all = [...replicas.values()];
  await until(
    `slot ${slot} at all`,
    () => all.every((r) => r.executedThrough >= slot) || undefined,
  );
}
