// What saving costs who is served meanwhile: three processes, each with a replica, its engine on a
// thread, its log and snapshots in files, one machine. Commands are due at a steady rate, half of
// what gets through, at the leader; while one after the other saves its whole state, and while
// nobody does, twice. Fails if throughput dips or latencies rise too much. The last line is JSON.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { freeAddresses } from './ports.ts';
import { leading, Remote, settled } from './remote.ts';
import type { Load, Phase } from './words.ts';

const { values } = parseArgs({
  options: {
    small: { type: 'boolean', default: false },
    'state-mib': { type: 'string' },
    'quiet-seconds': { type: 'string' },
  },
});

const MiB = 1024 * 1024;
const stateMiB = Number(values['state-mib'] ?? (values.small ? 32 : 1_024));
/** How long nobody saves. */
const quietMs = 1_000 * Number(values['quiet-seconds'] ?? (values.small ? 2 : 20));
if (!Number.isSafeInteger(stateMiB) || stateMiB < 1 || !(quietMs >= 1_000)) {
  console.error('--state-mib: an integer from 1; --quiet-seconds: from 1');
  process.exit(2);
}

const valueBytes = 1_024;
const commandBytes = 100;
const keys = (stateMiB * MiB) / valueBytes;
/** With --small it is only seen whether it works: the machine may be doing other things. */
const dipMax = values.small ? 0.5 : 0.1;
const p99RatioMax = values.small ? 50 : 2;
const mostMs = values.small ? 2_000 : 6_000;
const betweenMs = values.small ? 500 : 1_000;

interface Save {
  readonly id: number;
  readonly leads: boolean;
  readonly bytes: number;
  readonly ms: number;
  readonly phase: string;
}

const folder = mkdtempSync(join(tmpdir(), 'rsl-saving-'));
const ids = [1, 2, 3];
const addresses = await freeAddresses(ids.length);
const members = ids.map((id, i) => ({ id, addresses: { tcp: addresses[i] as string } }));
const remotes = ids.map(
  (id, i) =>
    new Remote({
      id,
      folder: join(folder, String(id)),
      members,
      listen: addresses[i] as string,
      routes: {},
      valueBytes,
      // Only when it is told to; one is enough, and leaves room on the disk.
      snapshots: { everySlots: 0, everyBytes: 0, keep: 1, spareSnapshots: 0 },
    }),
);

async function measure(): Promise<boolean> {
  await Promise.all(remotes.map((remote) => remote.ask({ kind: 'open' })));
  await remotes[0]?.ask({ kind: 'bootstrap' });
  const leader = await leading(remotes);
  await leader.ask({ kind: 'fill', from: 0, count: keys });
  await settled([leader, ...remotes]);

  const load = { commandBytes, keys };
  const most = await leader.ask({
    kind: 'most',
    load: { ...load, perSecond: 0 },
    ms: mostMs,
  });
  await settled([leader, ...remotes]);
  const perSecond = Math.floor(most / 2);
  const { phases, saves } = await underLoad(leader, { ...load, perSecond });
  return told({ most, perSecond, phases, saves });
}

async function underLoad(
  leader: Remote,
  load: Load,
): Promise<{ phases: Readonly<Record<string, Phase>>; saves: Save[] }> {
  const phase = (name: string) => leader.ask({ kind: 'phase', name });
  const saves: Save[] = [];
  await leader.ask({ kind: 'load', load });
  await sleep(2 * betweenMs);
  for (const round of [1, 2]) {
    await phase(`${round} nobody saves`);
    await sleep(quietMs);
    for (const remote of remotes) {
      const leads = remote === leader;
      const name = `${round} ${remote.id} saves${leads ? ', the leader' : ''}`;
      await phase(name);
      const { bytes, ms } = await remote.ask({ kind: 'save' });
      saves.push({ id: remote.id, leads, bytes, ms, phase: name });
      // What was due just before the end waits for what the save has left behind.
      await phase(`${round} after ${remote.id}`);
      await sleep(betweenMs);
    }
  }
  return { phases: await leader.ask({ kind: 'unload' }), saves };
}

interface Measured {
  readonly most: number;
  readonly perSecond: number;
  readonly phases: Readonly<Record<string, Phase>>;
  readonly saves: readonly Save[];
}

/** Prints all of it; true if nothing is beyond its bar. */
function told({ most, perSecond, phases, saves }: Measured): boolean {
  console.table(phases);
  console.table(saves);
  const all = Object.entries(phases);
  const quiet = all.filter(([name]) => name.endsWith('nobody saves')).map(([, phase]) => phase);
  const during = saves.map(({ phase }) => phases[phase] as Phase);
  const quietPerSecond = mean(quiet.map((phase) => phase.acknowledgedPerSecond));
  const slowest = Math.min(...during.map((phase) => phase.acknowledgedPerSecond));
  const dip = rounded(1 - slowest / quietPerSecond);
  const p99Ms = {
    quiet: rounded(mean(quiet.map((phase) => phase.p99Ms))),
    saving: Math.max(...during.map((phase) => phase.p99Ms)),
  };
  const p99Ratio = rounded(p99Ms.saving / p99Ms.quiet);
  const errors = all.reduce((sum, [, phase]) => sum + phase.errors, 0);
  const isGood = dip <= dipMax && p99Ratio <= p99RatioMax && errors === 0;
  const bars = { dip, dipMax, p99Ms, p99Ratio, p99RatioMax, errors };
  console.log(JSON.stringify({ stateMiB, most, perSecond, phases, saves, ...bars, isGood }));
  return isGood;
}

const mean = (of: readonly number[]): number => of.reduce((sum, one) => sum + one, 0) / of.length;
const rounded = (of: number): number => Number(of.toFixed(3));

let isGood = false;
try {
  isGood = await measure();
} finally {
  await Promise.all(remotes.map((remote) => remote.kill()));
  rmSync(folder, { recursive: true, force: true });
}
process.exit(isGood ? 0 : 1);
