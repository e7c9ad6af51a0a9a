import {
  type LeaseOptions,
  type Limits,
  type Logger,
  type Replica,
  silentLogger,
  startReplica,
  type StateMachine,
  type Timings,
} from '@rsl/core';
import {
  type Client,
  type ClientOptions,
  type ClientServer,
  connectClient,
  serveClients,
} from '@rsl/core/client';
import type { Layer } from '@rsl/core/protocol';
import {
  DigestMachine,
  type MemoryClientNetwork,
  MemoryDisk,
  MemoryNetwork,
  memoryLog,
  memoryTransport,
  startReplicaBeside,
} from '@rsl/core/testing';

export interface ClusterOptions {
  readonly replicas?: number;
  readonly limits?: Partial<Limits>;
  readonly timings?: Partial<Timings>;
  readonly lease?: LeaseOptions;
  readonly machine?: (id: number) => StateMachine;
  readonly logger?: Logger;
  readonly clients?: MemoryClientNetwork;
  readonly layers?: (id: number) => readonly Layer[];
}

export const memberAt = (
  id: number,
): { id: number; addresses: { memory: string; client: string } } => ({
  id,
  addresses: { memory: `memory:${id}`, client: `client:${id}` },
});

/** How replicas of all clusters of a test file start: set by `test/apart`. */
export const mode: { isApart: boolean } = { isApart: false };

/** Replicas in one process on real time, with memory twins of every port. */
export class Cluster {
  readonly #options: ClusterOptions;
  /** Frames that get through; changed by a test that loses some. */
  arrives: (from: number, to: number, lane: 'votes' | 'bulk') => boolean = () => true;
  /** Given to every replica that is started from now on. */
  skip: readonly number[] = [];
  readonly network = new MemoryNetwork({
    fate: (from, to, lane) => (this.arrives(from, to, lane) ? [0] : []),
  });
  readonly disks = new Map<number, MemoryDisk>();
  readonly replicas = new Map<number, Replica>();
  readonly machines = new Map<number, StateMachine>();
  readonly servers = new Map<number, ClientServer>();
  readonly ids: readonly number[];

  constructor(options: ClusterOptions = {}) {
    this.#options = options;
    this.ids = Array.from({ length: options.replicas ?? 3 }, (_, i) => i + 1);
  }

  get members(): ReturnType<typeof memberAt>[] {
    return this.ids.map(memberAt);
  }

  async start(id: number): Promise<Replica> {
    const disk = this.disks.get(id) ?? new MemoryDisk();
    this.disks.set(id, disk);
    const stateMachine = this.#options.machine?.(id) ?? new DigestMachine();
    this.machines.set(id, stateMachine);
    const start = mode.isApart ? startReplicaBeside : startReplica;
    const replica = await start({
      group: 'tested',
      self: id,
      stateMachine,
      log: memoryLog({ disk }),
      transport: memoryTransport(this.network, `memory:${id}`),
      peers: this.members.filter((m) => m.id !== id),
      limits: this.#options.limits ?? {},
      timings: this.#options.timings ?? {},
      skip: this.skip,
      layers: this.#options.layers?.(id) ?? [],
      logger: this.#options.logger ?? silentLogger,
      ...(this.#options.lease === undefined ? {} : { lease: this.#options.lease }),
    });
    this.replicas.set(id, replica);
    const listen = this.#options.clients?.listener(`client:${id}`);
    if (listen !== undefined) {
      this.servers.set(id, await serveClients(replica, { listen, stateMachine }));
    }
    return replica;
  }

  /** A client that knows all replicas, or these. */
  client(options: Partial<ClientOptions> = {}): Client {
    const network = this.#options.clients;
    if (network === undefined) throw new Error('this cluster takes no clients in');
    const addresses = this.ids.map((id) => `client:${id}`);
    return connectClient({
      group: 'tested',
      addresses,
      connector: network.connector(),
      ...options,
    });
  }

  async formed(): Promise<this> {
    await Promise.all(this.ids.map((id) => this.start(id)));
    await this.at(1).bootstrap(this.members);
    await this.leader();
    return this;
  }

  at(id: number): Replica {
    const replica = this.replicas.get(id);
    if (replica === undefined) throw new Error(`replica ${id} does not run`);
    return replica;
  }

  /** The replica that the others follow, too. */
  async leader(): Promise<Replica> {
    let found: Replica | undefined;
    await until('a leader', () => {
      const running = [...this.replicas.values()].filter((r) => r.status().state !== 'stopped');
      found = running.find((r) => r.status().state === 'leader');
      const ids = running.map((r) => r.status().leader);
      return found !== undefined && ids.every((id) => id === found?.id);
    });
    return found as Replica;
  }

  async follower(): Promise<Replica> {
    const leader = await this.leader();
    return [...this.replicas.values()].find((r) => r !== leader) as Replica;
  }

  async stop(id: number): Promise<void> {
    await this.servers.get(id)?.close();
    this.servers.delete(id);
    await this.at(id).close();
    this.replicas.delete(id);
  }

  async close(): Promise<void> {
    await Promise.all([...this.servers.values()].map((server) => server.close()));
    await Promise.all([...this.replicas.values()].map((replica) => replica.close()));
  }

  digest(id: number): number {
    return (this.machines.get(id) as DigestMachine).digest;
  }
}

const deadlineMs = 20_000;

/** Looks again after every turn of the event loop, up to a deadline that only a fault meets. */
export async function until(what: string, holds: () => boolean): Promise<void> {
  const giveUpMs = performance.now() + deadlineMs;
  while (!holds()) {
    if (performance.now() > giveUpMs) throw new Error(`not within ${deadlineMs} ms: ${what}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

export const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
export const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

/** One promise for the results of `proposeMany`, errors by their code. */
export function proposed(replica: Replica, commands: readonly string[]): Promise<string[]> {
  return new Promise((resolve) => {
    const results: string[] = [];
    let left = commands.length;
    const take = (i: number, text: string): void => {
      results[i] = text;
      left -= 1;
      if (left === 0) resolve(results);
    };
    replica.proposeMany(commands.map(bytesOf), {
      result: (i, bytes) => take(i, textOf(bytes)),
      error: (i, error) => take(i, error.code),
    });
  });
}
