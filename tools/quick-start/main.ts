// The README's quick start, as a user gets it: from packed tarballs, in an empty folder, by npm and
// by pnpm, without approving any install script. The last line is JSON.
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));
const packages = ['core', 'log-file', 'transport-tcp'];
const programs = ['memory', 'fence', 'account', 'client', 'blocking', 'files'];
const folder = mkdtempSync(join(tmpdir(), 'rsl-quick-start-'));
const seconds: Record<string, number> = {};

try {
  const tarballs = packed();
  timed('npm', () => withNpm(tarballs));
  timed('pnpm', () => withPnpm(tarballs));
  console.log(JSON.stringify({ packages, examples: [...programs, 'files again'], seconds }));
} finally {
  rmSync(folder, { recursive: true, force: true });
}

function packed(): Map<string, string> {
  const to = join(folder, 'packed');
  mkdirSync(to);
  for (const name of packages) {
    const cwd = join(root, 'packages', name);
    run('pnpm', ['pack', '--pack-destination', to], cwd);
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

function withNpm(tarballs: ReadonlyMap<string, string>): void {
  const cwd = emptyFolder('npm');
  writeFileSync(join(cwd, 'package.json'), JSON.stringify({ private: true, type: 'module' }));
  run('npm', ['install', '--no-audit', '--no-fund', ...tarballs.values()], cwd);
  examples(cwd);
}

/** pnpm looks for a package's dependencies in the registry, where these are not: told where. */
function withPnpm(tarballs: ReadonlyMap<string, string>): void {
  const cwd = emptyFolder('pnpm');
  writeFileSync(join(cwd, 'package.json'), JSON.stringify({ private: true, type: 'module' }));
  const overrides = Object.fromEntries([...tarballs].map(([name, at]) => [name, `file:${at}`]));
  writeFileSync(join(cwd, 'pnpm-workspace.yaml'), JSON.stringify({ overrides }));
  run('pnpm', ['add', ...tarballs.values()], cwd);
  examples(cwd);
}

function examples(cwd: string): void {
  for (const name of programs) {
    copyFileSync(join(root, 'examples', 'quick-start', `${name}.mjs`), join(cwd, `${name}.mjs`));
  }
  for (const name of [...programs, 'files']) {
    console.log(run(process.execPath, [`${name}.mjs`], cwd).trim());
  }
}

function emptyFolder(name: string): string {
  const path = join(folder, name);
  mkdirSync(path);
  return path;
}

function timed(name: string, work: () => void): void {
  const startedMs = performance.now();
  work();
  seconds[name] = Math.round((performance.now() - startedMs) / 100) / 10;
}

function run(command: string, args: readonly string[], cwd: string): string {
  const timeout = 120_000;
  return execFileSync(command, args, {
    cwd,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout,
  });
}
