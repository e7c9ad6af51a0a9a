// The holder of a lock is killed: its session ends, somebody else has the lock, and what the first
// one writes late is refused.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { startReplica } from '@rsl/core';
import { type Client, connectClient, serveClients } from '@rsl/core/client';
import { MemoryNetwork, memoryLog, memoryTransport } from '@rsl/core/testing';
import { tcpConnector, tcpListener } from '@rsl/transport-tcp';
import { type Command, lockService } from './locks.ts';

const network = new MemoryNetwork();
const members = [1, 2, 3].map((id) => {
  return { id, addresses: { memory: `replica-${id}`, client: `127.0.0.1:${7300 + id}` } };
});
const replicas = await Promise.all(
  members.map(({ id, addresses }) => {
    const [log, transport] = [memoryLog(), memoryTransport(network, addresses.memory)];
    return startReplica({ group: 'locks', self: id, stateMachine: lockService(), log, transport });
  }),
);
await replicas[0]?.bootstrap(members);
const addresses = members.map(({ addresses: { client } }) => client);
const servers = await Promise.all(
  replicas.map((replica, i) => serveClients(replica, { listen: tcpListener(addresses[i] ?? '') })),
);

/** What the lock protects, and where tokens are looked at. */
const printer = {
  highest: 0,
  print(token: number, text: string): void {
    if (token < this.highest) throw new Error(`token ${token} is over, ${this.highest} was here`);
    this.highest = token;
    console.log(text);
  },
};

const connect = (): Client<Command, number | undefined> =>
  connectClient({
    group: 'locks',
    addresses,
    connector: tcpConnector(),
    codec: lockService().codec,
  });

/** Asks again and again; a real service would have the state machine keep a queue. */
async function acquired(client: Client<Command, number | undefined>): Promise<number> {
  for (;;) {
    const token = await client.propose({ kind: 'acquire', name: 'printer' });
    if (token !== undefined) return token;
    await setTimeout(50);
  }
}

const holder = spawn(process.execPath, [
  fileURLToPath(import.meta.resolve('./holder.js')),
  ...addresses,
]);
const [said] = (await once(holder.stdout, 'data')) as [Buffer];
const old = Number(said.toString());
const client = connect();
assert.equal(await client.propose({ kind: 'acquire', name: 'printer' }), undefined);

holder.kill('SIGKILL');
const token = await acquired(client);
assert.ok(token > old);
printer.print(token, `token ${token} prints, after the holder of ${old} was killed`);
assert.throws(() => printer.print(old, 'never printed'), /is over/);

// Whoever ends in good order gives its locks back at once.
await client.close();
const other = connect();
assert.ok((await acquired(other)) > token);
await other.close();
await Promise.all(servers.map((server) => server.close()));
await Promise.all(replicas.map((replica) => replica.close()));
