import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import type { LogRecord, Membership } from '@rsl/core/protocol';
import { runTask, stepBytes, systemFiles, type Task } from '../src/files.ts';
import { SlotTable } from '../src/slot-table.ts';
import type { Finished, Writer } from '../src/writer.ts';
import {
  append,
  KiB,
  openAndRecover,
  openFiles,
  range,
  shapesOf,
  smallOptions,
  temporaryDirectory,
  vote,
} from './stage.ts';

/** Writes at once, and says so when the test lets it. */
class HeldWriter implements Writer {
  readonly #files = systemFiles('none');
  readonly #memory: Uint8Array[] = [];
  readonly held: Finished[] = [];
  isHolding = false;
  writes = 0;

  lend(buffer: 0 | 1, memory: SharedArrayBuffer): void {
    this.#memory[buffer] = new Uint8Array(memory);
  }

  write(buffer: 0 | 1, length: number, fd: number, position: number, finished: Finished): void {
    this.writes += 1;
    const bytes = this.#memory[buffer]?.subarray(0, length) ?? new Uint8Array(0);
    this.#files.write(fd, bytes, position);
    if (this.isHolding) this.held.push(finished);
    else queueMicrotask(() => finished());
  }

  run(task: Task, finished: Finished): void {
    runTask(this.#files, task);
    queueMicrotask(() => finished());
  }

  letGo(error?: NodeJS.ErrnoException): void {
    for (const finished of this.held.splice(0)) finished(error);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

async function held() {
  const writer = new HeldWriter();
  const options = { ...smallOptions, markAfterMs: 60_000 };
  const directory = temporaryDirectory();
  const { log } = await openAndRecover(directory, options, undefined, undefined, writer);
  const told: string[] = [];
  const ask = (name: string, records: readonly LogRecord[]): void =>
    log.append(records, (error) => told.push(error === undefined ? name : `${name} ${error.code}`));
  writer.isHolding = true;
  return { ask, log, told, writer };
}

test('creating a store writes one piece in a turn: others use the thread too', async () => {
  const system = systemFiles('none');
  let writes = 0;
  const write: typeof system.write = (...given) => {
    writes += 1;
    system.write(...given);
  };
  const inATurn: number[] = [];
  const options = { ...smallOptions, segmentBytes: 4_096 * KiB };
  const opening = openFiles(temporaryDirectory(), options, { ...system, write });
  let isOpen = false;
  void opening.then(() => (isOpen = true));
  for (let before = 0; !isOpen; before = writes) {
    await turn();
    inATurn.push(writes - before);
  }
  expect(writes).toBeGreaterThan((4_096 * KiB) / stepBytes);
  // What follows the last piece is a header, an identity and the names.
  expect(Math.max(...inATurn)).toBeLessThan(4);
  await (await opening).close();
});

describe('an append', () => {
  test('is complete when its write is, and not before (P2)', async () => {
    const { ask, told, writer } = await held();
    ask('vote', [vote(1)]);
    await turn();
    expect([writer.writes, told]).toEqual([1, []]);
    writer.letGo();
    await turn();
    expect(told).toEqual(['vote']);
  });

  test('without records is done in a log that nothing was ever appended to', async () => {
    const { log } = await openAndRecover(temporaryDirectory(), smallOptions);
    await append(log, []);
    await log.close();
  });

  test('without records waits for the write before it (P2)', async () => {
    const { ask, told, writer } = await held();
    ask('vote', [vote(1)]);
    await turn();
    ask('barrier', []);
    await turn();
    expect(told).toEqual([]);
    writer.letGo();
    await turn();
    expect(told).toEqual(['vote', 'barrier']);
  });

  test('completes in the order of the calls, also with others in one write (P2)', async () => {
    const { ask, told, writer } = await held();
    for (const slot of range(1, 4)) ask(`${slot}`, [vote(slot)]);
    await turn();
    writer.letGo();
    await turn();
    expect(told).toEqual(['1', '2', '3', '4']);
  });

  test('fails after one that failed, and is not written (S4)', async () => {
    // What it builds on is not there; and an error of a sync is told only once.
    const { ask, told, writer } = await held();
    ask('first', [vote(1)]);
    await turn();
    writer.letGo(Object.assign(new Error('the test says so'), { code: 'EIO' }));
    await turn();
    writer.isHolding = false;
    ask('second', [vote(2)]);
    await turn();
    expect(told).toEqual(['first RSL_STORAGE_FAILED', 'second RSL_STORAGE_FAILED']);
    expect(writer.writes).toBe(1);
  });
});

const membership: Membership = {
  group: 'aaaaaaaaaaaaaaaa',
  number: 3,
  firstSlot: 1,
  members: [],
  previous: [],
};
const lasting: readonly LogRecord[] = [
  { kind: 'promise', ballot: { configuration: 1, round: 9, proposer: 3 } },
  { kind: 'configuration', membership },
  { kind: 'bootstrap', membership },
  { kind: 'start', count: 4, nonce: 5 },
  { kind: 'decided-through', slot: 7 },
];

test('what must outlive its segment does: promise, members, start, decided (P11)', async () => {
  const directory = temporaryDirectory();
  const { log } = await openAndRecover(directory);
  await append(log, lasting);
  const before = log.info().bytesUsed;
  for (const slot of range(8, 20)) await append(log, [vote(slot, 1, 20 * KiB)]);
  log.truncate(20);
  for (const slot of range(21, 24)) await append(log, [vote(slot, 1, 20 * KiB)]);
  expect(log.info().bytesUsed).toBeLessThan(before + 5 * 64 * KiB);
  await log.close();
  const again = await openAndRecover(directory);
  const shapes = shapesOf(again.records);
  expect(shapes).toEqual(expect.arrayContaining(shapesOf(lasting)));
  await again.log.close();
});

test('a segment stays as long as its last slot is needed (P11)', async () => {
  const directory = temporaryDirectory();
  const { log } = await openAndRecover(directory);
  for (const slot of range(1, 20)) await append(log, [vote(slot, 1, 20 * KiB)]);
  for (const first of range(2, 20)) {
    log.truncate(first);
    await append(log, [vote(20 + first)]);
    await append(log, []);
    await turn();
    expect(await log.read(first, first, KiB)).toHaveLength(1);
  }
  await log.close();
});

test('a directory has one log at a time (S7)', async () => {
  const directory = temporaryDirectory();
  const log = await openFiles(directory);
  await expect(openFiles(directory)).rejects.toMatchObject({ code: 'RSL_STORAGE_LOCKED' });
  await log.close();
  await (await openFiles(directory)).close();
});

test('a store whose identity is lost is damaged, not new (S6)', async () => {
  const directory = temporaryDirectory();
  const { log } = await openAndRecover(directory);
  await append(log, [vote(1)]);
  await log.close();
  fs.rmSync(path.join(directory, 'identity'));
  await expect(openFiles(directory)).rejects.toMatchObject({ code: 'RSL_LOG_CORRUPT' });
  expect(fs.readdirSync(directory)).toContain('0000000001.log');
});

test('a value that rots while the log is open is not given to anybody (P12)', async () => {
  const directory = temporaryDirectory();
  const { log } = await openAndRecover(directory);
  const record = vote(1);
  await append(log, [record]);
  const file = path.join(directory, '0000000001.log');
  const stored = fs.readFileSync(file);
  const bytes = record.kind === 'vote' ? record.vote.value.bytes : new Uint8Array(0);
  const at = stored.indexOf(bytes);
  const fd = fs.openSync(file, 'r+');
  fs.writeSync(fd, Uint8Array.of((stored[at] ?? 0) ^ 1), 0, 1, at);
  fs.closeSync(fd);
  await expect(log.read(1, 1, KiB)).rejects.toMatchObject({ code: 'RSL_LOG_CORRUPT' });
  await log.close();
});

test('where a decided value is stays known, whatever is voted there later (P11)', () => {
  const table = new SlotTable();
  const decided = { slot: 4, ballot: undefined, offset: 64, length: 1, checksum: 1 };
  const ballot = { configuration: 1, round: 9, proposer: 1 };
  table.add(decided);
  table.add({ ...decided, ballot, offset: 128 });
  expect(table.find(4)).toEqual(decided);
});
