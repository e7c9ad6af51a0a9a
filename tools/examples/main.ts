// Every example that is a package of its own, as a user gets it: compiled and run against packed
// tarballs, in an empty folder. The last line is JSON.
import { cpSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inFolder, packed, root, run, Seconds } from '../lib/tarballs.ts';

const only = process.argv.slice(2);
const names = readdirSync(join(root, 'examples'))
  .filter((name) => existsSync(join(root, 'examples', name, 'package.json')))
  .filter((name) => only.length === 0 || only.includes(name));

/** What somebody has built there is not the example. */
const filter = (path: string): boolean => !/[/\\](node_modules|dist)$/.test(path);

inFolder('examples', (folder) => {
  const seconds = new Seconds();
  seconds.timed('install', () => install(folder, packed(folder)));
  for (const name of names) {
    const cwd = join(folder, name);
    cpSync(join(root, 'examples', name), cwd, { recursive: true, filter });
    console.log(`--- ${name}`);
    console.log(seconds.timed(name, () => run('npm', ['start', '--silent'], cwd)).trim());
  }
  console.log(JSON.stringify({ examples: names, seconds: seconds.all }));
});

/** Once for all: what each asks for, with the tarballs in the place of the packages. */
function install(cwd: string, tarballs: ReadonlyMap<string, string>): void {
  const manifests = names.map(manifestOf);
  const devDependencies = Object.assign({}, ...manifests.map((each) => each.devDependencies));
  const ours = Object.fromEntries([...tarballs].map(([name, at]) => [name, `file:${at}`]));
  const dependencies = Object.assign({}, ...manifests.map((each) => each.dependencies), ours);
  const manifest = { private: true, type: 'module', dependencies, devDependencies };
  writeFileSync(join(cwd, 'package.json'), JSON.stringify(manifest));
  run('npm', ['install', '--no-audit', '--no-fund', '--loglevel=error'], cwd);
}

type Versions = Readonly<Record<string, string>>;
type Manifest = { readonly dependencies: Versions; readonly devDependencies: Versions };

function manifestOf(name: string): Manifest {
  return JSON.parse(readFileSync(join(root, 'examples', name, 'package.json'), 'utf8')) as Manifest;
}
