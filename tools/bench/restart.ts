// What a long history costs at a start: three replicas in one process, each with a log in files and
// snapshots of a state that stays as large as it is. Ever longer histories; after each, one replica
// is closed and started again, at several places between two saves. Fails unless time and bytes
// stay as they are. The last line is JSON.
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Replica, startReplica } from '@rsl/core';
import { MemoryNetwork, memoryTransport } from '@rsl/core/testing';
import { fileLog } from '@rsl/log-file';
import { fileSnapshots, snapshots } from '@rsl/snapshot';
import { executedThrough, leaderOf } from './wait.ts';
import { patchOf, Values } from './values.ts';

const { values } = parseArgs({ options: { small: { type: 'boolean', default: false } } });

const MiB = 1024 * 1024;
const histories = values.small ? [1e5, 2e5, 4e5] : [1e5, 1e6, 1e7];
/** The longest history may cost so many times what the shortest does. */
const growthMax = 2;
const keys = 10_000;
const valueBytes = 100;
const commandsPerCall = 1_000;
const callsAtATime = 20;
const commandsPerSlotMax = 256;
const timeoutMs = 60_000;
/** Spread over what is executed between two saves: what is to be replayed is never the same. */
const restarts = 7;
/** The shortest history is longer than what is executed between two saves. */
const everyBytes = 1 * MiB;
const commandBytes = 25;

const members = [1, 2, 3].map((id) => ({ id, addresses: { memory: `memory:${id}` } }));
const measured = 3;

interface Row {
  readonly commands: number;
  readonly slots: number;
  readonly commandsPerSecond: number;
  readonly restartMsMedian: number;
  readonly restartMsMax: number;
  readonly replayedSlotsMax: number;
  readonly logBytesMax: number;
  readonly snapshotBytesMax: number;
}

const folder = mkdtempSync(join(tmpdir(), 'rsl-restart-'));
const network = new MemoryNetwork();
const replicas = new Map<number, Replica>();
const folderOf = (id: number, what: string): string => join(folder, String(id), what);

async function start(id: number): Promise<void> {
  const store = fileSnapshots(folderOf(id, 'snapshots'));
  const replica = await startReplica({
    group: 'restarted',
    self: id,
    stateMachine: new Values({ valueBytes }),
    log: fileLog(folderOf(id, 'log'), { segmentBytes: MiB / 4 }),
    transport: memoryTransport(network, `memory:${id}`),
    // Nobody is behind for long; what stays of the log is not what is looked at.
    layers: [snapshots({ store, everySlots: 0, everyBytes, retainBytes: MiB / 4 })],
    peers: members.filter((member) => member.id !== id),
    limits: { batchCommandsMax: commandsPerSlotMax },
  });
  replicas.set(id, replica);
}

/** So many commands more, at the leader. */
async function drive(commands: number): Promise<void> {
  const leader = await leaderOf(replicas);
  const calls = Math.ceil(commands / commandsPerCall);
  let begun = 0;
  const run = async (): Promise<void> => {
    while (begun < calls) {
      begun += 1;
      await call(leader, begun);
    }
  };
  await Promise.all(Array.from({ length: callsAtATime }, run));
  await executedThrough(replicas, leader.executedThrough);
}

function call(leader: Replica, number: number): Promise<void> {
  const commands = Array.from({ length: commandsPerCall }, (_, i) =>
    patchOf((number * commandsPerCall + i * 7_919) % keys, commandBytes),
  );
  return new Promise((resolve, reject) => {
    let left = commands.length;
    const result = (): void => {
      left -= 1;
      if (left === 0) resolve();
    };
    const error = (_: number, cause: Error): void => reject(cause);
    leader.proposeMany(commands, { result, error }, { timeoutMs });
  });
}

async function restart(): Promise<{ readonly ms: number; readonly replayedSlots: number }> {
  const before = replicas.get(measured) as Replica;
  const through = before.executedThrough;
  await before.close();
  replicas.delete(measured);
  const newest = Math.max(0, ...slotsSaved());
  const fromMs = performance.now();
  await start(measured);
  await executedThrough(replicas, through);
  return { ms: performance.now() - fromMs, replayedSlots: through - newest };
}

const slotsSaved = (): number[] =>
  readdirSync(folderOf(measured, 'snapshots')).map((name) =>
    Number(/^(\d+)\.snapshot$/.exec(name)?.[1] ?? 0),
  );

const bytesIn = (what: string): number =>
  readdirSync(folderOf(measured, what), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, { parentPath, name }) => sum + statSync(join(parentPath, name)).size, 0);

/** What is measured, once the history is so long. */
async function measure(commands: number, commandsPerSecond: number): Promise<Row> {
  const step = Math.ceil(everyBytes / commandBytes / restarts);
  const found: { ms: number; replayedSlots: number; log: number; snapshots: number }[] = [];
  for (let i = 0; i < restarts; i += 1) {
    await drive(step);
    found.push({ ...(await restart()), log: bytesIn('log'), snapshots: bytesIn('snapshots') });
  }
  const ms = found.map((one) => one.ms).sort((a, b) => a - b);
  return {
    commands,
    slots: (replicas.get(measured) as Replica).executedThrough,
    commandsPerSecond: Math.round(commandsPerSecond),
    restartMsMedian: Math.round(ms[Math.floor(restarts / 2)] ?? 0),
    restartMsMax: Math.round(ms.at(-1) ?? 0),
    replayedSlotsMax: Math.max(...found.map((one) => one.replayedSlots)),
    logBytesMax: Math.max(...found.map((one) => one.log)),
    snapshotBytesMax: Math.max(...found.map((one) => one.snapshots)),
  };
}

const rows: Row[] = [];
try {
  await Promise.all(members.map(({ id }) => start(id)));
  await (replicas.get(1) as Replica).bootstrap(members);
  let done = 0;
  for (const commands of histories) {
    const fromMs = performance.now();
    await drive(commands - done);
    const perSecond = (1_000 * (commands - done)) / (performance.now() - fromMs);
    done = commands;
    rows.push(await measure(commands, perSecond));
  }
} finally {
  await Promise.all([...replicas.values()].map((replica) => replica.close()));
  rmSync(folder, { recursive: true, force: true });
}
console.table(rows);
const growth = (of: (row: Row) => number): number => {
  const [first, last] = [rows[0], rows.at(-1)] as [Row, Row];
  return Number((of(last) / of(first)).toFixed(2));
};
const grew = {
  restartMs: growth((row) => row.restartMsMedian),
  bytes: growth((row) => row.logBytesMax + row.snapshotBytesMax),
};
const isGood = Math.max(grew.restartMs, grew.bytes) <= growthMax;
console.log(JSON.stringify({ keys, valueBytes, everyBytes, rows, grew, growthMax, isGood }));
process.exit(isGood ? 0 : 1);
