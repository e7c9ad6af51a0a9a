/** A caller on a thread of its own, whose engine counts in shared memory while it lives. */
import { setEnvironmentData, workerData } from 'node:worker_threads';
import { startReplica } from '@rsl/core';
import { DigestMachine } from '@rsl/core/testing';
import { lonelyLog } from './lonely-ports.ts';

setEnvironmentData('ticks', workerData);
const module = new URL('./ticking-transport.ts', import.meta.url).href;
const remote = { module, name: 'tickingTransport', options: undefined };
await startReplica({
  group: 'lonely',
  self: 1,
  isolation: 'thread',
  stateMachine: new DigestMachine(),
  log: lonelyLog(),
  transport: { open: () => Promise.reject(new Error('not here')), remote },
});
