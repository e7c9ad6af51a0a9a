// The store passes the kit; a replica on it outlives a torn line, and refuses a damaged file.
import assert from 'node:assert/strict';
import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defaultLimits, silentLogger, startReplica, typed } from '@rsl/core';
import { logStoreCases } from '@rsl/core/conformance';
import {
  MemoryNetwork,
  memoryTransport,
  SeededRandom,
  SimClock,
  SimWorld,
} from '@rsl/core/testing';
import { ownLog } from './own-log.ts';

const folder = await mkdtemp(join(tmpdir(), 'rsl-own-store-'));

const context = {
  group: 'kit',
  self: 1,
  limits: defaultLimits,
  clock: new SimClock(new SimWorld()),
  random: new SeededRandom(1),
  logger: silentLogger,
};
for (const [i, { name, run }] of logStoreCases.entries()) {
  await run(() => ownLog(join(folder, `case-${i}`)).open(context)).catch((cause: unknown) => {
    throw new Error(`not kept: ${name}`, { cause });
  });
}

let total = 0;
const directory = join(folder, 'replica');
async function start() {
  total = 0;
  const stateMachine = typed<number, number, number>({
    execute: (add) => (total += add),
    snapshot: () => total,
    restore: (saved) => {
      total = saved;
    },
  });
  const transport = memoryTransport(new MemoryNetwork(), 'replica-1');
  const log = ownLog(directory);
  const replica = await startReplica({ group: 'own', self: 1, stateMachine, log, transport });
  await replica.bootstrap([{ id: 1, addresses: { memory: 'replica-1' } }]);
  return replica;
}

const first = await start();
for (const add of [1, 2, 3]) await first.propose(add);
await assert.rejects(start(), { code: 'RSL_STORAGE_LOCKED' });
await first.close();

const file = join(directory, 'log');
await appendFile(file, '12345678 [{"kind":"vote", and here the power fai');
const again = await start();
assert.equal(await again.propose(4), 10);
await again.close();

const bytes = await readFile(file);
const middle = bytes.length >> 1;
bytes[middle] = (bytes[middle] ?? 0) ^ 1;
await writeFile(file, bytes);
await assert.rejects(start(), { code: 'RSL_LOG_CORRUPT' });

console.log(`${logStoreCases.length} cases kept; a torn line cut off; a damaged file refused`);
await rm(folder, { recursive: true });
