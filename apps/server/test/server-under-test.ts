import { silentLogger } from '@rsl/core';
import { type ClientLimits, defaultClientLimits } from '../src/client/client-limits.ts';
import { ClientServer } from '../src/client/client-server.ts';
import { KeyValue } from '../src/key-value.ts';
import type { SnapshotDesk } from '../src/snapshots/snapshot-desk.ts';
import { FakeReplica } from './fake-replica.ts';
import { RedisClient } from './redis-client.ts';

/** A server on a real socket over the fake replica. */
export class ServerUnderTest {
  readonly machine: KeyValue;
  readonly replica: FakeReplica;
  readonly server: ClientServer;

  static async start(
    limits: Partial<ClientLimits> = {},
    snapshots?: SnapshotDesk,
  ): Promise<ServerUnderTest> {
    const complete = { ...defaultClientLimits, ...limits };
    const machine = new KeyValue(complete.outputBytesMax);
    const replica = new FakeReplica(machine);
    const server = await ClientServer.listen({
      listen: { host: '127.0.0.1', port: 0 },
      allowPlaintext: false,
      replica,
      machine,
      ...(snapshots === undefined ? {} : { snapshots }),
      limits: complete,
      logger: silentLogger,
    });
    return new ServerUnderTest(machine, replica, server);
  }

  private constructor(machine: KeyValue, replica: FakeReplica, server: ClientServer) {
    this.machine = machine;
    this.replica = replica;
    this.server = server;
  }

  get port(): number {
    return Number(this.server.address.split(':').at(-1));
  }

  client(): Promise<RedisClient> {
    return RedisClient.connect(this.port);
  }

  async close(): Promise<void> {
    await this.server.close(0);
  }
}
