import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { ReplicaStatus } from '@rsl/core';
import { inspectSnapshots } from '@rsl/snapshot/inspect';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { SnapshotState } from '../src/snapshots/snapshot-news.ts';
import { freePort } from './free-port.ts';
import { RedisClient } from './redis-client.ts';
import { ServerProcess } from './server-process.ts';

// Whole processes that keep snapshots, a few slots apart.

vi.setConfig({ testTimeout: 120_000 });

type Status = ReplicaStatus & { readonly server: { readonly snapshots: SnapshotState } };

const often = ['--snapshot-every-slots', '50', '--retain-slots', '10'];

let folder: string;
let members: string;
const running = new Set<ServerProcess>();

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'rsl-server-'));
});

afterEach(async () => {
  for (const server of running) {
    server.signal('SIGKILL');
    await server.exitCode;
  }
  running.clear();
  rmSync(folder, { recursive: true });
});

async function group(count: number): Promise<void> {
  const ports = await Promise.all(Array.from({ length: count }, freePort));
  members = ports.map((port, i) => `${i + 1}=127.0.0.1:${port}`).join(',');
}

function start(id: number, ...options: readonly string[]): ServerProcess {
  const own = ['--id', `${id}`, '--members', members, '--data', join(folder, `${id}`)];
  const server = new ServerProcess('start', ...own, '--client', '127.0.0.1:0', ...options);
  running.add(server);
  return server;
}

async function end(server: ServerProcess, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
  server.signal(signal);
  await server.exitCode;
  running.delete(server);
}

async function clientOf(server: ServerProcess): Promise<RedisClient> {
  return RedisClient.connect(await server.clientPort());
}

async function statusOf(client: RedisClient): Promise<Status> {
  return JSON.parse((await client.call('RSL.STATUS')) as string) as Status;
}

/** Each in a slot of its own. */
async function write(client: RedisClient, from: number, count: number): Promise<void> {
  for (let n = from; n < from + count; n++) {
    expect(await client.call('SET', `key-${n % 60}`, `${n}`)).toBe('OK');
  }
}

async function until(client: RedisClient, is: (status: Status) => boolean): Promise<Status> {
  for (;;) {
    const status = await statusOf(client);
    if (is(status)) return status;
    await delay(50);
  }
}

/** What `rsl-server …` prints; what it says on stderr is none of it. */
async function run(...args: readonly string[]): Promise<{ out: string; code: number | null }> {
  const server = new ServerProcess(...args);
  const code = await server.exitCode;
  return { out: server.output, code };
}

test('the log stays short under load, and a restart loads a snapshot', async () => {
  await group(1);
  const first = start(1, '--bootstrap', ...often);
  const client = await clientOf(first);
  let longest = 0;
  for (let n = 0; n < 1_000; n += 100) {
    await write(client, n, 100);
    const { firstSlot, executedThrough } = await statusOf(client);
    longest = Math.max(longest, executedThrough - firstSlot);
  }
  // Two snapshots can be gone on from, and a third one may be under way.
  expect(longest).toBeLessThan(400);
  const before = await until(client, ({ firstSlot }) => firstSlot > 800);
  expect(before.server.snapshots.kept).toHaveLength(2);
  expect(await client.call('INFO', 'snapshots')).toContain('rsl_snapshots:2\r\n');
  client.close();
  await end(first, 'SIGKILL');

  const second = start(1, ...often);
  const again = await clientOf(second);
  expect(await second.event('snapshot-loading')).toMatchObject({ slot: expect.any(Number) });
  expect(await again.call('GET', 'key-39')).toBe('999');
  expect(await again.call('DBSIZE')).toBe(60);
  expect((await statusOf(again)).server.snapshots.counters.loaded).toBe(1);
  again.close();
});

test('an operator saves now and hears where, and copies it while the server runs', async () => {
  await group(1);
  const server = start(1, '--bootstrap');
  const client = await clientOf(server);
  await client.call('SET', 'large', 'x'.repeat(500_000));
  await client.call('APPEND', 'large', 'y'.repeat(500_000));
  const at = ['--client', `127.0.0.1:${await server.clientPort()}`];
  const to = join(folder, 'copy');
  expect((await run('snapshot', 'copy', ...at, '--to', to)).code).toBe(1);

  const saved = JSON.parse((await run('snapshot', 'save', ...at)).out) as Record<string, unknown>;
  expect(saved).toMatchObject({ where: expect.stringContaining(join(folder, '1', 'snapshots')) });
  expect(JSON.parse((await run('snapshot', 'list', ...at)).out)).toEqual({
    slot: saved['slot'],
    bytes: saved['bytes'],
    digest: saved['digest'],
  });
  const copied = await run('snapshot', 'copy', ...at, '--to', to);
  expect(JSON.parse(copied.out)).toMatchObject({ digest: saved['digest'] });
  const report = await inspectSnapshots(to, { verify: true });
  expect(report.damageCount).toBe(0);
  expect(report.snapshots).toHaveLength(1);
  // What is there already is not copied again.
  expect((await run('snapshot', 'copy', ...at, '--to', to)).out).toBe(copied.out);

  expect(await client.call('SAVE')).toBe('OK');
  expect(await client.call('BGSAVE')).toBe('Background saving started');
  expect(Number(await client.call('LASTSAVE'))).toBeGreaterThan(1_700_000_000);
  client.close();
});

test('nothing is saved by itself while it is stopped, and by hand all the same', async () => {
  await group(1);
  const server = start(1, '--bootstrap', ...often);
  const client = await clientOf(server);
  const at = ['--client', `127.0.0.1:${await server.clientPort()}`];
  expect((await run('snapshot', 'stop', ...at)).code).toBe(0);
  await write(client, 0, 200);
  const stopped = await statusOf(client);
  expect(stopped.server.snapshots).toMatchObject({ kept: [], savingStopped: true });
  expect(await client.call('SAVE')).toBe('OK');
  expect((await statusOf(client)).server.snapshots.kept).toHaveLength(1);
  expect((await run('snapshot', 'allow', ...at)).code).toBe(0);
  await write(client, 0, 100);
  await until(client, ({ server: { snapshots } }) => snapshots.kept.length > 1);
  client.close();
});

test('who was away until the log was cut comes back by a snapshot', async () => {
  await group(3);
  const servers = [1, 2, 3].map((id) => start(id, ...(id === 1 ? ['--bootstrap'] : []), ...often));
  const clients = await Promise.all(servers.map(clientOf));
  const [one, two, three] = clients as [RedisClient, RedisClient, RedisClient];
  await write(three, 0, 20);
  const { executedThrough } = await statusOf(three);
  three.close();
  await end(servers[2] as ServerProcess);

  await write(one, 0, 600);
  for (const each of [one, two]) {
    await until(each, ({ firstSlot }) => firstSlot > executedThrough + 1);
    each.close();
  }
  // A leader teaches what it has in memory, too: after a restart that is what the log keeps.
  for (const server of servers.slice(0, 2)) await end(server);
  for (const id of [1, 2]) start(id, ...often);
  const back = start(3, ...often);
  const again = await clientOf(back);
  const status = await until(again, ({ server }) => server.snapshots.counters.copied > 0);
  expect(status.server.snapshots.counters.loaded).toBeGreaterThan(0);
  expect(await back.event('snapshot-copied')).toMatchObject({ slot: expect.any(Number) });
  expect(await again.call('GET', 'key-59')).toBe('599');
  expect(await again.call('SET', 'key-59', 'and it takes part')).toBe('OK');
  again.close();
});
