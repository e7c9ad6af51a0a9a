/**
 * Small frames over loopback from one process to another: how many arrive in a second.
 *
 *   node --conditions=@rsl/source --import ../../tools/build/run-sources.mjs bench/throughput.ts
 *
 * Prints one line of JSON. Arguments: bytes of a frame (64), seconds (3), who dials (sender).
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { defaultLimits, type PortContext, silentLogger } from '@rsl/core';
import { tcp } from '../src/index.ts';

const context: PortContext = {
  group: 'bench',
  self: 1,
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
const [bytesText = '64', secondsText = '3', dialer = 'sender', senderAddress = ''] =
  process.argv.slice(child ? 3 : 2);
const frameBytes = Number(bytesText);
const seconds = Number(secondsText);

/** Counts what arrives, from the first frame to the last. */
async function receive(): Promise<void> {
  const transport = await tcp('127.0.0.1:0').open(context);
  let frames = 0;
  let firstMs = 0;
  const local = { group: 'bench', id: 2, store: '0000000000000002', instance: 2 };
  const endpoint = transport.open(local, {
    frame: () => {
      if (frames === 0) firstMs = performance.now();
      frames += 1;
    },
    peer: (_, up) => {
      if (up) return;
      const cpu = process.cpuUsage();
      const ms = performance.now() - firstMs;
      process.send?.({ frames, ms, cpuMs: (cpu.user + cpu.system) / 1_000 });
      void transport.close().then(() => process.disconnect());
    },
    drain: () => {},
  });
  if (dialer === 'receiver') endpoint.peers([{ id: 1, addresses: { tcp: senderAddress } }]);
  process.send?.(transport.address);
}

/** As many frames as the queue takes; goes on at each drain. */
async function send(): Promise<void> {
  const transport = await tcp('127.0.0.1:0').open(context);
  const args = ['child', bytesText, secondsText, dialer, transport.address];
  const receiver = fork(fileURLToPath(import.meta.url), args, { execArgv: process.execArgv });
  const frame = new Uint8Array(frameBytes).fill(7);
  const parts = [frame];
  const untilMs = performance.now() + seconds * 1_000;
  const pump = (): void => {
    while (performance.now() < untilMs) {
      for (let i = 0; i < 1_000; i++) if (!endpoint.send(2, 'votes', parts)) return;
    }
    endpoint.close();
  };
  const local = { group: 'bench', id: 1, store: '0000000000000001', instance: 1 };
  const endpoint = transport.open(local, {
    frame: () => {},
    peer: (_, up) => up && pump(),
    drain: pump,
  });
  const [address] = (await once(receiver, 'message')) as [string];
  if (dialer === 'sender') endpoint.peers([{ id: 2, addresses: { tcp: address } }]);
  const [{ frames, ms, cpuMs }] = (await once(receiver, 'message')) as [Received];
  const cpu = process.cpuUsage();
  console.log(
    JSON.stringify({
      frameBytes,
      dialer,
      frames,
      framesPerSecond: Math.round((frames / ms) * 1_000),
      mibPerSecond: Math.round((frames * frameBytes) / ms / 1.048576 / 1_000),
      senderCpuSeconds: Number(((cpu.user + cpu.system) / 1e6).toFixed(1)),
      receiverCpuSeconds: Number((cpuMs / 1e3).toFixed(1)),
      node: process.version,
    }),
  );
  await transport.close();
}

interface Received {
  readonly frames: number;
  readonly ms: number;
  readonly cpuMs: number;
}

await (child ? receive() : send());
