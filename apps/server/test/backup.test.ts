import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decidedLog } from '@rsl/log-file/inspect';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { freePort } from './free-port.ts';
import { RedisClient } from './redis-client.ts';
import { ServerProcess } from './server-process.ts';

// Whole processes: a backup of one group becomes another; a replica that stopped is replayed.

vi.setConfig({ testTimeout: 120_000 });

let folder: string;
const running = new Set<ServerProcess>();

beforeEach(() => {
  folder = fs.mkdtempSync(join(tmpdir(), 'rsl-backup-'));
});

afterEach(async () => {
  for (const server of running) {
    server.signal('SIGKILL');
    await server.exitCode;
  }
  running.clear();
  fs.rmSync(folder, { recursive: true });
});

async function group(name: string, count: number, ...options: readonly string[]) {
  const ports = await Promise.all(Array.from({ length: count }, freePort));
  const members = ports.map((port, i) => `${i + 1}=127.0.0.1:${port}`).join(',');
  const servers = ports.map((_, i) => {
    const own = ['--id', `${i + 1}`, '--data', join(folder, name, `${i + 1}`)];
    const all = [...own, '--members', members, '--client', '127.0.0.1:0', '--group', name];
    return new ServerProcess('start', ...all, ...(i === 0 ? ['--bootstrap'] : []), ...options);
  });
  for (const server of servers) running.add(server);
  return servers;
}

async function end(servers: readonly ServerProcess[]): Promise<void> {
  for (const server of servers) {
    server.signal('SIGTERM');
    await server.exitCode;
    running.delete(server);
  }
}

async function clientOf([server]: readonly ServerProcess[]): Promise<RedisClient> {
  return RedisClient.connect(await (server as ServerProcess).clientPort());
}

const portOf = async ([server]: readonly ServerProcess[]): Promise<string> =>
  `127.0.0.1:${await (server as ServerProcess).clientPort()}`;

/** The line of JSON that it prints last, or its exit code. */
async function run(...args: readonly string[]): Promise<Record<string, unknown> | number | null> {
  const server = new ServerProcess(...args);
  const code = await server.exitCode;
  if (code !== 0) return code;
  return JSON.parse(server.output.trim().split('\n').at(-1) ?? '') as Record<string, unknown>;
}

test('a backup is one command, and so is a member of the group that begins with it', async () => {
  const old = await group('old', 1);
  const client = await clientOf(old);
  for (const [key, value] of Object.entries({ a: '1', b: '2' }))
    await client.call('SET', key, value);
  const to = join(folder, 'backup');
  const copied = await run('backup', '--client', await portOf(old), '--to', to);
  await client.call('SET', 'a', 'later');
  client.close();
  await end(old);

  const data = (id: number): string => join(folder, 'new', `${id}`);
  const restored = [];
  for (const id of [1, 2, 3]) {
    const own = ['--data', data(id), '--id', `${id}`, '--group', 'new'];
    restored.push(await run('restore', to, ...own));
  }
  const [first] = restored as [Record<string, unknown>];
  expect(first).toMatchObject({ slot: (copied as Record<string, unknown>)['slot'] });
  expect(restored).toMatchObject(restored.map(() => ({ digest: first['digest'] })));
  const again = ['--data', data(1), '--id', '1', '--group', 'new'];
  expect(await run('restore', to, ...again)).toBe(2);

  const servers = await group('new', 3);
  const there = await clientOf(servers);
  expect(await there.call('GET', 'a')).toBe('1');
  expect(await there.call('SET', 'c', '3')).toBe('OK');
  const other = await clientOf(servers.slice(2));
  expect(await other.call('MGET', 'a', 'b', 'c')).toEqual(['1', '2', '3']);
  for (const one of [there, other]) one.close();
});

test('a stopped replica is replayed to any slot, and nothing of it is changed', async () => {
  const servers = await group('one', 1, '--snapshot-every-slots', '20');
  const client = await clientOf(servers);
  const slots: number[] = [];
  for (let n = 1; n <= 50; n++) {
    await client.call('SET', `key-${n}`, 'x');
    const status = JSON.parse((await client.call('RSL.STATUS')) as string) as {
      executedThrough: number;
    };
    slots.push(status.executedThrough);
  }
  client.close();
  const data = join(folder, 'one', '1');
  // What is decided is written down every half second.
  while ((await decidedLog(join(data, 'log'))).decidedThrough < (slots[49] as number));
  await end(servers);
  const files = () =>
    (fs.readdirSync(data, { recursive: true }) as string[])
      .filter((name) => fs.statSync(join(data, name)).isFile())
      .map((name) => [name, fs.readFileSync(join(data, name)).toString('base64')]);
  const before = files();
  const keysAt = async (n: number) => run('replay', '--data', data, '--through', `${slots[n - 1]}`);
  for (const n of [45, 50]) expect(await keysAt(n)).toMatchObject({ slot: slots[n - 1], keys: n });
  const to = join(folder, 'replayed');
  const whole = await run('replay', '--data', data, '--to', to);
  expect(whole).toMatchObject({ slot: slots[49], keys: 50 });
  expect((whole as { from: number }).from).toBeGreaterThan(0);
  expect(files()).toEqual(before);
  expect(await run('replay', '--data', data, '--through', '1000000')).toBe(2);
  const own = ['--data', join(folder, 'again'), '--id', '1'];
  expect(await run('restore', to, ...own)).toMatchObject({ slot: slots[49] });
});
