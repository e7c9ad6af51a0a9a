import { existsSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { expect, test } from 'vitest';
import * as rules from './rules.ts';
import * as source from './source-files.ts';

const { lineCharactersMax, functionLinesMax, fileLinesMax } = rules.limits;
const files = source.allFiles();
const scripts = files.filter((path) => /\.(ts|mts|mjs)$/.test(path));
const inPackages = scripts.filter((path) => /^(packages|apps)\/[^/]+\/(src|test)\//.test(path));
const shipped = inPackages.filter((path) => !source.isTest(path));

test(`no line is longer than ${lineCharactersMax} characters`, () => {
  const long = scripts.flatMap((path) =>
    source
      .read(path)
      .split('\n')
      .flatMap((line, i) => (line.length > lineCharactersMax ? [`${path}:${i + 1}`] : [])),
  );
  expect(long).toEqual([]);
});

test(`no file has more than ${fileLinesMax} lines, but for a list that shrinks`, () => {
  const lengths = scripts.map((path) => [path, source.read(path).split('\n').length - 1] as const);
  const long = lengths.filter(([, lines]) => lines > fileLinesMax);
  expect(Object.fromEntries(long)).toEqual(rules.longFiles);
});

test(`no function has more than ${functionLinesMax} lines, but for a list that shrinks`, () => {
  // The functions that a test gives to its runner are stories, not functions.
  const functions = scripts
    .filter((path) => !source.isTest(path))
    .flatMap((path) => source.functionsOf(path).map((each) => ({ ...each, path })));
  const long = functions
    .filter(({ lines }) => lines > functionLinesMax)
    .map(({ path, name, lines }) => [`${path} ${name}`, lines] as const);
  expect(Object.fromEntries(long)).toEqual(rules.longFunctions);
});

test('what decides is pure, and so is everything that it imports', () => {
  const pure = new Set<string>();
  const add = (path: string): void => {
    if (pure.has(path)) return;
    pure.add(path);
    for (const name of source.importsOf(path)) {
      const to = source.resolved(path, name);
      if (to !== undefined && existsSync(join(source.root, to))) add(to);
    }
  };
  for (const path of shipped) {
    if (rules.pureFolders.some((folder) => path.startsWith(folder))) add(path);
  }

  expect([...pure].flatMap(impurities)).toEqual([]);
});

function impurities(path: string): string[] {
  const file = source.parse(path);
  const packages = source
    .importsOf(path)
    .filter((name) => source.resolved(path, name) === undefined)
    .filter((name) => !rules.pureImports.includes(name))
    .map((name) => `${path} imports ${name}`);
  const named = [...source.nodes(file)].flatMap((node) => {
    const impure = impurityOf(node, file);
    return impure === undefined ? [] : [`${path}:${source.lineOf(file, node)} names ${impure}`];
  });
  return [...packages, ...named];
}

function impurityOf(node: ts.Node, file: ts.SourceFile): string | undefined {
  if (ts.isIdentifier(node) && rules.impureNames.includes(node.text)) return node.text;
  if (ts.isPropertyAccessExpression(node) && node.getText(file) === 'Math.random') {
    return 'Math.random';
  }
  if (node.kind === ts.SyntaxKind.AsyncKeyword || ts.isAwaitExpression(node)) return 'async';
  return undefined;
}

test('packages import only what the architecture allows', () => {
  const forbidden = shipped.flatMap((path) => {
    const allowed = rules.allowedImports[source.packageOf(path)] ?? [];
    return source
      .importsOf(path)
      .filter((name) => source.resolved(path, name) === undefined && !name.startsWith('node:'))
      .filter((name) => !allowed.includes(packageNamed(name)) || rules.testKits.includes(name))
      .map((name) => `${path} imports ${name}`);
  });
  expect(forbidden).toEqual([]);
});

function packageNamed(name: string): string {
  return name
    .split('/')
    .slice(0, name.startsWith('@') ? 2 : 1)
    .join('/');
}

test('relative imports name a file that exists, with its ending, in the same package', () => {
  const wrong = inPackages.flatMap((path) =>
    source.importsOf(path).flatMap((name) => {
      const to = source.resolved(path, name);
      if (to === undefined) return [];
      const same = source.packageOf(to) === source.packageOf(path);
      return same && existsSync(join(source.root, to)) ? [] : [`${path} imports ${name}`];
    }),
  );
  expect(wrong).toEqual([]);
});

test('no files import each other in a circle', () => {
  const finished = new Set<string>();
  const circles: string[] = [];
  const visit = (path: string, above: readonly string[]): void => {
    if (above.includes(path)) circles.push([...above.slice(above.indexOf(path)), path].join(' → '));
    if (finished.has(path) || above.includes(path)) return;
    for (const name of source.importsOf(path)) {
      const to = source.resolved(path, name);
      if (to !== undefined && scripts.includes(to)) visit(to, [...above, path]);
    }
    finished.add(path);
  };
  for (const path of scripts) visit(path, []);
  expect(circles).toEqual([]);
});
