/**
 * Many groups on one link, over loopback from one process to another: how long they take to be up,
 * what they cost while nobody says anything, and how many small frames arrive in a second.
 *
 *   node --conditions=@rsl/source --import ../../tools/build/run-sources.mjs bench/groups.ts
 *
 * Prints one line of JSON. Arguments: groups (1000), bytes of a frame (64), seconds (3).
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { defaultLimits, type ProcessContext, silentLogger } from '@rsl/core';
import type { Endpoint } from '@rsl/core/protocol';
import { tcp } from '../src/index.ts';

const context: ProcessContext = {
  limits: defaultLimits,
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

const child = process.argv[2] === 'child';
const [groupsText = '1000', bytesText = '64', secondsText = '3'] = process.argv.slice(
  child ? 3 : 2,
);
const groups = Number(groupsText);
const frameBytes = Number(bytesText);
const seconds = Number(secondsText);
const names = Array.from({ length: groups }, (_, i) => `group ${i}`);
const localOf = (id: number, group: string) => ({
  group,
  id,
  store: id.toString(16).padStart(16, '0'),
  instance: id,
});
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** What this process uses of a core while time passes. */
async function cpuShareOver(ms: number): Promise<number> {
  const before = process.cpuUsage();
  const startedMs = performance.now();
  await pause(ms);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000 / (performance.now() - startedMs);
}

/** Counts what arrives. */
async function receive(): Promise<void> {
  const transport = await tcp('127.0.0.1:0').open(context);
  let frames = 0;
  for (const name of names) {
    transport.open(localOf(2, name), {
      frame: () => {
        frames += 1;
      },
      peer: () => {},
      drain: () => {},
    });
  }
  process.on('message', (sent: number) => {
    const whenAll = (): void => {
      if (frames < sent) {
        setImmediate(whenAll);
        return;
      }
      process.send?.({ frames });
      void transport.close().then(() => process.disconnect());
    };
    whenAll();
  });
  process.send?.(transport.address);
}

/** All are up, then nothing is said for a while, then each sends what its queue takes. */
async function send(): Promise<void> {
  const transport = await tcp('127.0.0.1:0').open(context);
  const receiver = fork(fileURLToPath(import.meta.url), ['child', ...process.argv.slice(2)], {
    execArgv: process.execArgv,
  });
  const [address] = (await once(receiver, 'message')) as [string];
  const parts = [new Uint8Array(frameBytes).fill(7)];
  let up = 0;
  let sending = false;
  let sent = 0;
  const pump = (endpoint: Endpoint): void => {
    // A hundred at a time, as a leader's turn would.
    for (let i = 0; sending && i < 100; i++) {
      if (!endpoint.send(2, 'votes', parts)) return;
      sent += 1;
    }
    if (sending) setImmediate(() => pump(endpoint));
  };
  const startedMs = performance.now();
  const endpoints = names.map((name) => {
    const endpoint = transport.open(localOf(1, name), {
      frame: () => {},
      peer: () => void (up += 1),
      drain: () => pump(endpoint),
    });
    endpoint.peers([{ id: 2, addresses: { tcp: address } }]);
    return endpoint;
  });
  while (up < groups) await pause(1);
  const upAfterMs = performance.now() - startedMs;
  await pause(500);
  const idleCpu = await cpuShareOver(seconds * 1_000);

  const busyMs = performance.now();
  sending = true;
  for (const endpoint of endpoints) pump(endpoint);
  const busyCpu = await cpuShareOver(seconds * 1_000);
  sending = false;
  receiver.send(sent);
  const [{ frames }] = (await once(receiver, 'message')) as [{ frames: number }];
  const overMs = performance.now() - busyMs;
  const counters = transport.counters();
  console.log(
    JSON.stringify({
      groups,
      frameBytes,
      upAfterMs: Math.round(upAfterMs),
      idleCpuPercent: Number((idleCpu * 100).toFixed(2)),
      sent,
      arrived: frames,
      framesPerSecond: Math.round((frames / overMs) * 1_000),
      busyCpuPercent: Math.round(busyCpu * 100),
      writes: counters['writes'],
      links: counters['links'],
      node: process.version,
    }),
  );
  await transport.close();
}

await (child ? receive() : send());
