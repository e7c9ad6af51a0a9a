// What a state machine that blocks costs, its own group and another: three processes, each with a
// replica of both. One process leads both groups; its state machine of the first stands still, and
// the clients of the other two processes go on or do not. Once with everything on one thread, once
// with engines on threads of their own. The last line is JSON; fails unless the latter kept both
// leaders, voted on, and acknowledged at the other replicas all the time.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Group, Remote } from './group.ts';
import type { Loaded, Moment, Observed, Setup } from './words.ts';

const { values } = parseArgs({ options: { seconds: { type: 'string', default: '30' } } });
const seconds = Number(values.seconds);
if (!Number.isSafeInteger(seconds) || seconds < 1 || seconds > 600) {
  console.error(`--seconds: an integer from 1 to 600, not ${values.seconds}`);
  process.exit(2);
}

const loadMs = 5_000;
/** How often the second group is formed until the process that leads the first leads it. */
const formingsMax = 10;
const catchingUpMsMax = 300_000;
/** Of each group, at the two replicas that do not stand still. */
const perSecondMin = 10;

type Isolation = Setup['isolation'];

interface Measured extends Observed {
  readonly leaderWasBlocked: boolean;
  readonly leaderChanges: number;
  /** At the process that stood still, meanwhile: each answers the votes of a turn. */
  readonly writesOfVotes: number;
  readonly framesSent: number;
  /** From the end of the block until the replica there had executed everything. */
  readonly caughtUpMs: number;
}

interface Run {
  /** Of the leader's own callers, before anything blocks and before there is another group. */
  readonly commandsPerSecond: number;
  readonly blocked: Measured;
  readonly bystander: Measured;
}

async function measure(isolation: Isolation): Promise<Run> {
  const folder = mkdtempSync(join(tmpdir(), `rsl-block-${isolation}-`));
  const processes = [1, 2, 3].map((id) => new Remote({ id, isolation }));
  const groups: Group[] = [];
  try {
    const first = await Group.form('blocked', folder, { processes, at: 1 });
    groups.push(first);
    const loaded: Loaded = await first.ask(await first.leader(), { kind: 'load', ms: loadMs });
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    const { second, at } = await beside(first, folder, processes);
    groups.push(second);
    const [blocked, bystander] = await standStill([first, second], at);
    return { ...loaded, blocked, bystander };
  } finally {
    await Promise.all(groups.map((group) => group.close()));
    for (const each of processes) each.end();
    rmSync(folder, { recursive: true });
  }
}

/** Another group, which is led where the first one is: only there the block could be felt. */
async function beside(
  first: Group,
  folder: string,
  processes: readonly Remote[],
): Promise<{ readonly second: Group; readonly at: number }> {
  for (let forming = 1; forming <= formingsMax; forming += 1) {
    const at = await first.leader();
    const place = join(folder, String(forming));
    const second = await Group.form('bystander', place, { processes, at });
    if ((await second.leader()) === at && (await first.leader()) === at) return { second, at };
    await second.close();
  }
  throw new Error(`formed ${formingsMax} times, never led by the process that leads the first`);
}

async function standStill(
  [first, second]: readonly [Group, Group],
  at: number,
): Promise<[Measured, Measured]> {
  const groups = [first, second] as const;
  const before = await Promise.all(groups.map((g) => g.ask<Moment>(at, { kind: 'moment' })));
  const [ofFirst, ofSecond] = before as [Moment, Moment];
  const block = first.ask(at, { kind: 'block', ms: 1_000 * seconds });
  // It has begun once nobody answers there; the clients begin with it.
  await new Promise((resolve) => setTimeout(resolve, 100));
  return Promise.all([
    meanwhile(first, at, { before: ofFirst, block }),
    meanwhile(second, at, { before: ofSecond, block }),
  ]);
}

async function meanwhile(
  group: Group,
  at: number,
  { before, block }: { readonly before: Moment; readonly block: Promise<unknown> },
): Promise<Measured> {
  const others = group.ids.filter((id) => id !== at);
  await group.askAll(others, { kind: 'begin' });
  await new Promise((resolve) => setTimeout(resolve, 1_000 * seconds - 200));
  const observed = await group.askAll<Observed>(others, { kind: 'end' });
  const moments = await group.askAll<Moment>(others, { kind: 'moment' });
  const after = await group.ask<Moment>(at, { kind: 'moment' });
  await block;
  const endedAtMs = performance.now();
  await executed(group, at, Math.max(...moments.map(({ executedThrough }) => executedThrough)));
  const caughtUpMs = Math.round(performance.now() - endedAtMs);
  const of = (name: keyof Observed): number[] => observed.map((one) => one[name]);
  return {
    leaderWasBlocked: before.leader === at,
    leaderChanges: Math.max(...moments.map(({ round }) => round)) - before.round,
    writesOfVotes: after.appends - before.appends,
    framesSent: after.framesSent - before.framesSent,
    acknowledged: of('acknowledged').reduce((sum, one) => sum + one, 0),
    errors: of('errors').reduce((sum, one) => sum + one, 0),
    p50Ms: Math.max(...of('p50Ms')),
    p99Ms: Math.max(...of('p99Ms')),
    maxMs: Math.max(...of('maxMs')),
    caughtUpMs,
  };
}

async function executed(group: Group, at: number, through: number): Promise<void> {
  const endMs = performance.now() + catchingUpMsMax;
  while ((await group.ask<Moment>(at, { kind: 'moment' })).executedThrough < through) {
    if (performance.now() > endMs) throw new Error(`${group.name}: ${through} is never executed`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** Its leader led on, voted, and acknowledged what the other two replicas' callers wanted. */
function wentOn(group: Measured): boolean {
  const isUndisturbed = group.leaderChanges === 0 && group.errors === 0;
  const isBusy = group.acknowledged >= perSecondMin * seconds && group.writesOfVotes > 0;
  return group.leaderWasBlocked && isUndisturbed && isBusy;
}

const inline = await measure('inline');
const thread = await measure('thread');
const rows = Object.entries({ inline, thread }).flatMap(([isolation, run]) => [
  [`${isolation}, the group that blocks`, run.blocked],
  [`${isolation}, the other group`, run.bystander],
]) as [string, Measured][];
console.table(Object.fromEntries(rows.map(([name, group]) => [name, shown(group)])));
const isGood = wentOn(thread.blocked) && wentOn(thread.bystander);
const throughput = Number((thread.commandsPerSecond / inline.commandsPerSecond).toFixed(2));
console.log(JSON.stringify({ blockedSeconds: seconds, inline, thread, throughput, isGood }));
process.exit(isGood ? 0 : 1);

function shown(group: Measured): Record<string, boolean | number> {
  const { writesOfVotes, ...rest } = group;
  return { ...rest, 'votes answered, in writes': writesOfVotes };
}
