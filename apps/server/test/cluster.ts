import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type PeerAddress, type Replica, silentLogger, startReplica } from '@rsl/core';
import { fileLog } from '@rsl/log-file';
import { tcp } from '@rsl/transport-tcp';
import { defaultClientLimits } from '../src/client/client-limits.ts';
import { ClientServer } from '../src/client/client-server.ts';
import { KeyValue } from '../src/key-value.ts';
import { freePort } from './free-port.ts';
import { RedisClient } from './redis-client.ts';

interface Running {
  readonly machine: KeyValue;
  readonly replica: Replica;
  readonly server: ClientServer;
}

/** How the replicas of all clusters of a test file run: set by `test/threads`. */
export const mode: { isolation: 'inline' | 'thread' } = { isolation: 'inline' };

/** Three replicas in this process with real files and real sockets; ids from 1. */
export class Cluster {
  readonly #folder: string;
  readonly #members: readonly PeerAddress[];
  readonly #running = new Map<number, Running>();

  static async start(): Promise<Cluster> {
    const folder = mkdtempSync(join(tmpdir(), 'rsl-cluster-'));
    const ports = await Promise.all([1, 2, 3].map(freePort));
    const members = ports.map((port, i) => ({
      id: i + 1,
      addresses: { tcp: `127.0.0.1:${port}` },
    }));
    const cluster = new Cluster(folder, members);
    await cluster.startAll();
    await cluster.at(1).replica.bootstrap(members);
    return cluster;
  }

  private constructor(folder: string, members: readonly PeerAddress[]) {
    this.#folder = folder;
    this.#members = members;
  }

  get ids(): readonly number[] {
    return [...this.#running.keys()];
  }

  at(id: number): Running {
    const running = this.#running.get(id);
    if (running === undefined) throw new Error(`replica ${id} does not run`);
    return running;
  }

  /** Undefined while nobody leads. */
  leader(): number | undefined {
    return this.ids.find((id) => this.at(id).replica.status().state === 'leader');
  }

  async startAll(): Promise<void> {
    await Promise.all(this.#members.map(({ id }) => this.startOne(id)));
  }

  async startOne(id: number): Promise<void> {
    const machine = new KeyValue(defaultClientLimits.outputBytesMax);
    const address = this.#members.find((member) => member.id === id)?.addresses['tcp'];
    const replica = await startReplica({
      group: 'test',
      self: id,
      stateMachine: machine,
      log: fileLog(join(this.#folder, String(id))),
      transport: tcp({ listen: String(address), reconnectDelayMsMax: 200 }),
      isolation: mode.isolation,
      peers: this.#members.filter((member) => member.id !== id),
    });
    const server = await ClientServer.listen({
      listen: { host: '127.0.0.1', port: 0 },
      allowPlaintext: false,
      replica,
      machine,
      limits: defaultClientLimits,
      logger: silentLogger,
    });
    this.#running.set(id, { machine, replica, server });
  }

  async stopOne(id: number): Promise<void> {
    const { replica, server } = this.at(id);
    this.#running.delete(id);
    await server.close(0);
    await replica.close();
  }

  async stopAll(): Promise<void> {
    await Promise.all(this.ids.map((id) => this.stopOne(id)));
  }

  client(id: number): Promise<RedisClient> {
    return RedisClient.connect(Number(this.at(id).server.address.split(':').at(-1)));
  }

  async remove(): Promise<void> {
    await this.stopAll();
    rmSync(this.#folder, { recursive: true });
  }
}
