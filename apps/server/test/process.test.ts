import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { connectClient } from '@rsl/core/client';
import { textCodec } from '@rsl/server/codec';
import { tcpConnector } from '@rsl/transport-tcp';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { freePort } from './free-port.ts';
import { RedisClient } from './redis-client.ts';
import { ServerProcess } from './server-process.ts';

// A group of one, as a process of its own: everything real but the number of replicas.

vi.setConfig({ testTimeout: 60_000 });

let folder: string;
let peerPort: number;
const running: ServerProcess[] = [];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'rsl-server-'));
  peerPort = await freePort();
});

afterEach(async () => {
  for (const server of running.splice(0)) {
    server.signal('SIGKILL');
    await server.exitCode;
  }
  rmSync(folder, { recursive: true });
});

function start(...options: readonly string[]): ServerProcess {
  const members = `1=127.0.0.1:${peerPort}`;
  const where = ['--client', '127.0.0.1:0', '--data', join(folder, 'data')];
  const server = new ServerProcess(
    'start',
    '--id',
    '1',
    '--members',
    members,
    ...where,
    ...options,
  );
  running.push(server);
  return server;
}

test('with a lease it serves, and a lease that cannot be is refused', async () => {
  const leased = start('--bootstrap', '--lease', '250:0.001');
  const client = await RedisClient.connect(await leased.clientPort());
  expect(await client.call('SET', 'a', '1')).toBe('OK');
  expect(await client.call('GET', 'a')).toBe('1');
  client.close();
  leased.signal('SIGTERM');
  expect(await leased.exitCode).toBe(0);
  const refused = start('--bootstrap', '--lease', '3000:0.001');
  expect(await refused.exitCode).toBe(2);
  expect(await refused.lastWords()).toMatch(
    /RSL_INVALID_OPTION: lease\.forMs: an integer from \d+ to 299/,
  );
});

test('with its engine on a thread of its own it serves, stops, and comes back', async () => {
  const isolated = ['--bootstrap', '--isolation', 'thread'];
  const first = start(...isolated);
  const client = await RedisClient.connect(await first.clientPort());
  expect(await client.call('SET', 'a', 'kept')).toBe('OK');
  client.send('incr n\r\n'.repeat(1_000));
  first.signal('SIGTERM');
  expect(await first.exitCode).toBe(0);

  const second = start(...isolated);
  const again = await RedisClient.connect(await second.clientPort());
  expect(await again.call('GET', 'a')).toBe('kept');
  again.close();
  // Two cannot use one directory, and the second one says why.
  const third = start(...isolated, '--listen', '127.0.0.1:0');
  expect(await third.exitCode).toBe(1);
  expect(await third.lastWords()).toContain('RSL_STORAGE_LOCKED');
});

test('it stops cleanly in the middle of work, and comes back with its data', async () => {
  const first = start('--bootstrap');
  const client = await RedisClient.connect(await first.clientPort());
  expect(await client.call('SET', 'a', 'kept')).toBe('OK');
  client.send('incr n\r\n'.repeat(1_000));
  first.signal('SIGTERM');
  expect(await first.exitCode).toBe(0);
  await client.closed();

  const second = start('--bootstrap');
  const again = await RedisClient.connect(await second.clientPort());
  expect(await again.call('GET', 'a')).toBe('kept');
  again.close();

  // `kill -9` loses nothing that was acknowledged either.
  second.signal('SIGKILL');
  await second.exitCode;
  const third = start();
  const last = await RedisClient.connect(await third.clientPort());
  expect(await last.call('GET', 'a')).toBe('kept');
  last.close();

  const status = new ServerProcess('status', '--client', `127.0.0.1:${await third.clientPort()}`);
  expect(await status.lastWords()).toBe('');
  expect(JSON.parse(status.output)).toMatchObject({
    self: 1,
    state: 'leader',
    server: { keys: 2 },
  });
  third.signal('SIGINT');
  expect(await third.exitCode).toBe(0);
});

test('a client elsewhere increments once for each acknowledgement, through kills', async () => {
  const clients = `127.0.0.1:${await freePort()}`;
  let server = start('--bootstrap', '--clients', clients);
  expect(await server.event('ready')).toMatchObject({ clientsWithSessions: clients });
  const client = connectClient({
    group: 'default',
    addresses: [clients],
    connector: tcpConnector(),
    codec: textCodec,
  });
  let acknowledged = 0;
  const increment = async (): Promise<void> => {
    await client.propose(['INCR', 'n'], { timeoutMs: 50_000 });
    acknowledged += 1;
  };
  const all: Promise<void>[] = [];
  for (let kills = 0; kills < 3; kills++) {
    const before = acknowledged;
    for (let i = 0; i < 200; i++) all.push(increment());
    while (acknowledged < before + 20) await setImmediate();
    server.signal('SIGKILL');
    await server.exitCode;
    server = start('--clients', clients);
  }
  await Promise.all(all);
  expect(await client.query(['GET', 'n'])).toBe('600');
  expect(await client.propose(['INCR', 'n'])).toBe(601);
  await client.close();
  server.signal('SIGTERM');
  expect(await server.exitCode).toBe(0);
});

test('a directory that another process uses is left alone', async () => {
  await start('--bootstrap').event('ready');
  const port = await freePort();
  const second = start('--listen', `127.0.0.1:${port}`);
  expect(await second.exitCode).toBe(1);
  expect(await second.lastWords()).toMatch(/^rsl-server: RSL_STORAGE_LOCKED: [^\n]+\n$/);
});

test('a directory of another replica is refused, and so is one of another group', async () => {
  const first = start('--bootstrap');
  await first.event('configuration');
  first.signal('SIGTERM');
  await first.exitCode;

  const other = start('--group', 'other');
  expect(await other.exitCode).toBe(1);
  expect(await other.lastWords()).toMatch(/^rsl-server: RSL_WRONG_STORE: [^\n]+\n$/);
});

test('a place that cannot be written is named, with what to do', async () => {
  writeFileSync(join(folder, 'data'), 'a file');
  const server = start();
  expect(await server.exitCode).toBe(1);
  expect(await server.lastWords()).toMatch(/^rsl-server: RSL_STORAGE_UNUSABLE: [^\n]+\n$/);
});

test('an address that is in use is named, whichever it is', async () => {
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  const address = taken.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;

  const client = start('--client', `127.0.0.1:${port}`);
  expect(await client.exitCode).toBe(1);
  expect(await client.lastWords()).toMatch(
    new RegExp(`^rsl-server: RSL_LISTEN_FAILED: cannot listen on 127.0.0.1:${port}[^\n]+\n$`),
  );
  const clients = start('--clients', `127.0.0.1:${port}`);
  expect(await clients.exitCode).toBe(1);
  expect(await clients.lastWords()).toMatch(/^rsl-server: RSL_LISTEN_FAILED: [^\n]+\n$/);
  const peer = start('--listen', `127.0.0.1:${port}`);
  expect(await peer.exitCode).toBe(1);
  expect(await peer.lastWords()).toMatch(/^rsl-server: RSL_LISTEN_FAILED: [^\n]+\n$/);
  taken.close();
});

test('a slot that is to be skipped is not executed, and its client hears so', async () => {
  // Slot 1 is the leader's first batch, without commands; slots go to commands from then on.
  const server = start('--bootstrap', '--skip-slot', '2', '--skip-slot', '3');
  await server.event('recovered');
  const client = await RedisClient.connect(await server.clientPort());
  const answers: unknown[] = [];
  for (let i = 0; i < 6; i++) answers.push(await client.call('INCR', 'n'));
  const skipped = answers.filter((each) => JSON.stringify(each).includes('RSL_SLOT_SKIPPED'));
  expect(skipped).toHaveLength(2);
  expect(answers.at(-1)).toBe(4);
  client.close();
});

test('options that are wrong end it with code 2', async () => {
  const server = start('--timeout-ms', '0');
  expect(await server.exitCode).toBe(2);
  expect(await server.lastWords()).toMatch(/^rsl-server: RSL_INVALID_OPTION: [^\n]+\n$/);
});
