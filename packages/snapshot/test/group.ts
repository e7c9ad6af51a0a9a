/** Replicas with snapshots in one process, on real time, with memory twins of every port. */
import { type Limits, type Replica, startReplica } from '@rsl/core';
import type { Port, SnapshotStore, StateMachine } from '@rsl/core/protocol';
import {
  DigestMachine,
  MemoryDisk,
  MemoryNetwork,
  MemoryShelf,
  memoryLog,
  memorySnapshots,
  memoryTransport,
  startReplicaBeside,
} from '@rsl/core/testing';
import { type Progress, type Snapshots, type SnapshotsOptions, snapshots } from '../src/index.ts';

/** How replicas start: set by the files of `apart`. */
export const mode: { isApart: boolean } = { isApart: false };

export interface GroupOptions {
  readonly snapshots?: Omit<SnapshotsOptions, 'store'>;
  readonly limits?: Partial<Limits>;
  readonly machine?: (id: number) => StateMachine;
  /** Instead of memory. */
  readonly store?: (id: number) => Port<SnapshotStore>;
}

const memberAt = (id: number) => ({ id, addresses: { memory: `memory:${id}` } });

export class Group {
  readonly #options: GroupOptions;
  /** Frames that get through. */
  arrives: (from: number, to: number, lane: 'votes' | 'bulk') => boolean = () => true;
  readonly network = new MemoryNetwork({
    fate: (from, to, lane) => (this.arrives(from, to, lane) ? [0] : []),
  });
  readonly ids = [1, 2, 3];
  /** Of those that start from now on. */
  onProgress: ((progress: Progress) => void) | undefined;
  readonly disks = new Map(this.ids.map((id) => [id, new MemoryDisk()]));
  readonly shelves = new Map(this.ids.map((id) => [id, new MemoryShelf()]));
  readonly replicas = new Map<number, Replica>();
  readonly machines = new Map<number, StateMachine>();
  readonly layers = new Map<number, Snapshots>();

  constructor(options: GroupOptions = {}) {
    this.#options = options;
  }

  async start(id: number): Promise<Replica> {
    const disk = this.disks.get(id) as MemoryDisk;
    const shelf = this.shelves.get(id) as MemoryShelf;
    const store = this.#options.store?.(id) ?? memorySnapshots(shelf);
    const { onProgress } = this;
    const layer = snapshots({
      store,
      ...this.#options.snapshots,
      ...(onProgress && { onProgress }),
    });
    this.layers.set(id, layer);
    const stateMachine = this.#options.machine?.(id) ?? new DigestMachine();
    this.machines.set(id, stateMachine);
    const start = mode.isApart ? startReplicaBeside : startReplica;
    const replica = await start({
      group: 'tested',
      self: id,
      stateMachine,
      log: memoryLog({ disk }),
      transport: memoryTransport(this.network, `memory:${id}`),
      peers: this.ids.filter((other) => other !== id).map(memberAt),
      limits: this.#options.limits ?? {},
      layers: [layer],
    });
    this.replicas.set(id, replica);
    return replica;
  }

  async formed(): Promise<this> {
    await Promise.all(this.ids.map((id) => this.start(id)));
    await this.at(1).bootstrap(this.ids.map(memberAt));
    await this.leader();
    return this;
  }

  at(id: number): Replica {
    return this.replicas.get(id) as Replica;
  }

  shelf(id: number): MemoryShelf {
    return this.shelves.get(id) as MemoryShelf;
  }

  layer(id: number): Snapshots {
    return this.layers.get(id) as Snapshots;
  }

  digest(id: number): number {
    return (this.machines.get(id) as DigestMachine).digest;
  }

  async leader(): Promise<Replica> {
    let found: Replica | undefined;
    await until('a leader', () => {
      const running = [...this.replicas.values()];
      found = running.find((r) => r.status().state === 'leader');
      return found !== undefined && running.every((r) => r.status().leader === found?.id);
    });
    return found as Replica;
  }

  async follower(): Promise<Replica> {
    const leader = await this.leader();
    return [...this.replicas.values()].find((replica) => replica !== leader) as Replica;
  }

  async stop(id: number): Promise<void> {
    await this.at(id).close();
    this.replicas.delete(id);
  }

  /** So many commands, one to a slot. */
  async work(commands: number, bytes = 16): Promise<void> {
    for (let i = 0; i < commands; i += 1)
      await [...this.replicas.values()][0]?.propose(new Uint8Array(bytes).fill(i));
  }

  async settled(): Promise<void> {
    const running = [...this.replicas.keys()];
    await until('all are equal', () => new Set(running.map((id) => this.digest(id))).size === 1);
  }

  async close(): Promise<void> {
    await Promise.all([...this.replicas.values()].map((replica) => replica.close()));
  }
}

const deadlineMs = 20_000;

export async function until(what: string, holds: () => boolean): Promise<void> {
  const giveUpMs = performance.now() + deadlineMs;
  while (!holds()) {
    if (performance.now() > giveUpMs) throw new Error(`not within ${deadlineMs} ms: ${what}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}
