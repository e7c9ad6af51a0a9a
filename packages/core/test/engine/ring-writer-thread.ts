/** Writes records as fast as there is room: number i is (7,919 i) modulo 3,000 bytes of i. */
import { parentPort, workerData } from 'node:worker_threads';
import { RingWriter } from '../../src/engine/ring.ts';

const { memory, records } = workerData as { memory: SharedArrayBuffer; records: number };
const writer = new RingWriter(memory, () => parentPort?.postMessage('wake'));
for (let i = 0; i < records; i += 1) {
  const record = new Uint8Array((i * 7_919) % 3_000).fill(i % 256);
  while (!writer.offer(1 + (i % 255), [record]));
}
while (!writer.flush());
