import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { expect, test } from 'vitest';
import { RingReader, ringMemory } from '../../src/engine/ring.ts';

test('two threads that write and read as fast as they can lose and change nothing', async () => {
  // Small memory, so that it is full, empty and at its end all the time.
  const memory = ringMemory(4_096);
  const reader = new RingReader(memory);
  const records = 20_000;
  const file = new URL('./ring-writer-thread.ts', import.meta.url);
  const worker = new Worker(file, { workerData: { memory, records } });
  let seen = 0;
  let woken: () => void = () => undefined;
  worker.on('message', () => woken());
  const check = (kind: number, record: Uint8Array): void => {
    const isSame = kind === 1 + (seen % 255) && record.length === (seen * 7_919) % 3_000;
    const value = seen % 256;
    if (!isSame || record.some((byte) => byte !== value)) throw new Error(`${seen} is changed`);
    seen += 1;
  };
  while (seen < records) {
    while (reader.read(check));
    const waits = new Promise<void>((resolve) => (woken = resolve));
    if (seen < records && reader.sleep()) await waits;
  }
  await once(worker, 'exit');
  expect(reader.read(check)).toBe(false);
}, 60_000);
