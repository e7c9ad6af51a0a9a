// Every `npm run` of this repository, from a fresh clone and with nothing but Node and npm:
// fetches the pinned pnpm, installs what the lockfile says, then runs the script.
import { execFileSync, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const [script = '', ...args] = process.argv.slice(2);

const loader = './tools/build/run-sources.mjs';
const node = (...command) => ['node', ...command];
const turbo = (task) => ['turbo', task, '--output-logs=errors-only'];
const sources = ['--conditions=@rsl/source', '--import', loader];
/** A tool in TypeScript, against the sources with contracts, or against the production build. */
const onSources = (name) => node(...sources, `tools/${name}/main.ts`, ...args);
const onBuild = (name, file = 'main') =>
  node('--import', loader, `tools/${name}/${file}.ts`, ...args);

const scripts = {
  start: [turbo('build'), node('tools/cluster/main.mjs', ...args)],
  test: [node('tools/test/main.mjs', ...args)],
  coverage: [node('tools/coverage/main.mjs', ...args)],
  contracts: [onSources('contracts')],
  tidy: [['vitest', 'run', '--project', 'tools', 'tidy', ...args]],
  build: [turbo('build')],
  typecheck: [turbo('typecheck')],
  lint: [['oxlint', '--type-aware', '--deny-warnings', ...args]],
  format: [['biome', 'format', '--write', ...args]],
  inspect: [node(...sources, 'apps/server/src/main.ts', 'inspect', ...args)],
  mutants: [onSources('mutants')],
  simulate: [onSources('simulate')],
  failover: [turbo('build'), onBuild('failover')],
  pipelining: [turbo('build'), onBuild('pipelining')],
  block: [turbo('build'), onBuild('block')],
  groups: [turbo('build'), onBuild('groups')],
  torture: [turbo('build'), onBuild('torture')],
  'power-loss': [turbo('build'), onBuild('vm')],
  'catch-up': [turbo('build'), onBuild('catch-up')],
  'bench:restart': [turbo('build'), onBuild('bench', 'restart')],
  'bench:saving': [turbo('build'), onBuild('bench', 'saving')],
  'bench:behind': [turbo('build'), onBuild('bench', 'behind')],
  'quick-start': [turbo('build'), onBuild('quick-start')],
  examples: [turbo('build'), onBuild('examples')],
  'api-docs': [['typedoc', '--options', 'tools/api-docs/typedoc.json', ...args]],
  demo: [turbo('build'), onBuild('demo')],
};

if (!Object.hasOwn(scripts, script)) {
  console.error(`usage: npm run ${Object.keys(scripts).join(' | ')}`);
  process.exit(2);
}
const steps = [['pnpm', 'install', '--frozen-lockfile', '--loglevel=warn'], ...scripts[script]];
const env = environment();
let interrupted = false;
for (const step of steps) {
  const code = await run(step);
  if (code !== 0 || interrupted) process.exit(code);
}

/** Waits for the command, also through Ctrl-C: whoever is asked to stop decides when it has. */
function run([command, ...rest]) {
  return new Promise((resolve) => {
    const child = spawn(command, rest, { cwd: root, env, stdio: 'inherit' });
    const onSignal = (signal) => {
      interrupted = true;
      // A terminal sends Ctrl-C to every process itself; passing it on would make it two.
      if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal);
    };
    const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];
    for (const signal of signals) process.on(signal, onSignal);
    child.on('error', (error) => {
      console.error(`${command}: ${error.message}`);
      resolve(127);
    });
    child.on('exit', (code, signal) => {
      for (const each of signals) process.off(each, onSignal);
      resolve(code ?? 128 + constants.signals[signal]);
    });
  });
}

/** Ours, with the pinned pnpm on the PATH and without what `npm run` tells its own children. */
function environment() {
  const { packageManager } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  let path = process.env.PATH;
  if (!isOnPath(packageManager)) {
    const printPath = ['--', 'node', '-p', 'process.env.PATH'];
    path = output('npm', ['exec', '--yes', `--package=${packageManager}`, ...printPath], 'inherit');
  }
  const isOfNpm = /^npm_(config_(?!registry$)|package_|lifecycle_)/;
  const ours = Object.entries(process.env).filter(([name]) => !isOfNpm.test(name));
  return {
    ...Object.fromEntries(ours),
    PATH: [join(root, 'node_modules', '.bin'), path].join(delimiter),
    TURBO_TELEMETRY_DISABLED: '1',
  };
}

function isOnPath(packageManager) {
  try {
    return `pnpm@${output('pnpm', ['--version'], 'ignore')}` === packageManager;
  } catch {
    return false;
  }
}

function output(command, commandArgs, stderr) {
  const stdio = ['ignore', 'pipe', stderr];
  return execFileSync(command, commandArgs, { cwd: root, encoding: 'utf8', stdio }).trim();
}
