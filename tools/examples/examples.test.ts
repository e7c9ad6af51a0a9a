import { expect, test } from 'vitest';
import * as source from '../tidy/source-files.ts';

interface Manifest {
  readonly version?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

const manifestAt = (path: string): Manifest => JSON.parse(source.read(path)) as Manifest;
const paths = source.allFiles('examples').filter((path) => path.endsWith('/package.json'));

test.each(paths)('%s asks for what is here, in exactly these versions', (path) => {
  const { dependencies = {}, devDependencies = {} } = manifestAt(path);
  for (const [name, version] of Object.entries(dependencies)) {
    // Of others' packages one version, which is the one that it was tried with.
    if (!name.startsWith('@rsl/')) {
      expect(version).toMatch(/^\d+\.\d+\.\d+$/);
      continue;
    }
    const ours = manifestAt(`packages/${name.replace('@rsl/', '')}/package.json`);
    expect([name, version]).toEqual([name, ours.version]);
  }
  const catalog = source.read('pnpm-workspace.yaml').split('\ncatalog:')[1] ?? '';
  for (const [name, version] of Object.entries(devDependencies)) {
    const lines = [`  ${name}: ${version}`, `  '${name}': ${version}`, `npm:${name}@${version}`];
    expect(lines.some((line) => catalog.includes(`${line}\n`))).toBe(true);
  }
});

test('a log store of one’s own takes no more than 150 lines, beside its table', () => {
  const lines = source.read('examples/own-store/own-log.ts').trimEnd().split('\n');
  expect(lines.length).toBeLessThanOrEqual(150);
});

test('examples/README.md names every example', () => {
  const named = [...source.read('examples/README.md').matchAll(/^\| \[([a-z-]+)\]\(\1\)/gm)];
  const folders = source.allFiles('examples').map((path) => path.split('/')[1] ?? '');
  const all = new Set(folders.filter((name) => name !== 'README.md'));
  expect(new Set(named.map(([, name]) => name))).toEqual(all);
});
