// How soon a replica is back that has nothing, when nobody keeps the log any more: three processes,
// each with a replica, its engine on a thread, its log and snapshots in files, one machine. While
// commands come, it copies a whole state; its connections are cut three times, and who gives the
// snapshot is killed while it does. Compared with what the link and the disk can do by themselves,
// in the same run. The last line is JSON.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { freeAddresses } from './ports.ts';
import { Proxy } from './proxy.ts';
import { leading, Remote, settled } from './remote.ts';
import { until } from './wait.ts';
import type { Given, Setup } from './words.ts';

const { values } = parseArgs({
  options: {
    small: { type: 'boolean', default: false },
    'state-mib': { type: 'string' },
    'per-second': { type: 'string', default: '2000' },
  },
});

const MiB = 1024 * 1024;
const stateMiB = Number(values['state-mib'] ?? (values.small ? 48 : 1_024));
const perSecond = Number(values['per-second']);
if (!Number.isSafeInteger(stateMiB) || stateMiB < 1 || !(perSecond >= 1)) {
  console.error('--state-mib: an integer from 1; --per-second: from 1');
  process.exit(2);
}

const valueBytes = 1_024;
const commandBytes = 100;
const keys = (stateMiB * MiB) / valueBytes;
/** Parts of the snapshot that are there when something happens. */
const cutsAt = [0.2, 0.5, 0.8];
const killAt = 0.35;
/** To find out that it is behind, to ask around, to dial again, to find another source. */
const overheadSeconds = 10;
const timesMax = 3;
/**
 * Of who gives, beyond what it had: what is queued for two peers in two lanes, chunks that are
 * read, and the garbage of two threads. Of who is back, beyond a process without a replica and the
 * bytes of the state: the same, what each value costs beside its bytes, and pieces that were loaded
 * and are not yet collected.
 */
const growthMiBMax = { source: 256, follower: 512 };
const linkSpeedMs = values.small ? 1_000 : 2_000;
const forgettingMs = 1_000;
const followerLag = 200;
const cacheBytesMax = 64 * 1024;

const folder = mkdtempSync(join(tmpdir(), 'rsl-behind-'));
const followerId = 3;
const ids = [1, 2, followerId];
const others = ids.filter((id) => id !== followerId);
const listens = await freeAddresses(ids.length);
const members = ids.map((id, i) => ({ id, addresses: { tcp: listens[i] as string } }));
const listenOf = (id: number): string => listens[ids.indexOf(id)] as string;
/** Between the follower and each of the others, one for each who may dial. */
const links = new Map(
  await Promise.all(
    others.map(async (id) => {
      const [out, back] = await Promise.all([
        Proxy.open(listenOf(id)),
        Proxy.open(listenOf(followerId)),
      ]);
      return [id, { out, back }] as const;
    }),
  ),
);

function setupOf(id: number): Setup {
  const link = links.get(id);
  const routes =
    link === undefined
      ? Object.fromEntries([...links].map(([other, { out }]) => [other, out.address]))
      : { [followerId]: link.back.address };
  return {
    id,
    folder: join(folder, String(id)),
    members,
    listen: listenOf(id),
    routes,
    valueBytes,
    limits: { cacheBytesMax },
    // Only when it is told to; and nothing of the log is kept that need not be.
    snapshots: { everySlots: 0, everyBytes: 0, keep: 1, spareSnapshots: 0, retainSlots: 0 },
  };
}

/** From each of the others to the follower. */
const received = (id: number): number => {
  const link = links.get(id);
  return link === undefined ? 0 : link.out.bytes.back + link.back.bytes.there;
};

const remotes = new Map<number, Remote>();
const start = (id: number): Remote => {
  const remote = new Remote(setupOf(id));
  remotes.set(id, remote);
  return remote;
};
const at = (id: number): Remote => remotes.get(id) as Remote;

/** Before anybody has anything else to do. */
async function speeds(): Promise<{ link: number; disk: number }> {
  const [from, to] = [others[0] as number, followerId];
  const question = { kind: 'link', from, to, ms: linkSpeedMs } as const;
  const [, link] = await Promise.all([from, to].map((id) => at(id).ask(question)));
  const bytes = Math.min(stateMiB, 256) * MiB;
  const disk = await at(to).ask({ kind: 'disk', bytes });
  return { link: link as number, disk };
}

/** Two have a state and a snapshot of it, and no log; the third was never there. */
async function prepare(): Promise<number> {
  const there = others.map(at);
  await Promise.all([...remotes.values()].map((remote) => remote.ask({ kind: 'open' })));
  await there[0]?.ask({ kind: 'bootstrap' });
  await settled([await leading([...remotes.values()]), at(followerId)]);
  const through = (await at(followerId).ask({ kind: 'moment' })).executedThrough;
  await at(followerId).ask({ kind: 'close' });
  await at(followerId).kill();
  const leader = await leading(there);
  await leader.ask({ kind: 'fill', from: 0, count: keys });
  // A leader teaches from memory what its log has lost: it is given other things to remember.
  await leader.ask({ kind: 'most', load: { perSecond, commandBytes, keys }, ms: forgettingMs });
  await settled([leader, ...there]);
  const saved = await saveAlike(there);
  await Promise.all(
    there.map((remote) =>
      until('its log is cut', async () => {
        const { firstSlot } = await remote.ask({ kind: 'moment' });
        return firstSlot > through + 1 || undefined;
      }),
    ),
  );
  return saved[0]?.bytes ?? 0;
}

/** Of the same slot, so that one can be gone on with from the other. */
async function saveAlike(there: readonly Remote[]): Promise<readonly Given['save'][]> {
  for (;;) {
    const saved = await Promise.all(there.map((remote) => remote.ask({ kind: 'save' })));
    if (saved.every(({ digest }) => digest === saved[0]?.digest)) return saved;
    await settled(there);
  }
}

interface Disturbed {
  readonly cuts: number;
  readonly killed: number;
}

/** Cuts and kills at their time, which is when so much has come. */
async function disturb(bytes: number, beganAt: number): Promise<Disturbed> {
  const share = (): number => (others.reduce((sum, id) => sum + received(id), 0) - beganAt) / bytes;
  const events = [...cutsAt.map((part) => ({ part, kills: false })), { part: killAt, kills: true }];
  let killed = 0;
  for (const { kills, part } of events.sort((a, b) => a.part - b.part)) {
    await until(`${100 * part} %`, () => share() >= part || undefined);
    if (kills) killed = await killGiver();
    else for (const { back, out } of links.values()) for (const one of [back, out]) one.cut();
  }
  return { cuts: cutsAt.length, killed };
}

/** Whoever has given most of late. */
async function killGiver(): Promise<number> {
  const before = others.map(received);
  await sleep(20);
  const gave = others.map((id, i) => received(id) - (before[i] as number));
  const id = others[gave.indexOf(Math.max(...gave))] as number;
  await at(id).kill();
  return id;
}

const survivor = (killed: number): Remote => at(others.find((id) => id !== killed) as number);

async function comeBack(snapshotBytes: number) {
  // At both, for one of them will not be there at the end.
  const load = { perSecond: perSecond / others.length, commandBytes, keys };
  await Promise.all(others.map((id) => at(id).ask({ kind: 'load', load })));
  const beganAt = others.reduce((sum, id) => sum + received(id), 0);
  const before = others.map((id) => at(id).memoryBytes);
  const watches = others.map((id) => at(id).watchMemory());
  const follower = start(followerId);
  const mostBytes = follower.watchMemory();
  const fromMs = performance.now();
  const disturbed = disturb(snapshotBytes, beganAt);
  disturbed.catch(() => {});
  await follower.ask({ kind: 'open' });
  let copiedMs = 0;
  await until('it is back', async () => {
    const mine = await follower.ask({ kind: 'moment' });
    if (mine.values > 0) copiedMs ||= performance.now() - fromMs;
    if (mine.values < keys) return undefined;
    const { killed } = await disturbed;
    const theirs = await survivor(killed).ask({ kind: 'moment' });
    return mine.executedThrough + followerLag >= theirs.executedThrough || undefined;
  });
  const seconds = (performance.now() - fromMs) / 1_000;
  const growthBytes = watches.map((most, i) => most() - (before[i] as number));
  const { cuts, killed } = await disturbed;
  return {
    cuts,
    killed,
    copiedSeconds: rounded(copiedMs / 1_000),
    seconds: rounded(seconds),
    sourceGrowthMiB: Math.round(Math.max(...growthBytes) / MiB),
    followerMiB: Math.round(mostBytes() / MiB),
    load: await survivor(killed).ask({ kind: 'unload' }),
  };
}

const rounded = (of: number): number => Number(of.toFixed(1));
const mibPerSecond = (of: number): number => Math.round(of / MiB);

let isGood = false;
try {
  for (const id of ids) start(id);
  const { disk, link } = await speeds();
  const baseMiB = Math.round(at(followerId).memoryBytes / MiB);
  const snapshotBytes = await prepare();
  const back = await comeBack(snapshotBytes);
  const limit = Math.min(link, disk);
  const secondsMax = rounded((timesMax * snapshotBytes) / limit + overheadSeconds);
  const followerGrowthMiB = back.followerMiB - baseMiB - Math.round(snapshotBytes / MiB);
  const isSoon = back.seconds <= secondsMax;
  const isSmall =
    back.sourceGrowthMiB <= growthMiBMax.source && followerGrowthMiB <= growthMiBMax.follower;
  isGood = isSoon && isSmall;
  const report = {
    stateMiB,
    snapshotMiB: Math.round(snapshotBytes / MiB),
    linkMiBPerSecond: mibPerSecond(link),
    diskMiBPerSecond: mibPerSecond(disk),
    limitedBy: link < disk ? 'link' : 'disk',
    ...back,
    secondsMax,
    followerGrowthMiB,
    growthMiBMax,
    isGood,
  };
  const { load, growthMiBMax: _, ...flat } = report;
  console.table(flat);
  console.table(load);
  console.log(JSON.stringify(report));
} finally {
  await Promise.all([...remotes.values()].map((remote) => remote.kill()));
  for (const { back, out } of links.values()) for (const one of [back, out]) one.close();
  rmSync(folder, { recursive: true, force: true });
}
process.exit(isGood ? 0 : 1);
