/** What the tests of this package share. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { defaultLimits, silentLogger } from '@rsl/core';
import type { PortContext } from '@rsl/core/protocol';
import { SeededRandom } from '@rsl/core/testing';
import { afterAll } from 'vitest';
import { FileSnapshotStore } from '../src/file-snapshot-store.ts';
import type { Files } from '../src/files.ts';
import { completeOptions, type FileSnapshotsOptions } from '../src/options.ts';

const directories: string[] = [];

afterAll(() => {
  for (const directory of directories) fs.rmSync(directory, { recursive: true, force: true });
});

/** Empty, on a file system in memory where there is one, and gone when the tests are over. */
export function temporaryDirectory(): string {
  const root = fs.existsSync('/dev/shm') ? '/dev/shm' : os.tmpdir();
  const directory = fs.mkdtempSync(path.join(root, 'rsl-snapshot-'));
  directories.push(directory);
  return directory;
}

const never = (): never => {
  throw new Error('a snapshot store looks at no clock');
};

export const contextOf = (group = 'kit'): PortContext => ({
  group,
  self: 1,
  limits: defaultLimits,
  clock: { nowMs: never, wallMs: never, everyMs: never, soon: never },
  random: new SeededRandom(1),
  logger: silentLogger,
});

export const openOn = (
  files: Files,
  directory: string,
  options: FileSnapshotsOptions = {},
  group?: string,
): Promise<FileSnapshotStore> =>
  FileSnapshotStore.open(directory, completeOptions(directory, options), contextOf(group), files);
