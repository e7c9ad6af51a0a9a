import { type ChildProcess, fork } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { fileLog } from '../src/index.ts';
import {
  append,
  contextOf,
  openAndRecover,
  openFiles,
  range,
  recordsOf,
  shapeOf,
  shapesOf,
  smallOptions,
  temporaryDirectory,
  vote,
} from './stage.ts';

const children: ChildProcess[] = [];

afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

interface Child {
  readonly child: ChildProcess;
  readonly said: string[];
  /** Resolves with the first line that it says and that `wanted` likes. */
  hear(wanted: (line: string) => boolean): Promise<string>;
  gone(): Promise<number | null>;
}

function start(what: string, directory: string): Child {
  const file = new URL('./child.ts', import.meta.url);
  const child = fork(file, [what, directory], { execArgv: process.execArgv, stdio: 'inherit' });
  children.push(child);
  const said: string[] = [];
  const waiting: { wanted: (line: string) => boolean; resolve: (line: string) => void }[] = [];
  child.on('message', (line: string) => {
    said.push(line);
    for (const { wanted, resolve } of waiting) if (wanted(line)) resolve(line);
  });
  const exit = new Promise<number | null>((resolve) => child.once('exit', resolve));
  return {
    child,
    said,
    hear: (wanted) =>
      new Promise((resolve) => {
        const before = said.find(wanted);
        if (before !== undefined) resolve(before);
        else waiting.push({ wanted, resolve });
      }),
    gone: () => exit,
  };
}

const is = (wanted: string) => (line: string) => line === wanted;
const anything = () => true;

describe('one process for each directory (S7)', () => {
  test('a second process is refused, and let in when the first was killed', async () => {
    const directory = temporaryDirectory();
    const first = start('rest', directory);
    await first.hear(is('open'));
    first.child.kill('SIGSTOP');
    expect(await start('rest', directory).hear(anything)).toBe('RSL_STORAGE_LOCKED');
    await expect(openFiles(directory)).rejects.toMatchObject({ code: 'RSL_STORAGE_LOCKED' });

    first.child.kill('SIGKILL');
    await first.gone();
    const { log } = await openAndRecover(directory);
    await log.close();
  }, 30_000);

  test('the message names the process that has it, also if that is busy', async () => {
    const directory = temporaryDirectory();
    const first = start('block', directory);
    await first.hear(is('open'));
    await expect(openFiles(directory)).rejects.toThrow(/is used by another process/);
    const other = temporaryDirectory();
    const { log } = await openAndRecover(other);
    await expect(openFiles(other)).rejects.toThrow(`is used by process ${process.pid}`);
    await log.close();
  }, 30_000);

  test('of many that come at the same time after a crash exactly one gets in', async () => {
    const directory = temporaryDirectory();
    const first = start('block', directory);
    await first.hear(is('open'));
    first.child.kill('SIGKILL');
    await first.gone();
    for (let round = 0; round < 10; round++) {
      const results = await Promise.allSettled(range(1, 12).map(() => openFiles(directory)));
      const logs = results.flatMap((r) => (r.status === 'fulfilled' ? [r.value] : []));
      expect(logs).toHaveLength(1);
      for (const result of results) {
        if (result.status === 'rejected') {
          expect(result.reason).toMatchObject({ code: 'RSL_STORAGE_LOCKED' });
        }
      }
      await logs[0]?.close();
    }
    const racers = range(1, 4).map(() => start('block', directory));
    const said = await Promise.all(racers.map((racer) => racer.hear(anything)));
    expect(said.sort()).toEqual([...Array<string>(3).fill('RSL_STORAGE_LOCKED'), 'open']);
  }, 60_000);

  test('in a directory whose path is longer than the address of a socket', async () => {
    const directory = path.join(temporaryDirectory(), 'd'.repeat(100), 'e'.repeat(100));
    const { log } = await openAndRecover(directory);
    await expect(openFiles(directory)).rejects.toMatchObject({ code: 'RSL_STORAGE_LOCKED' });
    await log.close();
    await (await openAndRecover(directory)).log.close();
  });

  test('names of earlier owners do not pile up', async () => {
    const directory = temporaryDirectory();
    for (const _ of range(1, 5)) await (await openAndRecover(directory)).log.close();
    const locks = fs.readdirSync(directory).filter((name) => name.startsWith('lock.'));
    expect(locks).toEqual(['lock.5']);
  });
});

test('kill -9 in the middle: everything that was said to be durable is there', async () => {
  const directory = temporaryDirectory();
  let before = 0;
  for (const round of range(1, 4)) {
    const child = start('append', directory);
    await child.hear((line) => Number(line) >= before + round * 150);
    child.child.kill('SIGKILL');
    await child.gone();
    const durable = Math.max(...child.said.map(Number).filter((n) => !Number.isNaN(n)));
    const { log, records } = await openAndRecover(directory, {
      ...smallOptions,
      segmentBytes: 256 * 1024,
    });
    expect(records.length).toBeGreaterThanOrEqual(durable);
    const wanted = range(1, records.length).map((n) => shapeOf(vote(n, 1, (n * 97) % 9_000)));
    expect(shapesOf(records)).toEqual(wanted);
    before = records.length;
    await log.close();
  }
}, 60_000);

test('an open log at rest does not keep its process alive', async () => {
  const child = start('rest', temporaryDirectory());
  await child.hear(is('open'));
  expect(await child.gone()).toBe(0);
}, 30_000);

test('the same again on another thread: module, name and options', async () => {
  const directory = temporaryDirectory();
  const { remote } = fileLog(directory, { segmentBytes: 65_536 });
  expect(structuredClone(remote)).toEqual(remote);
  const module = (await import(remote?.module as string)) as Record<string, unknown>;
  const make = module[remote?.name as string] as (options: unknown) => ReturnType<typeof fileLog>;
  const log = await make(remote?.options).open(contextOf());
  await recordsOf(log);
  await append(log, [vote(1)]);
  await log.close();
});
