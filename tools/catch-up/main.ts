// A follower is stopped for 200,000 commands and catches up while the cluster serves. The memory of
// the sender stays under a bound that follows from its limits. The last line is JSON.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { localHosts } from '../lib/hosts.ts';
import { leaderOf, serversOn, statusOf, until } from '../lib/servers.ts';

const { values } = parseArgs({ options: { commands: { type: 'string', default: '200000' } } });
const commands = Number(values.commands);
if (!Number.isSafeInteger(commands) || commands < 1_000) {
  console.error(`--commands: an integer from 1000, not ${values.commands}`);
  process.exit(2);
}

const MiB = 1024 * 1024;
// Queues to two peers with two lanes each, values in flight and the cache, and room for V8.
const senderGrowthMiBMax = 4 * 16 + 16 + 32 + 128;
const depth = 500;
const directory = mkdtempSync(join(tmpdir(), 'rsl-catch-up-'));
const servers = serversOn({ hosts: localHosts(3), directory, firstPort: 27_600 });

try {
  for (const server of servers) mkdirSync(server.options.directory, { recursive: true });
  for (const server of servers) server.start();
  const clients = servers.map((server) => server.client());
  const leaderId = await leaderOf(clients);
  const leader = servers[leaderId - 1];
  const client = clients[leaderId - 1];
  const follower = servers.find(({ id }) => id !== leaderId);
  if (leader === undefined || client === undefined || follower === undefined) throw new Error();
  const value = 'x'.repeat(64);
  let written = 0;
  const write = async (count: number): Promise<void> => {
    for (let done = 0; done < count; done += depth) {
      const pipeline = client.pipeline();
      for (let i = 0; i < depth; i += 1) pipeline.set(`key:${(written += 1) % 10_000}`, value);
      for (const [error] of (await pipeline.exec()) ?? []) if (error) throw error;
    }
  };
  await write(20_000);
  const beforeBytes = leader.memoryBytes();
  let mostBytes = beforeBytes;
  const sample = setInterval(() => (mostBytes = Math.max(mostBytes, leader.memoryBytes())), 20);

  follower.signal('SIGSTOP');
  const awayFromMs = performance.now();
  await write(commands);
  const awayMs = performance.now() - awayFromMs;

  const behindFrom = (await statusOf(client)).executedThrough;
  follower.signal('SIGCONT');
  const backAtMs = performance.now();
  let serving = true;
  let servedMeanwhile = 0;
  const load = (async () => {
    while (serving) {
      await write(depth);
      servedMeanwhile += depth;
    }
  })();
  const their = clients[follower.id - 1] ?? client;
  await until('it has executed all that it missed', async () => {
    return (await statusOf(their)).executedThrough >= behindFrom;
  });
  const caughtUpMs = performance.now() - backAtMs;
  await until('it keeps up with the load', async () => {
    const [mine, theirs] = await Promise.all([statusOf(client), statusOf(their)]);
    return theirs.executedThrough + 200 >= mine.executedThrough;
  });
  serving = false;
  await load;
  clearInterval(sample);
  for (const each of clients) each.disconnect();
  const senderGrowthMiB = Math.round((mostBytes - beforeBytes) / MiB);
  console.log(
    JSON.stringify({
      commands,
      awayMs: Math.round(awayMs),
      caughtUpMs: Math.round(caughtUpMs),
      servedMeanwhile,
      senderBeforeMiB: Math.round(beforeBytes / MiB),
      senderGrowthMiB,
      senderGrowthMiBMax,
    }),
  );
  if (senderGrowthMiB > senderGrowthMiBMax || servedMeanwhile === 0) process.exitCode = 1;
} finally {
  await Promise.all(servers.map((server) => server.end('SIGKILL')));
  rmSync(directory, { recursive: true, force: true });
}
