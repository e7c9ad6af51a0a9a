/**
 * What an append costs on this machine: `node bench/append.mjs [directory]`, after `pnpm build`.
 *
 * One append at a time shows the latency of a durable write; many at a time show group commit.
 */
import fs from 'node:fs';
import path from 'node:path';
import { crc32 } from 'node:zlib';
import { silentLogger } from '@rsl/core';
import { fileLog } from '@rsl/log-file';

const root = process.argv[2] ?? fs.mkdtempSync(path.join(process.cwd(), 'log-bench-'));
const context = {
  group: 'bench',
  self: 1,
  limits: {},
  clock: {
    nowMs: () => performance.now(),
    wallMs: () => Date.now(),
    everyMs(periodMs, tick) {
      const timer = setInterval(() => tick(), periodMs);
      return () => clearInterval(timer);
    },
    soon: (run) => void setImmediate(() => run()),
  },
  random: { below: (limit) => Math.floor(Math.random() * limit) },
  logger: silentLogger,
};

function voteOf(slot, bytes) {
  const ballot = { configuration: 1, round: 1, proposer: 1 };
  return { kind: 'vote', slot, vote: { ballot, value: { bytes, checksum: crc32(bytes) } } };
}

async function measure(sync, bytes, atOnce, count) {
  const directory = fs.mkdtempSync(path.join(root, 'run-'));
  const log = await fileLog(directory, { sync }).open(context);
  await log.recover(() => {});
  const value = new Uint8Array(bytes).fill(1);
  // Let the spare segment be prepared, which a replica does once in 64 MiB.
  await new Promise((resolve) => setTimeout(resolve, 400));
  const latencies = new Float64Array(count);
  let slot = 0;
  let done = 0;
  const startedMs = performance.now();
  await new Promise((resolve) => {
    const next = () => {
      if (slot === count) return;
      const mine = slot++;
      const appendedMs = performance.now();
      log.append([voteOf(mine + 1, value)], () => {
        latencies[mine] = performance.now() - appendedMs;
        done += 1;
        if (done === count) resolve();
        else next();
      });
    };
    for (let i = 0; i < atOnce; i++) next();
  });
  const seconds = (performance.now() - startedMs) / 1000;
  latencies.sort();
  const us = (share) => Math.round(latencies[Math.floor(count * share)] * 1000);
  const rate = Math.round(count / seconds);
  const megabytes = Math.round((count * bytes) / seconds / 1e6);
  console.log(
    `${sync.padEnd(7)} ${String(bytes).padStart(8)} B  ${String(atOnce).padStart(4)} at once  ` +
      `${String(rate).padStart(8)}/s  ${String(megabytes).padStart(5)} MB/s  ` +
      `p50 ${us(0.5)} µs  p99 ${us(0.99)} µs`,
  );
  if (atOnce > 1 && bytes === 100) await measureReading(log, count);
  await log.close();
  fs.rmSync(directory, { recursive: true });
}

async function measureReading(log, count) {
  const startedMs = performance.now();
  for (let next = 1; next <= count; ) {
    next += (await log.read(next, count, 1024 * 1024)).length;
  }
  const seconds = (performance.now() - startedMs) / 1000;
  console.log(`        reading them back, 1 MiB at a time: ${Math.round(count / seconds)}/s`);
}

try {
  for (const sync of ['thread', 'inline', 'none']) {
    await measure(sync, 64, 1, 5_000);
    await measure(sync, 65_536, 1, 2_000);
    await measure(sync, 1_048_576, 1, 200);
    await measure(sync, 100, 1_000, 200_000);
    await measure(sync, 65_536, 16, 4_000);
  }
} finally {
  if (process.argv[2] === undefined) fs.rmSync(root, { recursive: true });
}
