/**
 * What sharing a log is worth on this machine: `node bench/shared.mjs [directory]`, after a build.
 *
 * Each group has one append under way at a time: one alone, and a hundred in one log. Then
 * the shared log is opened again, and all its groups recover.
 */
import fs from 'node:fs';
import path from 'node:path';
import { crc32 } from 'node:zlib';
import { silentLogger } from '@rsl/core';
import { fileLog, sharedFileLog } from '@rsl/log-file';

const root = process.argv[2] ?? fs.mkdtempSync(path.join(process.cwd(), 'log-bench-'));
const seconds = 4;
const options = { segmentBytes: 16 * 1024 * 1024 };
const contextOf = (group) => ({
  group,
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
});

const bytes = new Uint8Array(100).fill(1);
const value = { bytes, checksum: crc32(bytes) };
const voteOf = (slot) => ({
  kind: 'vote',
  slot,
  vote: { ballot: { configuration: 1, round: 1, proposer: 1 }, value },
});

/** Appends for a while, one after the other in each log; how many in a second. */
async function measure(logs) {
  const startedMs = performance.now();
  let done = 0;
  await Promise.all(
    logs.map(async (log) => {
      let slot = log.info().lastSlot;
      while (performance.now() - startedMs < seconds * 1_000) {
        await new Promise((resolve, reject) => {
          log.append([voteOf(++slot)], (error) => (error ? reject(error) : resolve()));
        });
        done += 1;
      }
    }),
  );
  return Math.round(done / ((performance.now() - startedMs) / 1_000));
}

async function opened(ports) {
  const logs = await Promise.all(ports.map((port, i) => port.open(contextOf(`group ${i}`))));
  for (const log of logs) await log.recover(() => {});
  return logs;
}

async function run(name, ports) {
  const logs = await opened(ports);
  const perSecond = await measure(logs);
  for (const log of logs) await log.close();
  console.log(`${name}: ${perSecond} appends/s`);
  return perSecond;
}

const numbers = Array.from({ length: 100 }, (_, i) => i);
const shared = sharedFileLog(path.join(root, 'shared'), options);
const ports = numbers.map(() => shared.group());
const one = await run('one group', [fileLog(path.join(root, 'one'), options)]);
const many = await run('100 groups, one log', ports);
const startedMs = performance.now();
const logs = await opened(ports);
const openedMs = Math.round(performance.now() - startedMs);
const slots = logs.reduce((sum, log) => sum + log.info().lastSlot, 0);
for (const log of logs) await log.close();
fs.rmSync(root, { recursive: true });
console.log(JSON.stringify({ one, many, ratio: many / one, openedMs, slots }));
