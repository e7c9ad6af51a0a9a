// The store passes the kit; a replica on it outlives `kill -9`, and refuses a damaged file.
import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
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

async function start(directory: string) {
  const notes: string[] = [];
  const stateMachine = typed<string, number, readonly string[]>({
    execute: (note) => notes.push(note),
    snapshot: () => notes,
    restore: (saved) => void notes.splice(0, notes.length, ...saved),
  });
  const transport = memoryTransport(new MemoryNetwork(), 'replica-1');
  const log = ownLog(directory);
  const replica = await startReplica({ group: 'own', self: 1, stateMachine, log, transport });
  await replica.bootstrap([{ id: 1, addresses: { memory: 'replica-1' } }]);
  return replica;
}

/** Notes one thing after the other, and says how many are noted, until it is killed. */
async function writeOn(directory: string): Promise<never> {
  const replica = await start(directory);
  for (;;) process.send?.(await replica.propose('remember me'));
}

async function keepTheKit(folder: string): Promise<void> {
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
}

async function outliveKill(directory: string): Promise<number> {
  const child = fork(fileURLToPath(import.meta.url), [directory]);
  let told = 0;
  child.on('message', (noted) => {
    told = Number(noted);
    if (told === 20) child.kill('SIGKILL');
  });
  await once(child, 'exit');
  const replica = await start(directory);
  const noted = (await replica.propose('remember me too')) - 1;
  assert.ok(told >= 20 && noted >= told, `${told} were acknowledged, ${noted} are there`);
  await assert.rejects(start(directory), { code: 'RSL_STORAGE_LOCKED' });
  await replica.close();
  return noted;
}

async function refuseDamage(directory: string): Promise<void> {
  const file = join(directory, 'log.db');
  const bytes = await readFile(file);
  // SQLite leaves old copies where it has moved something: all of them lose the same bit.
  for (let at = bytes.indexOf('remember'); at >= 0; at = bytes.indexOf('remember', at))
    bytes[at] = (bytes[at] ?? 0) ^ 1;
  await writeFile(file, bytes);
  await assert.rejects(start(directory), { code: 'RSL_LOG_CORRUPT' });
}

const [directory] = process.argv.slice(2);
if (directory !== undefined) await writeOn(directory);
const folder = await mkdtemp(join(tmpdir(), 'rsl-own-store-'));
await keepTheKit(folder);
const noted = await outliveKill(join(folder, 'replica'));
await refuseDamage(join(folder, 'replica'));
await rm(folder, { recursive: true });
console.log(
  `${logStoreCases.length} cases kept; ${noted} commands outlived a kill; damage refused`,
);
