import type { Replica } from '@rsl/core';
import { closeGroups, startGroups } from './group.ts';

export interface LoadedReport {
  readonly inFlight: number;
  readonly one: number;
  readonly many: number;
  readonly groups: number;
  readonly ratio: number;
}

const inFlight = 6_400;
const warmMs = 2_000;
const measureMs = 5_000;
const command = new Uint8Array(16);

/** Commands per second of one group and of many, with as many commands waiting in all. */
export async function measureLoaded(groups: number): Promise<LoadedReport> {
  const one = await commandsPerSecond(1);
  const many = await commandsPerSecond(groups);
  const ratio = Number((many / one).toFixed(2));
  return { inFlight, one: Math.round(one), many: Math.round(many), groups, ratio };
}

async function commandsPerSecond(count: number): Promise<number> {
  const groups = await startGroups(count, {});
  const done = { commands: 0, isOver: false };
  const each = Math.floor(inFlight / count);
  for (const group of groups) {
    const leader = group.leader();
    if (leader === undefined) throw new Error('a group has no leader');
    loop(leader, each, done);
  }
  await new Promise((resolve) => setTimeout(resolve, warmMs));
  const before = done.commands;
  const beganMs = performance.now();
  await new Promise((resolve) => setTimeout(resolve, measureMs));
  const rate = ((done.commands - before) * 1_000) / (performance.now() - beganMs);
  done.isOver = true;
  await closeGroups(groups);
  return rate;
}

/** Each result brings the next command; those of one turn go together. */
function loop(leader: Replica, each: number, done: { commands: number; isOver: boolean }): void {
  let free = each;
  let isDue = false;
  const send = (): void => {
    isDue = false;
    if (done.isOver) return;
    const commands = Array.from({ length: free }, () => command);
    free = 0;
    leader.proposeMany(commands, { result: next, error: failed });
  };
  const next = (): void => {
    done.commands += 1;
    free += 1;
    if (isDue) return;
    isDue = true;
    setImmediate(send);
  };
  const failed = (_: number, error: Error): void => {
    if (!done.isOver) throw error;
  };
  send();
}
