// `npm start` as a user sees it: three replicas come up, redis-cli talks to each, redis-benchmark
// loads the leader and a follower without an error, ioredis and node-redis do the same and check
// every reply, Ctrl-C stops, the next start has the data.
// Needs redis-cli and redis-benchmark. The last line is JSON.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ReplicaStatus } from '@rsl/core';
import { benchmarkWith, clientNames } from './clients.ts';

const main = fileURLToPath(new URL('../cluster/main.mjs', import.meta.url));
const ports = [26_401, 26_402, 26_403];
const requests = 100_000;
const inFlight = 16;
const data = mkdtempSync(join(tmpdir(), 'rsl-demo-'));
type Rates = Record<string, number>;
const requestsPerSecond: Record<string, { leader: Rates; follower: Rates }> = {};

try {
  const first = await started();
  for (const [i, port] of ports.entries()) {
    expect(redis(port, 'set', `greeting:${i}`, `hello ${i}`), 'OK');
  }
  for (const port of ports) expect(redis(port, 'get', 'greeting:0'), 'hello 0');
  const { leader } = JSON.parse(redis(ports[0], 'rsl.status')) as ReplicaStatus;
  const leaderPort = ports[(leader ?? 1) - 1] as number;
  const followerPort = ports.find((port) => port !== leaderPort) as number;
  requestsPerSecond['redis-benchmark'] = {
    leader: benchmark(leaderPort),
    follower: benchmark(followerPort),
  };
  for (const client of clientNames) {
    requestsPerSecond[client] = {
      leader: await benchmarkWith(client, leaderPort, { requests, inFlight }),
      follower: await benchmarkWith(client, followerPort, { requests, inFlight }),
    };
  }
  await stopped(first);
  const second = await started();
  for (const port of ports) expect(redis(port, 'get', 'greeting:2'), 'hello 2');
  await stopped(second);
  console.log(JSON.stringify({ replicas: ports.length, requests, inFlight, requestsPerSecond }));
} finally {
  rmSync(data, { recursive: true, force: true });
}

/** Runs the cluster, and waits until it says that it is up. */
function started(): Promise<ChildProcess> {
  const args = ['--data', data, '--client-port', String(ports[0]), '--peer-port', '27401'];
  args.push('--session-port', '27501');
  const child = spawn(process.execPath, [main, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  return new Promise((resolve, reject) => {
    child.on('exit', (code) => reject(new Error(`the cluster ended with ${code}`)));
    child.stdout.on('data', (chunk: Buffer) => {
      process.stdout.write(chunk);
      if (String(chunk).includes('Ctrl-C stops')) resolve(child);
    });
  });
}

async function stopped(child: ChildProcess): Promise<void> {
  const code = await new Promise((resolve) => {
    child.removeAllListeners('exit');
    child.once('exit', resolve);
    child.kill('SIGINT');
  });
  expect(String(code), '0');
}

function redis(port: number | undefined, ...args: string[]): string {
  return execFileSync('redis-cli', ['-p', String(port), ...args], { encoding: 'utf8' }).trim();
}

function benchmark(port: number): Record<string, number> {
  const args = ['-p', String(port), '-t', 'set,get,incr,lpush', '-n', String(requests)];
  const csv = execFileSync('redis-benchmark', [...args, '-P', String(inFlight), '--csv'], {
    encoding: 'utf8',
  });
  if (/error/i.test(csv)) throw new Error(`redis-benchmark says: ${csv}`);
  const rows = csv.trim().split('\n').slice(1);
  if (rows.length !== 4) throw new Error(`redis-benchmark says: ${csv}`);
  return Object.fromEntries(
    rows.map((row) => {
      const [name = '', rate = ''] = row.split(',').map((cell) => cell.replaceAll('"', ''));
      return [name, Math.round(Number(rate))];
    }),
  );
}

function expect(actual: string, expected: string): void {
  if (actual !== expected) throw new Error(`“${actual}” instead of “${expected}”`);
}
