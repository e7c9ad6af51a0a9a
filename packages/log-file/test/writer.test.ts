import fs from 'node:fs';
import { setEnvironmentData } from 'node:worker_threads';
import { describe, expect, test, vi } from 'vitest';
import type { FileLogStore } from '../src/file-log-store.ts';
import { ThreadWriter } from '../src/writer.ts';
import { gate } from './gate.ts';
import {
  append,
  eventually,
  KiB,
  openAndRecover,
  range,
  shapesOf,
  temporaryDirectory,
  vote,
} from './stage.ts';

// Threads take long to start on a busy machine.
vi.setConfig({ testTimeout: 30_000 });

const options = { sync: 'thread', segmentBytes: 256 * KiB, markAfterMs: 60_000 } as const;
const failed = { code: 'RSL_STORAGE_FAILED' };

interface Gated {
  readonly log: FileLogStore;
  readonly directory: string;
  set(this: void, state: 'open' | 'shut' | 'exit'): void;
  /** Resolves when a write has come to the gate since it was set. */
  writing(this: void): Promise<void>;
}

async function gated(): Promise<Gated> {
  const words = new Int32Array(new SharedArrayBuffer(8));
  setEnvironmentData('gate', words.buffer);
  const writer = new ThreadWriter('durable', new URL('./gated-thread.ts', import.meta.url));
  const directory = temporaryDirectory();
  const { log } = await openAndRecover(directory, options, undefined, undefined, writer);
  // The spare segment is there: from now on only groups are written.
  await append(log, [vote(1)]);
  await eventually(() => fs.readdirSync(directory).some((name) => name.startsWith('spare')));
  let before = 0;
  return {
    log,
    directory,
    set(state) {
      before = Atomics.load(words, gate.writes);
      Atomics.store(words, gate.state, gate[state]);
      Atomics.notify(words, gate.state);
    },
    async writing() {
      await eventually(() => Atomics.load(words, gate.writes) > before);
    },
  };
}

describe('a write that takes long', () => {
  test('holds up neither the event loop nor the order of what waits', async () => {
    const { log, directory, set, writing } = await gated();
    set('shut');
    const order: number[] = [];
    const all = range(2, 5).map((slot) => append(log, [vote(slot)]).then(() => order.push(slot)));
    const barrier = append(log, []).then(() => order.push(0));
    await writing();
    // Hundreds of turns go by, and reading goes on, while the write stands.
    for (const _ of range(1, 300)) await new Promise((resolve) => setImmediate(resolve));
    expect(await log.read(1, 9, 1e6)).toHaveLength(1);
    expect(log.info().lastSlot).toBe(1);
    expect(order).toEqual([]);
    set('open');
    await Promise.all([...all, barrier]);
    expect(order).toEqual([2, 3, 4, 5, 0]);
    await log.close();
    const again = await openAndRecover(directory);
    expect(shapesOf(again.records)).toEqual(shapesOf(range(1, 5).map((slot) => vote(slot))));
    await again.log.close();
  });

  test('is waited for when the log is closed', async () => {
    const { log, directory, set, writing } = await gated();
    set('shut');
    const written = append(log, [vote(2)]);
    await writing();
    let isClosed = false;
    const closing = log.close().then(() => (isClosed = true));
    await expect(append(log, [vote(3)])).rejects.toMatchObject({ code: 'RSL_CLOSED' });
    for (const _ of range(1, 100)) await new Promise((resolve) => setImmediate(resolve));
    expect(isClosed).toBe(false);
    // The lock is not given up while something may still be written.
    await expect(openAndRecover(directory)).rejects.toMatchObject({ code: 'RSL_STORAGE_LOCKED' });
    set('open');
    await Promise.all([written, closing]);
    const again = await openAndRecover(directory);
    expect(again.records).toHaveLength(2);
    await again.log.close();
  });
});

describe('a writer thread that ends', () => {
  test('in the middle of a write: everything that waits fails at once', async () => {
    const { log, set, writing, directory } = await gated();
    set('shut');
    const waiting = [append(log, [vote(2)]), append(log, [vote(3)]), append(log, [])];
    const settled = Promise.allSettled(waiting);
    await writing();
    set('exit');
    const results = await settled;
    const [first] = results;
    expect(first).toMatchObject({ status: 'rejected', reason: failed });
    const error: unknown = first?.status === 'rejected' ? first.reason : undefined;
    for (const result of results) expect(result).toEqual({ status: 'rejected', reason: error });
    await expect(append(log, [vote(4)])).rejects.toBe(error);
    await expect(log.renew()).rejects.toBe(error);
    await log.close();
    const again = await openAndRecover(directory);
    expect(again.records).toHaveLength(1);
    await again.log.close();
  });

  test('while nothing is asked of it: the next append fails', async () => {
    const writer = new ThreadWriter('durable');
    const directory = temporaryDirectory();
    const { log } = await openAndRecover(directory, options, undefined, undefined, writer);
    await append(log, [vote(1)]);
    await writer.terminate();
    await expect(append(log, [vote(2)])).rejects.toMatchObject(failed);
    await log.close();
    const again = await openAndRecover(directory);
    expect(again.records).toHaveLength(1);
    await again.log.close();
  });

  test('while the next segment is prepared: what needs that segment fails', async () => {
    const { log, set, writing } = await gated();
    await append(log, [vote(2, 1, 200_000)]);
    // The spare becomes the segment that is written to, and another one is prepared.
    set('shut');
    const next = append(log, [vote(3, 1, 200_000)]);
    const settled = Promise.allSettled([next]);
    await writing();
    set('exit');
    expect(await settled).toMatchObject([{ status: 'rejected', reason: failed }]);
    await log.close();
  });

  test('by an exception of its own, such as a thread that cannot be loaded', async () => {
    const writer = new ThreadWriter('durable', new URL('data:text/javascript,throw 1'));
    const directory = temporaryDirectory();
    const { log } = await openAndRecover(directory, options, undefined, undefined, writer);
    await expect(append(log, [vote(1)])).rejects.toMatchObject(failed);
    await log.close();
  });
});
