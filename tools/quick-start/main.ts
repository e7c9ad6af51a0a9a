// The README's quick start, as a user gets it: from packed tarballs, in an empty folder, by npm and
// by pnpm, without approving any install script. The last line is JSON.
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { inFolder, packages, packed, root, run, Seconds } from '../lib/tarballs.ts';

const programs = [
  'quick-start/memory',
  'quick-start/fence',
  'quick-start/account',
  'quick-start/client',
  'quick-start/stream',
  'quick-start/blocking',
  'many-groups/groups',
  'quick-start/files',
];

inFolder('quick-start', (folder) => {
  const tarballs = packed(folder);
  const seconds = new Seconds();
  seconds.timed('npm', () => withNpm(join(folder, 'npm'), tarballs));
  seconds.timed('pnpm', () => withPnpm(join(folder, 'pnpm'), tarballs));
  const examples = [...programs, 'quick-start/files again'];
  console.log(JSON.stringify({ packages, examples, seconds: seconds.all }));
});

function withNpm(cwd: string, tarballs: ReadonlyMap<string, string>): void {
  mkdirSync(cwd);
  writeFileSync(join(cwd, 'package.json'), JSON.stringify({ private: true, type: 'module' }));
  run('npm', ['install', '--no-audit', '--no-fund', ...tarballs.values()], cwd);
  examples(cwd);
}

/** pnpm looks for a package's dependencies in the registry, where these are not: told where. */
function withPnpm(cwd: string, tarballs: ReadonlyMap<string, string>): void {
  mkdirSync(cwd);
  writeFileSync(join(cwd, 'package.json'), JSON.stringify({ private: true, type: 'module' }));
  const overrides = Object.fromEntries([...tarballs].map(([name, at]) => [name, `file:${at}`]));
  writeFileSync(join(cwd, 'pnpm-workspace.yaml'), JSON.stringify({ overrides }));
  run('pnpm', ['add', ...tarballs.values()], cwd);
  examples(cwd);
}

function examples(cwd: string): void {
  for (const program of programs) {
    copyFileSync(join(root, 'examples', `${program}.mjs`), join(cwd, `${basename(program)}.mjs`));
  }
  for (const program of [...programs, 'quick-start/files']) {
    console.log(run(process.execPath, [`${basename(program)}.mjs`], cwd).trim());
  }
}
