// Where the groups of the measurement keep their logs and how their replicas talk: the one place
// to change for another medium or network.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  openRuntime,
  type Replica,
  type Runtime,
  type StateMachine,
  startReplica,
  type Timings,
} from '@rsl/core';
import { MemoryNetwork, memoryLog, memoryTransport } from '@rsl/core/testing';
import { sharedFileLog } from '@rsl/log-file';
import { tcp } from '@rsl/transport-tcp';

export interface Member {
  readonly id: number;
  readonly addresses: Readonly<Record<string, string>>;
}

export interface Wanted {
  readonly group: string;
  readonly self: number;
  readonly stateMachine: StateMachine;
  readonly timings: Partial<Timings>;
}

/** Three members for any number of groups, in this process. */
export interface Place {
  /** Of a new group. */
  members(): readonly Member[];
  start(wanted: Wanted, members: readonly Member[]): Promise<Replica>;
  close(): Promise<void>;
}

export type PlaceName = 'memory' | 'shared';

const ids = [1, 2, 3];

/** These are each replica's own: many in one process need less each. */
const limits = { cacheBytesMax: 256 * 1024, streamBytesMax: 64 * 1024 };

export const openPlace = (name: PlaceName): Promise<Place> =>
  name === 'memory' ? inMemory() : sharing();

/** Each group has a network of its own in memory, and each replica a log there. */
async function inMemory(): Promise<Place> {
  const networks = new Map<readonly Member[], MemoryNetwork>();
  return {
    members() {
      const members = ids.map((id) => ({ id, addresses: { memory: `memory:${id}` } }));
      networks.set(members, new MemoryNetwork());
      return members;
    },
    start(wanted, members) {
      const network = networks.get(members) ?? new MemoryNetwork();
      const transport = memoryTransport(network, `memory:${wanted.self}`);
      return startReplica({ ...wanted, log: memoryLog(), transport });
    },
    close: async () => {},
  };
}

/** Three runtimes over TCP, each with one log in files for all its groups. */
async function sharing(): Promise<Place> {
  const folder = mkdtempSync(join(tmpdir(), 'rsl-groups-'));
  const runtimes = await Promise.all(
    ids.map((id): Promise<Runtime> => {
      const log = sharedFileLog(join(folder, String(id))).group();
      return openRuntime({ transport: tcp('127.0.0.1:0'), log });
    }),
  );
  const members = ids.map((id, i) => ({
    id,
    addresses: { tcp: (runtimes[i] as Runtime).address },
  }));
  return {
    members: () => members,
    start: (wanted) => {
      const runtime = runtimes[ids.indexOf(wanted.self)] as Runtime;
      return startReplica({ ...wanted, runtime, limits });
    },
    async close() {
      await Promise.all(runtimes.map((runtime) => runtime.close()));
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
