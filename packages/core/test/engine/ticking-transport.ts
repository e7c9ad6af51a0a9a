import { getEnvironmentData } from 'node:worker_threads';
import type { Port } from '@rsl/core';
import type { Transport } from '@rsl/core/protocol';
import { lonelyTransport } from './lonely-ports.ts';

/** Counts while its thread lives. */
export function tickingTransport(): Port<Transport> {
  const words = new Int32Array(getEnvironmentData('ticks') as SharedArrayBuffer);
  setInterval(() => Atomics.add(words, 0, 1), 10);
  return lonelyTransport();
}
