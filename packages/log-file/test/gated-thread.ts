/**
 * The writer's thread with a medium that a test has in its hand: each write waits while the gate
 * is shut, and fails, throws or ends the thread as the gate says.
 */
import fs from 'node:fs';
import { getEnvironmentData } from 'node:worker_threads';
import { gate } from './gate.ts';

const words = new Int32Array(getEnvironmentData('gate') as SharedArrayBuffer);
const { writeSync } = fs;

fs.writeSync = ((...given: Parameters<typeof writeSync>) => {
  Atomics.add(words, gate.writes, 1);
  Atomics.notify(words, gate.writes);
  Atomics.wait(words, gate.state, gate.shut);
  if (Atomics.load(words, gate.state) === gate.exit) process.exit(3);
  return writeSync(...given);
}) as typeof writeSync;

await import('../src/writer-thread.ts');
