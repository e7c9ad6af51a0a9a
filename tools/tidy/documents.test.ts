import { existsSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { type TestContext, expect, test } from 'vitest';
import * as source from './source-files.ts';

const files = source.allFiles();
const documents = files.filter((path) => path.endsWith('.md') && !path.startsWith('.changeset/'));
const exists = (path: string): boolean => existsSync(join(source.root, path));

test('every document has one title', () => {
  const wrong = documents.filter((path) => titlesOf(source.read(path)) !== 1);
  expect(wrong).toEqual([]);
});

function titlesOf(text: string): number {
  const outsideOfCode = text.replace(/^(```|~~~)[\s\S]*?^\1/gm, '');
  return outsideOfCode.match(/^# /gm)?.length ?? 0;
}

function skipUnless(paths: readonly string[], context: TestContext): void {
  for (const path of paths.filter((each) => !exists(each))) {
    console.warn(`skipped: ${path} does not exist yet`);
    context.skip();
  }
}

test('every error code is in docs/errors.md, and no other', (context) => {
  const [code, document] = ['packages/core/src/error-codes.ts', 'docs/errors.md'];
  skipUnless([code, document], context);
  expect(codesIn(source.read(document))).toEqual(codesIn(source.read(code)));
});

function codesIn(text: string): string[] {
  return [...new Set(text.match(/\bRSL_[A-Z_]+\b/g))].toSorted();
}

test('every invariant is in docs/invariants.md, by its name', (context) => {
  const [code, document] = ['packages/core/src/paxos/invariants.ts', 'docs/invariants.md'];
  skipUnless([code, document], context);
  const names = [...source.nodes(source.parse(code))]
    .filter((node) => ts.isPropertyAssignment(node) || ts.isMethodDeclaration(node))
    .flatMap(({ name }) => (ts.isStringLiteral(name) ? [name.text] : []));
  expect(names).not.toEqual([]);

  const text = source.read(document);
  expect(names.filter((name) => !text.includes(name))).toEqual([]);
});

const isText = (path: string): boolean => !/\.(png|jpg|ico|woff2?|bin)$/.test(path);
/** `file:line` of every line of the project that matches, but for this folder's own words. */
function linesWith(pattern: RegExp): string[] {
  return files
    .filter((path) => isText(path) && !path.startsWith('tools/tidy/'))
    .flatMap((path) =>
      source
        .read(path)
        .split('\n')
        .flatMap((line, i) => (pattern.test(line) ? [`${path}:${i + 1}`] : [])),
    );
}

test('nothing is left to do in a comment', () => {
  expect(linesWith(/\b(TODO|FIXME|XXX)\b/)).toEqual([]);
});

test('nothing depends on the machine it was written on', () => {
  expect(linesWith(/(^|[\s"'`(=:])\/(work|home|root)(\/|\b)/)).toEqual([]);
});

test('no registry is named: everyone uses their own', () => {
  expect(linesWith(/\b(registry|npm|mirror|proxy)\.[a-z0-9-]+\.[a-z]{2,}\b/)).toEqual([]);
  const lockfile = source.read('pnpm-lock.yaml').split('\n');
  expect(lockfile.filter((line) => /https?:\/\//.test(line))).toEqual([]);
});
