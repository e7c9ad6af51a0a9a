import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { ReplicaStatus } from '@rsl/core';
import { Redis } from 'ioredis';
import type { Host } from './hosts.ts';

export type Build = 'production' | 'development';

const mainOf = (build: Build): string =>
  fileURLToPath(new URL(`../../apps/server/dist/${build}/main.js`, import.meta.url));

export interface ServerOptions {
  readonly id: number;
  readonly host: Host;
  readonly peerPort: number;
  readonly clientPort: number;
  /** For clients with sessions. */
  readonly sessionPort: number;
  readonly directory: string;
  /** Beside the directory, unless given. */
  readonly logFile: string;
  readonly members: string;
  /** Production, unless given; development has contracts. */
  readonly build?: Build;
  /** As `--lease` of the server says it; none unless given. */
  readonly lease?: string;
  /** A snapshot after so many slots, a tenth of which stay in the log; unless the usual. */
  readonly snapshotEverySlots?: number;
  /** Of its process, besides ours. */
  readonly environment?: Readonly<Record<string, string>>;
}

/** One server process of a test, with whatever happens to it. */
export class Server {
  readonly options: ServerOptions;
  #process: ChildProcess | undefined;
  #wasSignalled = false;
  /** How it ended when nobody had asked it to. */
  readonly unexpectedEnds: string[] = [];

  constructor(options: ServerOptions) {
    this.options = options;
  }

  get id(): number {
    return this.options.id;
  }

  get pid(): number {
    return this.#process?.pid ?? 0;
  }

  /** The same with its data somewhere else. */
  withDirectory(directory: string): Server {
    return new Server({ ...this.options, directory });
  }

  get isRunning(): boolean {
    const child = this.#process;
    return child !== undefined && child.exitCode === null && child.signalCode === null;
  }

  /** It has been told to end, and has not yet. */
  get isEnding(): boolean {
    return this.isRunning && this.#wasSignalled;
  }

  start(): void {
    const { id, host, members, directory, clientPort, sessionPort, lease } = this.options;
    const { build = 'production', snapshotEverySlots: every } = this.options;
    const args = ['start', '--id', String(id), '--members', members, '--data', directory];
    args.push('--client', `${host.address}:${clientPort}`, '--allow-plaintext');
    args.push('--clients', `${host.address}:${sessionPort}`);
    if (id === 1) args.push('--bootstrap');
    if (lease !== undefined) args.push('--lease', lease);
    if (every !== undefined) {
      args.push(
        '--snapshot-every-slots',
        `${every}`,
        '--retain-slots',
        `${Math.floor(every / 10)}`,
      );
    }
    const node = [process.execPath, ...(build === 'development' ? ['-C', 'development'] : [])];
    const [command = '', ...rest] = [...host.prefix, ...node, mainOf(build), ...args];
    const env = { ...process.env, ...this.options.environment };
    const child = spawn(command, rest, { stdio: ['ignore', 'pipe', 'pipe'], env });
    this.#wasSignalled = false;
    child.once('exit', (code, signal) => {
      if (!this.#wasSignalled) this.unexpectedEnds.push(`replica ${id}: ${signal ?? code}`);
    });
    const log = createWriteStream(this.options.logFile, { flags: 'a' });
    child.stdout.pipe(log);
    child.stderr.pipe(log);
    this.#process = child;
  }

  signal(signal: NodeJS.Signals): void {
    if (signal !== 'SIGSTOP' && signal !== 'SIGCONT') this.#wasSignalled = true;
    this.#process?.kill(signal);
  }

  /** As `kill -9` does it, also while it is stopped; waits until it is gone. */
  async kill(): Promise<void> {
    const child = this.#process;
    if (child === undefined || !this.isRunning) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    this.signal('SIGKILL');
    await gone;
  }

  /** Ends it and waits until it is gone. */
  async end(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    const child = this.#process;
    if (child === undefined || !this.isRunning) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    this.signal('SIGCONT');
    this.signal(signal);
    await gone;
  }

  /** A client that gives up early and says so, and never sends a command twice. */
  client(): Redis {
    const { host, clientPort } = this.options;
    const redis = new Redis({
      host: host.address,
      port: clientPort,
      enableOfflineQueue: false,
      autoResendUnfulfilledCommands: false,
      maxRetriesPerRequest: 0,
      retryStrategy: () => 50,
      connectTimeout: 1_000,
      commandTimeout: 5_000,
      lazyConnect: false,
    });
    redis.on('error', () => {});
    return redis;
  }

  /** Resident memory, in bytes. */
  memoryBytes(): number {
    const status = readFileSync(`/proc/${this.pid}/status`, 'utf8');
    return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? 0) * 1024;
  }
}

export async function statusOf(client: Redis): Promise<ReplicaStatus> {
  return JSON.parse(String(await client.call('RSL.STATUS'))) as ReplicaStatus;
}

export interface ServersOptions {
  readonly hosts: readonly Host[];
  readonly directory: string;
  readonly firstPort: number;
  readonly build?: Build;
  readonly lease?: string;
  readonly snapshotEverySlots?: number;
  readonly environment?: Readonly<Record<string, string>>;
}

export function serversOn(options: ServersOptions): Server[] {
  const { hosts, directory, firstPort, build = 'production', environment = {} } = options;
  const { lease, snapshotEverySlots } = options;
  const peerPort = (i: number): number => firstPort + i;
  const sessionPort = (i: number): number => firstPort + 50 + i;
  const members = hosts
    .map(({ address }, i) => `${i + 1}=${address}:${peerPort(i)}/${address}:${sessionPort(i)}`)
    .join(',');
  return hosts.map(
    (host, i) =>
      new Server({
        id: i + 1,
        host,
        peerPort: peerPort(i),
        clientPort: firstPort + 100 + i,
        sessionPort: sessionPort(i),
        directory: `${directory}/${i + 1}`,
        logFile: `${directory}/${i + 1}.log`,
        members,
        build,
        environment,
        ...(lease === undefined ? {} : { lease }),
        ...(snapshotEverySlots === undefined ? {} : { snapshotEverySlots }),
      }),
  );
}

const deadlineMs = 60_000;

/** Asks again and again, a little later each time; fails with `what` after a minute. */
export async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  const giveUpMs = performance.now() + deadlineMs;
  for (;;) {
    if (await holds().catch(() => false)) return;
    if (performance.now() > giveUpMs) throw new Error(`not within ${deadlineMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** The id of the leader that all of these agree on. */
export async function leaderOf(clients: readonly Redis[]): Promise<number> {
  let leader = 0;
  await until('a leader', async () => {
    const seen = await Promise.all(clients.map((client) => statusOf(client)));
    leader = seen[0]?.leader ?? 0;
    return leader !== 0 && seen.every((status) => status.leader === leader);
  });
  return leader;
}

export const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
