// The process of one lane: runs test files of a copy, as often as it is asked to, in one vitest.
import { join } from 'node:path';
import { createVitest, type TestModule, type Vitest } from 'vitest/node';
import type { Answer, Build, Question } from './questions.ts';

const places = ['core', 'log-file', 'snapshot', 'transport-tcp', 'server'];
const conditions = ['@rsl/source', 'module', 'node'];

const [folder = ''] = process.argv.slice(2);
const vitest = await start(folder);
process.on('message', (question: Question) => {
  void answer(question).then((told) => process.send?.(told));
});
process.on('disconnect', () => process.exit());
process.send?.('ready');

async function start(root: string): Promise<Vitest> {
  const builds = ['contracts', 'plain'] as const;
  const projects = builds.flatMap((build) => places.map((place) => projectOf(root, place, build)));
  const silent = { reporters: [{}], watch: false, config: false as const };
  const made = await createVitest('test', { root, projects, bail: 1, maxWorkers: 1, ...silent });
  await made.standalone();
  return made;
}

function projectOf(root: string, place: string, build: Build) {
  const folder = `${place === 'server' ? 'apps' : 'packages'}/${place}`;
  const include = ['src', 'test'].map((part) => `${folder}/${part}/**/*.test.ts`);
  // A thread starts sooner than a process, but only the tests of core do with that; and the loader,
  // which takes its time, is for tests that start threads themselves.
  const loader = ['--import', join(root, 'tools/build/run-sources.mjs')];
  const how =
    place === 'core' ? { pool: 'threads' as const } : { pool: 'forks' as const, execArgv: loader };
  return {
    define: { CONTRACTS: String(build === 'contracts') },
    resolve: { conditions },
    ssr: { resolve: { conditions, externalConditions: conditions } },
    test: {
      name: nameOf(place, build),
      root,
      include,
      ...how,
      setupFiles: [join(import.meta.dirname, 'setup.ts')],
    },
  };
}

function nameOf(place: string, build: Build): string {
  return `${place} ${build}`;
}

async function answer({ build, file, changed }: Question): Promise<Answer> {
  for (const path of changed) vitest.invalidateFile(join(folder, path));
  const name = nameOf(file.split('/')[1] ?? '', build);
  const asked = vitest
    .getModuleSpecifications(join(folder, file))
    .filter(({ project }) => project.name === name);
  if (asked.length === 0) throw new Error(`${file} is no test file`);
  // It gives what it ran earlier as well.
  const { testModules } = await vitest.runTestSpecifications(asked);
  const [module] = testModules.filter(
    ({ moduleId, project }) => moduleId === join(folder, file) && project.name === name,
  );
  if (module === undefined) throw new Error(`${file} did not run`);
  return told(module);
}

function told(module: TestModule): Answer {
  const tests = [...module.children.allTests()];
  const passed = tests.filter((test) => test.result().state === 'passed').length;
  const failing = tests.find((test) => test.result().state === 'failed');
  const [problem] = failing?.result().errors ?? module.errors();
  const isSilent = failing === undefined && problem === undefined;
  if (isSilent) return { passed, failure: undefined };
  const { broken } = (failing?.meta() ?? {}) as { broken?: string };
  const message = problem?.message ?? '';
  return { passed, failure: { test: failing?.name, message, contract: broken } };
}
