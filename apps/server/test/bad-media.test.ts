import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { freePort } from './free-port.ts';
import { ServerProcess } from './server-process.ts';

// File systems of our own: only root may mount them.

vi.setConfig({ testTimeout: 60_000 });

const probe = mkdtempSync(join(tmpdir(), 'rsl-mount-'));
const canMount = spawnSync('mount', ['-t', 'tmpfs', 'probe', probe]).status === 0;
if (canMount) execFileSync('umount', [probe]);
else console.log('skipped: no file system can be mounted here (not root, or no such right)');
rmSync(probe, { recursive: true });

let folder: string;
let place: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'rsl-server-'));
  place = join(folder, 'place');
  mkdirSync(place);
});

afterEach(() => {
  spawnSync('umount', [place]);
  rmSync(folder, { recursive: true });
});

async function start(data: string): Promise<ServerProcess> {
  const members = `1=127.0.0.1:${await freePort()}`;
  const where = ['--client', '127.0.0.1:0', '--data', data];
  return new ServerProcess('start', '--id', '1', '--members', members, ...where, '--bootstrap');
}

test.skipIf(!canMount)('a read-only place is named, with what to do', async () => {
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'ro', 'read-only', place]);
  const server = await start(join(place, 'data'));
  expect(await server.exitCode).toBe(1);
  expect(await server.lastWords()).toMatch(/^rsl-server: RSL_STORAGE_UNUSABLE: [^\n]+\n$/);
});

test.skipIf(!canMount)('a place without room is named, with what to do', async () => {
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'small', place]);
  const server = await start(join(place, 'data'));
  expect(await server.exitCode).toBe(1);
  expect(await server.lastWords()).toMatch(/^rsl-server: RSL_STORAGE_FULL: [^\n]+\n$/);
});
