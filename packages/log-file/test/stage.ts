/** What the tests of this package share: directories and openings. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { LogRecord, PortContext } from '@rsl/core/protocol';
import { afterAll } from 'vitest';
import { FileLogStore } from '../src/file-log-store.ts';
import type { Files } from '../src/files.ts';
import { completeOptions, type FileLogOptions } from '../src/options.ts';
import type { Writer } from '../src/writer.ts';
import { contextOf, recordsOf, testClock } from './records.ts';

export * from './records.ts';

const directories: string[] = [];

afterAll(() => {
  for (const directory of directories) fs.rmSync(directory, { recursive: true, force: true });
});

/** Empty, on a file system in memory where there is one, and gone when the tests are over. */
export function temporaryDirectory(): string {
  const root = fs.existsSync('/dev/shm') ? '/dev/shm' : os.tmpdir();
  const directory = fs.mkdtempSync(path.join(root, 'rsl-log-'));
  directories.push(directory);
  return directory;
}

export const KiB = 1024;
export const MiB = 1024 * KiB;

export const smallOptions: FileLogOptions = {
  sync: 'inline',
  segmentBytes: 64 * KiB,
  writeBytesMax: 64 * KiB,
};

export function openFiles(
  directory: string,
  options: FileLogOptions = smallOptions,
  files?: Files,
  context: PortContext = contextOf(),
  writer?: Writer,
): Promise<FileLogStore> {
  return FileLogStore.open(directory, completeOptions(directory, options), context, {
    files,
    writer,
  });
}

export interface Opened {
  readonly log: FileLogStore;
  readonly records: LogRecord[];
}

export async function openAndRecover(...given: Parameters<typeof openFiles>): Promise<Opened> {
  const log = await openFiles(...given);
  return { log, records: await recordsOf(log) };
}

/** A context whose monotonic time a test sets. */
export const clocked = (nowMs: () => number): PortContext =>
  contextOf({ clock: { ...testClock, nowMs } });

/** A context whose timers a test lets go off. */
export function ticking() {
  const ticks = new Set<() => void>();
  const everyMs = (_: number, tick: () => void) => {
    ticks.add(tick);
    return () => void ticks.delete(tick);
  };
  const context = contextOf({ clock: { ...testClock, everyMs } });
  return { context, ticks, pass: () => [...ticks].forEach((tick) => tick()) };
}

/** Lets the event loop turn until it is so; the test's own time limit ends what never is. */
export async function eventually(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setImmediate(resolve));
}
