/** Small file systems of a test's own. Only root may mount them; others see what is skipped. */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll } from 'vitest';
import { temporaryDirectory } from './stage.ts';

const mounts: string[] = [];
const immutables: string[] = [];

afterAll(() => {
  for (const at of mounts.splice(0).toReversed()) spawnSync('umount', ['-l', at]);
  for (const directory of immutables.splice(0)) {
    spawnSync('chattr', ['-i', directory]);
    fs.rmSync(directory, { recursive: true });
  }
});

function mountAt(at: string, given: readonly string[]): string | undefined {
  const { status, stderr } = spawnSync('mount', [...given, at]);
  if (status !== 0) {
    console.log(`skipped: nothing can be mounted here (${String(stderr).trim() || 'no mount'})`);
    return undefined;
  }
  mounts.push(at);
  return at;
}

export const tmpfs = (options: string): string | undefined =>
  mountAt(temporaryDirectory(), ['-t', 'tmpfs', '-o', options, 'tmpfs']);

/** The same directory again, which can be read only there. */
export function readOnly(directory: string): string | undefined {
  const at = mountAt(temporaryDirectory(), ['--bind', directory]);
  if (at !== undefined) spawnSync('mount', ['-o', 'remount,bind,ro', at]);
  return at;
}

/** An empty directory in which nothing can be made, on a file system that knows that. */
export function immutable(): string | undefined {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'rsl-log-'));
  const { status, stderr } = spawnSync('chattr', ['+i', directory]);
  if (status === 0) {
    immutables.push(directory);
    return directory;
  }
  fs.rmSync(directory, { recursive: true });
  console.log(`skipped: no directory can be kept from changing (${String(stderr).trim()})`);
  return undefined;
}

export function resize(at: string, size: string): void {
  spawnSync('mount', ['-o', `remount,size=${size}`, at]);
}
