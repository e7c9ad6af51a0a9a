/** The packages as their users get them. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../../', import.meta.url));
export const packages = ['core', 'log-file', 'snapshot', 'transport-tcp'];

/** An empty folder, gone when the work is done. */
export function inFolder(name: string, work: (folder: string) => void): void {
  const folder = mkdtempSync(join(tmpdir(), `rsl-${name}-`));
  try {
    work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Name to tarball, of every package that is published for others. */
export function packed(folder: string): ReadonlyMap<string, string> {
  const to = join(folder, 'packed');
  mkdirSync(to);
  for (const name of packages) {
    run('pnpm', ['pack', '--pack-destination', to], join(root, 'packages', name));
  }
  const files = readdirSync(to);
  return new Map(
    packages.map((name) => {
      const file = files.find((each) => each.startsWith(`rsl-${name}-`));
      if (file === undefined) throw new Error(`no tarball of ${name}`);
      return [`@rsl/${name}`, join(to, file)];
    }),
  );
}

export function run(command: string, args: readonly string[], cwd: string): string {
  const timeout = 120_000;
  return execFileSync(command, args, {
    cwd,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout,
  });
}

/** Seconds that each piece of work has taken, by name. */
export class Seconds {
  readonly all: Record<string, number> = {};

  timed<T>(name: string, work: () => T): T {
    const startedMs = performance.now();
    const result = work();
    this.all[name] = Math.round((performance.now() - startedMs) / 100) / 10;
    return result;
  }
}
