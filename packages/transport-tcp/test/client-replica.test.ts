import { startReplica, typed } from '@rsl/core';
import { connectClient, serveClients } from '@rsl/core/client';
import { memoryLog } from '@rsl/core/testing';
import { afterEach, expect, test } from 'vitest';
import { tcp, tcpConnector, tcpListener } from '../src/index.ts';
import { clear, Wire } from './actors.ts';

const opened: { close(): Promise<unknown> }[] = [];

afterEach(async () => {
  for (const thing of opened.splice(0).toReversed()) await thing.close();
  await clear();
});

function kept<T extends { close(): Promise<unknown> }>(thing: T): T {
  opened.push(thing);
  return thing;
}

test('a client executes each command once, whatever happens to its connections', async () => {
  const executed: number[] = [];
  let cut = (): void => {};
  const stateMachine = typed({
    execute: (command: number) => {
      // Before its result has left: nobody on the other side knows whether it was executed.
      if (command % 30 === 15) cut();
      return executed.push(command);
    },
    snapshot: () => 0,
    restore: () => {},
  });
  const transport = tcp('127.0.0.1:0');
  const replica = kept(
    await startReplica({ group: 'alone', self: 1, stateMachine, log: memoryLog(), transport }),
  );
  await replica.bootstrap([{ id: 1, addresses: { tcp: '127.0.0.1:1' } }]);
  const server = kept(await serveClients(replica, { listen: tcpListener('127.0.0.1:0') }));
  const wire = await Wire.to(server.address);
  const connector = tcpConnector();
  const client = kept(
    connectClient<number, number>({
      group: 'alone',
      addresses: [wire.address],
      connector,
      codec: stateMachine.codec,
    }),
  );
  cut = () => wire.cut();
  const results: number[] = [];
  for (let wave = 0; wave < 300; wave += 30) {
    const commands = Array.from({ length: 30 }, (_, i) => wave + i);
    const proposed = commands.map((command) => client.propose(command, { timeoutMs: 20_000 }));
    results.push(...(await Promise.all(proposed)));
  }
  expect(executed).toEqual([...Array.from({ length: 300 }).keys()]);
  expect(results).toEqual(executed.map((command) => command + 1));
  expect(connector.counters()['dials']).toBeGreaterThanOrEqual(11);
});
