import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

export const root = fileURLToPath(new URL('../../', import.meta.url));

const generated = new Set(['node_modules', 'dist', 'coverage', 'data', '.git', '.turbo']);

/** Every file of the project, as paths from its root. */
export function allFiles(folder = ''): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
    if (generated.has(entry.name)) return [];
    if (entry.isDirectory()) return allFiles(path);
    return entry.isFile() ? [path] : [];
  });
}

export function read(path: string): string {
  return readFileSync(join(root, path), 'utf8');
}

export function isTest(path: string): boolean {
  return path.endsWith('.test.ts') || /^(packages|apps)\/[^/]+\/test\//.test(path);
}

/** The package a file belongs to: `packages/core`, `apps/server`, `tools`. */
export function packageOf(path: string): string {
  return /^(packages|apps)\/[^/]+/.exec(path)?.[0] ?? 'tools';
}

const parsed = new Map<string, ts.SourceFile>();

export function parse(path: string): ts.SourceFile {
  const known = parsed.get(path);
  if (known !== undefined) return known;
  const file = ts.createSourceFile(path, read(path), ts.ScriptTarget.ES2023, true);
  parsed.set(path, file);
  return file;
}

/** Every node of a file, comments and strings aside. */
export function* nodes(node: ts.Node): Generator<ts.Node> {
  yield node;
  const children: ts.Node[] = [];
  ts.forEachChild(node, (child) => {
    children.push(child);
  });
  for (const child of children) yield* nodes(child);
}

/** The names that a file imports from, types included. */
export function importsOf(path: string): string[] {
  const names: string[] = [];
  for (const node of nodes(parse(path))) {
    const from = moduleNamed(node);
    if (from !== undefined && ts.isStringLiteral(from)) names.push(from.text);
  }
  return names;
}

function moduleNamed(node: ts.Node): ts.Node | undefined {
  if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) return node.moduleSpecifier;
  if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
    return node.argument.literal;
  }
  if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
    return node.arguments[0];
  }
  return undefined;
}

/** A relative import as a path from the root; undefined for the name of a package. */
export function resolved(path: string, name: string): string | undefined {
  return name.startsWith('.') ? join(path, '..', name) : undefined;
}

export function lineOf(file: ts.SourceFile, node: ts.Node): number {
  return file.getLineAndCharacterOfPosition(node.getStart(file)).line + 1;
}

export type LongFunction = { readonly name: string; readonly lines: number };

/** The functions of a file with their lengths in lines. */
export function functionsOf(path: string): LongFunction[] {
  const file = parse(path);
  const found: LongFunction[] = [];
  for (const node of nodes(file)) {
    if (!ts.isFunctionLike(node) || !('body' in node) || node.body === undefined) continue;
    const last = file.getLineAndCharacterOfPosition(node.end).line + 1;
    found.push({ name: nameOf(node, file), lines: last - lineOf(file, node) + 1 });
  }
  return found;
}

function nameOf(node: ts.SignatureDeclaration, file: ts.SourceFile): string {
  if (ts.isConstructorDeclaration(node)) return `${node.parent.name?.text ?? ''}.constructor`;
  const owner = node.name === undefined ? node.parent : node;
  const named = 'name' in owner ? (owner.name as ts.Node | undefined) : undefined;
  const name = named?.getText(file) ?? '(anonymous)';
  return ts.isClassLike(node.parent) ? `${node.parent.name?.text ?? ''}.${name}` : name;
}
