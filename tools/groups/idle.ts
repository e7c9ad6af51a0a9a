import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { closeGroups, type Group, startGroups } from './group.ts';
import type { Place } from './ports.ts';

export interface IdleReport {
  readonly groups: number;
  /** Until all were there and slept. */
  readonly startedSeconds: number;
  readonly seconds: number;
  /** Of one core, while nothing was to be done. */
  readonly cpuPercent: number;
  /** Of one group: three replicas, what they have executed, and their ports. */
  readonly residentBytes: number;
  readonly heapBytes: number;
  readonly wakeMs: { readonly p50: number; readonly max: number };
}

const sleepAfterMs = 1_000;
const patienceMs = 120_000;
const wakesMeasured = 50;

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** What groups cost that have nothing to do, and how soon they answer when they have. */
export async function measureIdle(
  place: Place,
  count: number,
  seconds: number,
): Promise<IdleReport> {
  // What the first groups bring along is not what each one costs.
  await closeGroups(await startGroups(place, 10, {}));
  const before = memory();
  const beganMs = performance.now();
  // Only those that are new are awake: starting is not what is measured.
  const groups = await startGroups(place, count, { sleepAfterMs }, allAsleep);
  const startedSeconds = Math.round((performance.now() - beganMs) / 1_000);
  const after = memory();
  const cpuPercent = await cpuPercentOver(seconds);
  const wakeMs = await wakes(groups);
  await closeGroups(groups);
  const each = (what: 'rss' | 'heap'): number => Math.round((after[what] - before[what]) / count);
  const bytes = { residentBytes: each('rss'), heapBytes: each('heap') };
  return { groups: count, startedSeconds, seconds, cpuPercent, ...bytes, wakeMs };
}

function memory(): { readonly rss: number; readonly heap: number } {
  for (let i = 0; i < 3; i += 1) collect();
  const { rss, heapUsed, arrayBuffers } = process.memoryUsage();
  return { rss, heap: heapUsed + arrayBuffers };
}

async function allAsleep(groups: readonly Group[]): Promise<void> {
  const untilMs = performance.now() + patienceMs;
  const isAwake = ({ replicas }: Group): boolean => replicas.some((r) => !r.status().asleep);
  for (let awake = groups; awake.length > 0; awake = awake.filter(isAwake)) {
    if (performance.now() > untilMs) throw new Error(`${awake.length} groups do not sleep`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function cpuPercentOver(seconds: number): Promise<number> {
  const beganMs = performance.now();
  const began = process.cpuUsage();
  await new Promise((resolve) => setTimeout(resolve, seconds * 1_000));
  const { user, system } = process.cpuUsage(began);
  const tookUs = (performance.now() - beganMs) * 1_000;
  return Number((((user + system) * 100) / tookUs).toFixed(2));
}

/** A command to a group that sleeps, on a follower: it wakes, and wakes its leader. */
async function wakes(groups: readonly Group[]): Promise<{ p50: number; max: number }> {
  const tookMs: number[] = [];
  for (const group of groups.slice(0, wakesMeasured)) {
    const leader = group.leader();
    const follower = group.replicas.find((replica) => replica !== leader);
    const beganMs = performance.now();
    await follower?.propose(new Uint8Array(16), { timeoutMs: 60_000 });
    tookMs.push(performance.now() - beganMs);
  }
  tookMs.sort((a, b) => a - b);
  const rounded = (i: number): number => Number((tookMs[i] ?? 0).toFixed(2));
  return { p50: rounded(Math.floor(tookMs.length / 2)), max: rounded(tookMs.length - 1) };
}
