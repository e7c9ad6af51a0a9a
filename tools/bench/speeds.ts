/** How fast a link and a disk are by themselves, used as copies of snapshots use them. */
import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { defaultLimits, type ProcessContext, silentLogger } from '@rsl/core';
import { routedTcp } from './routed-tcp.ts';
import { until } from './wait.ts';
import type { Setup } from './words.ts';

const MiB = 1024 * 1024;
const frameBytes = 256 * 1024;
const syncEveryBytes = 8 * MiB;

const context: ProcessContext = {
  limits: defaultLimits,
  clock: {
    nowMs: () => performance.now(),
    wallMs: () => Date.now(),
    everyMs: (periodMs, tick) => {
      const timer = setInterval(tick, periodMs);
      return () => clearInterval(timer);
    },
    soon: (run) => void setImmediate(run),
  },
  random: { below: (limit) => Math.floor(Math.random() * limit) },
  logger: silentLogger,
};

interface Link {
  readonly from: number;
  readonly to: number;
  readonly ms: number;
}

/** Bytes per second over one bulk lane, as fast as it takes them; called at both of its ends. */
export async function linkSpeed(setup: Setup, { from, ms, to }: Link): Promise<number> {
  const { id, listen, members, routes } = setup;
  const transport = await routedTcp({ listen, routes }).open(context);
  const frame = new Uint8Array(frameBytes);
  let [bytes, isUp, isOver] = [0, false, false];
  const send = (): void => {
    while (!isOver && id === from && endpoint.send(to, 'bulk', [frame])) bytes += frameBytes;
  };
  const endpoint = transport.open(
    { group: 'link', id, store: `000000000000000${id}`, instance: id },
    {
      frame: (_, { length }) => void (bytes += length),
      peer: (_, up) => void (isUp = up),
      drain: send,
    },
  );
  try {
    endpoint.peers(members.filter((member) => member.id === (id === from ? to : from)));
    await until('the link', () => isUp || undefined);
    const fromMs = performance.now();
    send();
    await sleep(ms);
    isOver = true;
    return (1_000 * bytes) / (performance.now() - fromMs);
  } finally {
    // The other end counts as long as this one does.
    await sleep(200);
    await transport.close();
  }
}

/** Bytes per second to a new file, made durable in steps. */
export async function diskSpeed(folder: string, bytes: number): Promise<number> {
  const name = join(folder, 'speed');
  const file = await open(name, 'wx');
  try {
    const part = Buffer.alloc(frameBytes, 1);
    const fromMs = performance.now();
    for (let at = 0; at < bytes; at += frameBytes) {
      await file.write(part, 0, frameBytes, at);
      if ((at + frameBytes) % syncEveryBytes === 0) await file.sync();
    }
    await file.sync();
    return (1_000 * bytes) / (performance.now() - fromMs);
  } finally {
    await file.close();
    await rm(name);
  }
}
