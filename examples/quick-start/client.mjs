// Three replicas that take clients in, and a client that is none of them; all in this process.
import { startReplica } from '@rsl/core';
import { connectClient, serveClients } from '@rsl/core/client';
import { MemoryNetwork, memoryLog, memoryTransport } from '@rsl/core/testing';
import { tcpConnector, tcpListener } from '@rsl/transport-tcp';

const network = new MemoryNetwork();
const members = [1, 2, 3].map((id) => {
  return { id, addresses: { memory: `replica-${id}`, client: `127.0.0.1:${7200 + id}` } };
});

/** Keeps the last text of each key: `key=text`. Of `typed({…})` it would be three functions. */
function texts() {
  const all = new Map();
  const textOf = (bytes) => new TextDecoder().decode(bytes);
  return {
    execute(batch, results) {
      for (let i = 0; i < batch.count; i += 1) {
        const [key, text] = textOf(batch.bytes.subarray(batch.start(i), batch.end(i))).split('=');
        all.set(key, text);
        results.push(new TextEncoder().encode(`${key} is ${text}`));
      }
    },
    query: (key) => new TextEncoder().encode(all.get(textOf(key)) ?? ''),
    save: () => [],
    load: async () => {},
  };
}

const running = await Promise.all(
  members.map(async ({ id, addresses }) => {
    const stateMachine = texts();
    const [log, transport] = [memoryLog(), memoryTransport(network, addresses.memory)];
    const replica = await startReplica({ group: 'texts', self: id, stateMachine, log, transport });
    return { replica, stateMachine, address: addresses.client };
  }),
);
await running[0].replica.bootstrap(members);
const servers = await Promise.all(
  running.map(({ replica, stateMachine, address }) =>
    serveClients(replica, { listen: tcpListener(address), stateMachine }),
  ),
);

const client = connectClient({
  group: 'texts',
  addresses: members.map(({ addresses }) => addresses.client),
  connector: tcpConnector(),
});
const text = (bytes) => new TextDecoder().decode(bytes);
console.log('proposed:', text(await client.propose(new TextEncoder().encode('greeting=hello'))));
console.log('asked:', text(await client.query(new TextEncoder().encode('greeting'))));
await client.close();
await Promise.all(servers.map((server) => server.close()));
await Promise.all(running.map(({ replica }) => replica.close()));
