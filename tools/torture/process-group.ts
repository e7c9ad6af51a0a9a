import { mkdirSync, readFileSync } from 'node:fs';
import { localHosts, NamespaceHosts } from '../lib/hosts.ts';
import type { Endpoint } from '../lib/resp-connection.ts';
import { type Build, type Server, serversOn } from '../lib/servers.ts';
import type { Group } from './group.ts';
import { type Fault, type Faulty, isCut } from './schedule.ts';

export interface ProcessGroupOptions {
  readonly replicas: number;
  readonly directory: string;
  readonly firstPort: number;
  readonly build: Build;
  /** As `--lease` of the server says it; none unless given. */
  readonly lease?: string;
  readonly snapshotEverySlots: number;
  /** Each with a network of its own, so that it can be cut off. */
  readonly withNetworks: boolean;
}

/** Server processes on real files, and everything that is done to them. */
export class ProcessGroup implements Group, Faulty {
  readonly endpoints: readonly Endpoint[];
  readonly sessionAddresses: readonly string[];
  readonly performed: Record<string, number> = {};
  readonly #servers: readonly Server[];
  readonly #namespaces: NamespaceHosts | undefined;
  /** How many faults do the same just now: the last of them to end undoes it. */
  readonly #active = new Map<string, number>();

  constructor(options: ProcessGroupOptions) {
    const { replicas, directory, firstPort, build, lease, withNetworks } = options;
    const { snapshotEverySlots } = options;
    this.#namespaces = withNetworks ? new NamespaceHosts(replicas) : undefined;
    const hosts = this.#namespaces?.hosts ?? localHosts(replicas);
    this.#servers = serversOn({
      hosts,
      directory,
      firstPort,
      build,
      snapshotEverySlots,
      ...(lease === undefined ? {} : { lease }),
    });
    this.endpoints = this.#servers.map(({ options: { host, clientPort } }) => ({
      host: host.address,
      port: clientPort,
    }));
    this.sessionAddresses = this.#servers.map(
      ({ options: { host, sessionPort } }) => `${host.address}:${sessionPort}`,
    );
  }

  get unexpectedEnds(): readonly string[] {
    return this.#servers.flatMap(({ unexpectedEnds }) => unexpectedEnds);
  }

  /** How often each happened to snapshots, by what the replicas wrote into their logs. */
  get snapshots(): Readonly<Record<'saved' | 'copied' | 'loaded', number>> {
    const all = this.#servers.map(({ options }) => readFileSync(options.logFile, 'utf8')).join();
    const times = (what: string): number => all.split(`"msg":"${what}"`).length - 1;
    return {
      saved: times('a snapshot was saved'),
      copied: times('a snapshot was copied from another replica'),
      loaded: times('a snapshot was loaded'),
    };
  }

  start(): void {
    for (const server of this.#servers) {
      mkdirSync(server.options.directory, { recursive: true });
      server.start();
    }
  }

  begin(fault: Fault): void {
    if (isCut(fault) && this.#namespaces === undefined) return;
    const isOfAll = fault.replicas.length === this.#servers.length;
    const name = isOfAll ? `${fault.kind} all` : fault.kind;
    this.performed[name] = (this.performed[name] ?? 0) + 1;
    switch (fault.kind) {
      case 'kill':
        return this.#signal(fault, 'SIGKILL');
      case 'stop':
        return this.#signal(fault, 'SIGSTOP');
      case 'terminate':
        return this.#signal(fault, 'SIGTERM');
      default:
        return this.#cut(fault, 1);
    }
  }

  end(fault: Fault): void {
    if (isCut(fault)) {
      if (this.#namespaces !== undefined) this.#cut(fault, -1);
      return;
    }
    for (const i of fault.replicas) {
      const isLast = this.#count(`${fault.kind} ${i}`, -1) === 0;
      if (!isLast) continue;
      if (fault.kind === 'stop') this.#servers[i]?.signal('SIGCONT');
      else void this.#restart(i);
    }
  }

  /** Every fault has ended; whatever is not running by now is started. */
  async heal(): Promise<void> {
    for (const server of this.#servers) server.signal('SIGCONT');
    await Promise.all(this.#servers.map((_, i) => this.#restart(i)));
  }

  async close(): Promise<void> {
    await Promise.all(this.#servers.map((server) => server.kill()));
    this.#namespaces?.remove();
  }

  #signal(fault: Fault, signal: NodeJS.Signals): void {
    for (const i of fault.replicas) {
      this.#count(`${fault.kind} ${i}`, 1);
      this.#servers[i]?.signal(signal);
    }
  }

  /** One that has been told to end but has not yet is killed: its time was up. */
  async #restart(i: number): Promise<void> {
    const server = this.#servers[i];
    if (server === undefined) return;
    if (server.isEnding) await server.kill();
    if (!server.isRunning) server.start();
  }

  #cut({ kind, replicas }: Fault, by: 1 | -1): void {
    if (kind === 'cut') {
      for (const i of replicas) this.#link(i, by);
      return;
    }
    const inside = new Set(replicas);
    for (const a of this.#servers.keys()) {
      for (const b of this.#servers.keys()) {
        if (a !== b && isDropped(kind, inside.has(a), inside.has(b))) this.#drop(a, b, by);
      }
    }
  }

  #link(i: number, by: 1 | -1): void {
    const count = this.#count(`cut ${i}`, by);
    if (by === 1 && count === 1) this.#namespaces?.cut(i);
    if (by === -1 && count === 0) this.#namespaces?.join(i);
  }

  #drop(from: number, to: number, by: 1 | -1): void {
    const count = this.#count(`drop ${from} to ${to}`, by);
    if (by === 1 && count === 1) this.#namespaces?.drop(from, to);
    if (by === -1 && count === 0) this.#namespaces?.pass(from, to);
  }

  #count(what: string, by: 1 | -1): number {
    const count = (this.#active.get(what) ?? 0) + by;
    this.#active.set(what, count);
    return count;
  }
}

/** Whether this kind of cut drops what goes from one to another, given who is meant by it. */
function isDropped(kind: Fault['kind'], isFrom: boolean, isTo: boolean): boolean {
  switch (kind) {
    case 'cut-peers':
      return isFrom !== isTo;
    case 'cut-in':
      return !isFrom && isTo;
    case 'cut-out':
      return isFrom && !isTo;
    case 'cut-pair':
      return isFrom && isTo;
    default:
      return false;
  }
}
