// How long nobody can write when the leader goes, and that nothing acknowledged is missing then.
// Three server processes; the leader is killed (-9), stopped (SIGSTOP), or cut off without a reset
// (network namespaces, where it is root), in turn, under load. The last line is JSON.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Redis } from 'ioredis';
import { localHosts, NamespaceHosts, whyNoNamespaces } from '../lib/hosts.ts';
import { leaderOf, median, type Server, serversOn, statusOf, until } from '../lib/servers.ts';

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '20' } } });
const rounds = Number(values.rounds);
if (!Number.isSafeInteger(rounds) || rounds < 1) {
  console.error(`--rounds: an integer from 1, not ${values.rounds}`);
  process.exit(2);
}

const medianMsMax = 1_000;
const writersPerServer = 8;

type Kind = 'kill' | 'stop' | 'cut';

/** Writes a key of its own, again and again, and remembers which were acknowledged. */
class Load {
  readonly server: Server;
  readonly client: Redis;
  readonly acknowledged: string[] = [];
  errors = 0;
  #running = true;
  #sent = 0;
  /** Called for every acknowledgement, with the time at which the write was sent. */
  onAcknowledged: (sentAtMs: number) => void = () => {};

  constructor(server: Server) {
    this.server = server;
    this.client = server.client();
    for (let i = 0; i < writersPerServer; i += 1) void this.#write();
  }

  stop(): void {
    this.#running = false;
  }

  async #write(): Promise<void> {
    while (this.#running) {
      this.#sent += 1;
      const key = `s${this.server.id}:${this.#sent}`;
      const sentAtMs = performance.now();
      try {
        await this.client.set(key, key);
        this.acknowledged.push(key);
        this.onAcknowledged(sentAtMs);
      } catch {
        this.errors += 1;
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    }
  }
}

const reason = whyNoNamespaces();
const kinds: readonly Kind[] = reason === undefined ? ['kill', 'stop', 'cut'] : ['kill', 'stop'];
if (reason !== undefined) console.log(`without cutting off: ${reason}`);
const namespaces = reason === undefined ? new NamespaceHosts(3) : undefined;
const directory = mkdtempSync(join(tmpdir(), 'rsl-failover-'));
const hosts = namespaces?.hosts ?? localHosts(3);
const servers = serversOn({ hosts, directory, firstPort: 27_400 });
const downMs: Record<Kind, number[]> = { kill: [], stop: [], cut: [] };
let loads: Load[] = [];

try {
  for (const server of servers) mkdirSync(server.options.directory, { recursive: true });
  for (const server of servers) server.start();
  loads = servers.map((server) => new Load(server));
  await leaderOf(loads.map(({ client }) => client));
  for (let round = 0; round < rounds; round += 1)
    await play(round, kinds[round % kinds.length] as Kind);
  for (const load of loads) load.stop();
  await finish();
} finally {
  for (const load of loads) load.client.disconnect();
  await Promise.all(servers.map((server) => server.end('SIGKILL')));
  namespaces?.remove();
  rmSync(directory, { recursive: true, force: true });
}

async function play(round: number, kind: Kind): Promise<void> {
  const leader = await leaderOf(loads.map(({ client }) => client));
  const victim = leader - 1;
  const others = loads.filter((_, i) => i !== victim);
  const faultAtMs = performance.now();
  const resumed = new Promise<number>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`${kind}: no write within 30 s`)), 30_000);
    for (const load of others) {
      load.onAcknowledged = (sentAtMs) => {
        if (sentAtMs < faultAtMs) return;
        clearTimeout(timer);
        resolve(performance.now() - faultAtMs);
      };
    }
  });
  harm(victim, kind);
  const tookMs = Math.round(await resumed);
  for (const load of others) load.onAcknowledged = () => {};
  downMs[kind].push(tookMs);
  console.log(`round ${round + 1}: ${kind} leader ${leader}: writes resume after ${tookMs} ms`);
  mend(victim, kind);
  await until(`replica ${leader} has caught up`, async () => {
    const [mine, others_] = await Promise.all([
      statusOf((loads[victim] as Load).client),
      statusOf((others[0] as Load).client),
    ]);
    return mine.leader === others_.leader && mine.executedThrough + 100 >= others_.executedThrough;
  });
}

function harm(victim: number, kind: Kind): void {
  if (kind === 'cut') namespaces?.cut(victim);
  else servers[victim]?.signal(kind === 'kill' ? 'SIGKILL' : 'SIGSTOP');
}

function mend(victim: number, kind: Kind): void {
  if (kind === 'cut') namespaces?.join(victim);
  else if (kind === 'stop') servers[victim]?.signal('SIGCONT');
  else servers[victim]?.start();
}

/** Every acknowledged write is read back, through every server. */
async function finish(): Promise<void> {
  const keys = loads.flatMap(({ acknowledged }) => acknowledged);
  let missing = 0;
  for (const { client } of loads) {
    for (let at = 0; at < keys.length; at += 1_000) {
      const some = keys.slice(at, at + 1_000);
      const found = await client.mget(...some);
      missing += some.filter((key, i) => found[i] !== key).length;
    }
  }
  const perKind = Object.fromEntries(
    kinds.map((kind) => [
      kind,
      {
        rounds: downMs[kind].length,
        medianMs: median(downMs[kind]),
        worstMs: Math.max(...downMs[kind]),
      },
    ]),
  );
  const all = Object.values(downMs).flat();
  const medianMs = median(all);
  const errors = loads.reduce((sum, load) => sum + load.errors, 0);
  console.log(
    JSON.stringify({
      rounds,
      ...perKind,
      medianMs,
      medianMsMax,
      acknowledged: keys.length,
      missing,
      errors,
    }),
  );
  const slow = kinds.some((kind) => downMs[kind].length > 0 && median(downMs[kind]) >= medianMsMax);
  if (missing > 0 || slow) process.exitCode = 1;
}
