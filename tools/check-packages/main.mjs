// Packs every package that is published, into the folder named, and checks the tarballs as
// their users get them: publint, the types, the manifest.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));
const bin = (name) => join(root, 'node_modules', '.bin', name);
const folder = resolve(process.argv[2] ?? 'dist/packages');
rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });

const wrong = [];
for (const path of ['packages', 'apps'].flatMap(packagesIn)) {
  const { private: isPrivate } = JSON.parse(readFileSync(join(path, 'package.json'), 'utf8'));
  if (isPrivate) continue;
  const packed = JSON.parse(
    execFileSync('pnpm', ['pack', '--json', '--pack-destination', folder], {
      cwd: path,
      encoding: 'utf8',
    }),
  );
  const tarball = resolve(folder, packed.filename);
  console.log(`${packed.name} ${packed.version}: ${packed.files.length} files`);

  const manifest = manifestOf(tarball);
  for (const fault of faultsOf(manifest, packed.files)) wrong.push(`${packed.name}: ${fault}`);
  check(bin('publint'), ['run', '--strict', tarball]);
  // What has no exports is a program, not a library: it has no types to check.
  if (manifest.exports) check(bin('attw'), [tarball, '--profile', 'esm-only', '--format', 'ascii']);
}
for (const line of wrong) console.error(line);
console.log(`${wrong.length} faults in the packages`);
process.exitCode = wrong.length === 0 ? 0 : 1;

function check(command, args) {
  const { status, stdout } = spawnSync(command, args, { encoding: 'utf8' });
  if (status === 0) return;
  console.log(stdout);
  wrong.push(`${command} ${args.join(' ')}: exit code ${status}`);
}

function manifestOf(tarball) {
  const args = ['--extract', '--to-stdout', '--file', tarball, 'package/package.json'];
  return JSON.parse(execFileSync('tar', args, { encoding: 'utf8' }));
}

function* faultsOf(manifest, files) {
  const text = JSON.stringify({ ...manifest, devDependencies: undefined });
  for (const word of ['workspace:', 'catalog:', '@rsl/source']) {
    if (text.includes(word)) yield `its package.json still says ${word}`;
  }
  for (const hook of ['preinstall', 'install', 'postinstall']) {
    if (manifest.scripts?.[hook]) yield `it has an install script, ${hook}`;
  }
  const paths = files.map((file) => file.path);
  for (const wanted of ['LICENSE', 'README.md']) {
    if (!paths.includes(wanted)) yield `it has no ${wanted}`;
  }
  for (const path of paths) if (/\.test\.|(^|\/)src\//.test(path)) yield `it contains ${path}`;
}

function packagesIn(name) {
  return readdirSync(join(root, name))
    .map((each) => join(root, name, each))
    .filter((path) => existsSync(join(path, 'package.json')));
}
