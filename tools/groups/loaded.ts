import type { Replica } from '@rsl/core';
import { closeGroups, startGroups } from './group.ts';
import type { Place } from './ports.ts';

export interface LoadedReport {
  readonly groups: number;
  /** Commands that wait for their results: of the one group, and of each of the many. */
  readonly inFlightOfOne: number;
  readonly inFlightOfEach: number;
  /** Per second; the median of so many rounds, one group and many by turns. */
  readonly rounds: number;
  readonly one: number;
  readonly many: number;
  readonly ratio: number;
  /** The same of commands per second of processor time: what else the machine does matters less. */
  readonly cpuRatio: number;
}

/** With more the one group gets no faster, and the many hardly. */
const inFlightOfOne = 64_000;
const inFlightOfEach = 4_000;
const rounds = 5;
/**
 * A hundred groups look at the time a hundred times as often as one: here, less often each. And a
 * process with so much to do takes its time: nobody is to stand for election because of that.
 */
const timings = { tickMs: 25, heartbeatMs: 100, electionTimeoutMsMin: 2_000 };
const warmMs = 1_000;
const measureMs = 3_000;
const command = new Uint8Array(16);

interface Rate {
  readonly perSecond: number;
  readonly perCpuSecond: number;
}

/** What one group and many are worth, each with as much to do as it can use. */
export async function measureLoaded(place: Place, groups: number): Promise<LoadedReport> {
  const one: Rate[] = [];
  const many: Rate[] = [];
  for (let round = 0; round < rounds; round += 1) {
    one.push(await rateOf(place, 1, inFlightOfOne));
    many.push(await rateOf(place, groups, inFlightOfEach));
  }
  const ratioOf = (what: keyof Rate): number =>
    Number((median(many, what) / median(one, what)).toFixed(2));
  return {
    groups,
    inFlightOfOne,
    inFlightOfEach,
    rounds,
    one: Math.round(median(one, 'perSecond')),
    many: Math.round(median(many, 'perSecond')),
    ratio: ratioOf('perSecond'),
    cpuRatio: ratioOf('perCpuSecond'),
  };
}

const median = (rates: readonly Rate[], what: keyof Rate): number =>
  rates.map((rate) => rate[what]).sort((a, b) => a - b)[Math.floor(rates.length / 2)] ?? 0;

async function rateOf(place: Place, count: number, each: number): Promise<Rate> {
  const groups = await startGroups(place, count, timings);
  const done = { commands: 0, isOver: false };
  for (const group of groups) {
    const leader = group.leader();
    if (leader === undefined) throw new Error('a group has no leader');
    loop(leader, each, done);
  }
  await new Promise((resolve) => setTimeout(resolve, warmMs));
  const before = done.commands;
  const began = process.cpuUsage();
  const beganMs = performance.now();
  await new Promise((resolve) => setTimeout(resolve, measureMs));
  const seconds = (performance.now() - beganMs) / 1_000;
  const { user, system } = process.cpuUsage(began);
  const commands = done.commands - before;
  done.isOver = true;
  await closeGroups(groups);
  return {
    perSecond: commands / seconds,
    perCpuSecond: (commands * 1e6) / (user + system),
  };
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
    leader.proposeMany(commands, { result: next, error: failed }, { timeoutMs: 60_000 });
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
