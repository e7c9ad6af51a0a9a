import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { type Client, connectClient } from '@rsl/core/client';
import { type Command, type Reply, textCodec } from '@rsl/server/codec';
import { tcpConnector } from '@rsl/transport-tcp';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { freePort } from './free-port.ts';
import { ServerProcess } from './server-process.ts';

// Three processes, and a client of @rsl/core/client.

vi.setConfig({ testTimeout: 120_000 });

interface Place {
  readonly id: number;
  readonly peers: string;
  readonly clients: string;
}

let folder: string;
let places: readonly Place[];
let client: Client<Command, Reply>;
const running = new Map<number, ServerProcess>();

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'rsl-sessions-'));
  places = await Promise.all(
    [1, 2, 3].map(async (id) => ({
      id,
      peers: `127.0.0.1:${await freePort()}`,
      clients: `127.0.0.1:${await freePort()}`,
    })),
  );
  for (const { id } of places) start(id);
});

afterEach(async () => {
  await client.close();
  for (const id of running.keys()) await kill(id);
  rmSync(folder, { recursive: true });
});

function start(id: number): void {
  const members = places.map(({ id: each, peers, clients }) => `${each}=${peers}/${clients}`);
  const { clients } = places[id - 1] as Place;
  const options = ['--id', `${id}`, '--members', members.join(), '--clients', clients];
  options.push('--client', '127.0.0.1:0', '--data', join(folder, `${id}`));
  // Processes that start at once may stand still for a while.
  options.push('--election-timeout-ms', '1000', ...(id === 1 ? ['--bootstrap'] : []));
  running.set(id, new ServerProcess('start', ...options));
}

async function kill(id: number): Promise<void> {
  const server = running.get(id);
  running.delete(id);
  server?.signal('SIGKILL');
  await server?.exitCode;
}

async function until(what: string, holds: () => Promise<boolean> | boolean): Promise<void> {
  for (let left = 3_000; left > 0; left -= 1) {
    if (await holds()) return;
    await setTimeout(10);
  }
  throw new Error(`not within 30 s: ${what}`);
}

test('a client goes to the leader as --members say, and on through its end', async () => {
  client = connectClient({
    group: 'default',
    addresses: places.map(({ clients }) => clients),
    connector: tcpConnector(),
    codec: textCodec,
  });
  expect(await client.propose(['INCR', 'n'], { timeoutMs: 60_000 })).toBe(1);
  const atLeader = async (): Promise<boolean> => {
    const { leader = 0 } = await client.status({ timeoutMs: 30_000 });
    return client.connectedTo === places[leader - 1]?.clients;
  };
  await until('it is at the leader', atLeader);
  const leader = places.find(({ clients }) => clients === client.connectedTo)?.id ?? 0;
  const pending = Promise.all(
    Array.from({ length: 100 }, () => client.propose(['INCR', 'n'], { timeoutMs: 60_000 })),
  );
  await kill(leader);
  const replies = await pending;
  expect(new Set(replies)).toEqual(new Set(Array.from({ length: 100 }, (_, i) => i + 2)));
  await until('it is at another leader', atLeader);
  expect(await client.query(['GET', 'n'])).toBe('101');
});
