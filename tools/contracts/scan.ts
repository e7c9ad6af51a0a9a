/** Every contract of the sources, found in their syntax: nothing is run. */
import type { ContractKind } from '@rsl/contracts';
import ts from 'typescript';
import * as source from '../tidy/source-files.ts';

export interface Contract {
  /** `2a-3`, or `I7` for an invariant of a whole replica. */
  readonly id: string;
  /** With its id, as a failure prints it. */
  readonly sentence: string;
  readonly kind: ContractKind;
  readonly file: string;
  /** The function that it stands in, or the name of its table. */
  readonly place: string;
  /** It speaks only of some cases (`when`). */
  readonly isConditional: boolean;
}

export interface Scan {
  readonly contracts: readonly Contract[];
  /** What is wrong with them, each with its place. */
  readonly faults: readonly string[];
}

const idThenWords = /^(?<id>[a-z0-9]+(?:-[a-z]+)*-[1-9]\d*|I[1-9]\d*) \S/;

const inlineKinds = ['requires', 'ensures', 'invariant'] as const;
const tableKinds: Readonly<Record<string, ContractKind>> = {
  ensuresAll: 'ensures',
  invariantAll: 'invariant',
};

/** Where contracts live: what is shipped, but for the package that defines them. */
export function shippedFiles(): readonly string[] {
  return source
    .allFiles()
    .filter((path) => /^(packages|apps)\/[^/]+\/src\/.*\.ts$/.test(path))
    .filter((path) => !source.isTest(path) && !path.startsWith('packages/contracts/'))
    .toSorted();
}

export function scan(files: readonly ts.SourceFile[]): Scan {
  const found = files.flatMap((file) => [...source.nodes(file)].map((node) => ({ file, node })));
  const kinds = new Map(found.flatMap(({ node }) => checkedTable(node)));
  const results = found.flatMap(({ file, node }) => [
    ...inlineContract(file, node),
    ...tableContracts(file, node, kinds),
  ]);
  const contracts = results.filter((each) => typeof each !== 'string');
  const faults = results.filter((each) => typeof each === 'string');
  return { contracts, faults: [...faults, ...repeatedIds(contracts)] };
}

function repeatedIds(contracts: readonly Contract[]): readonly string[] {
  const first = new Map<string, Contract>();
  return contracts.flatMap((each) => {
    const known = first.get(each.id);
    first.set(each.id, known ?? each);
    return known === undefined ? [] : [`${each.file}: ${each.id} is also in ${known.file}`];
  });
}

function calledName(node: ts.Node): string | undefined {
  if (!ts.isCallExpression(node) || !ts.isIdentifier(node.expression)) return undefined;
  return node.expression.text;
}

/** `requires(() => …, 'sentence', () => …)`. */
function inlineContract(file: ts.SourceFile, node: ts.Node): readonly (Contract | string)[] {
  const name = calledName(node);
  const kind = inlineKinds.find((each) => each === name);
  if (kind === undefined || !ts.isCallExpression(node)) return [];
  const [, sentence, when] = node.arguments;
  const [place, isConditional] = [enclosing(node), when !== undefined];
  return [contractOf(file, { node, sentence, kind, place, isConditional })];
}

/** The name of the table that this call checks, and as what. */
function checkedTable(node: ts.Node): readonly (readonly [string, ContractKind])[] {
  const kind = tableKinds[calledName(node) ?? ''];
  if (kind === undefined || !ts.isCallExpression(node)) return [];
  const [table] = node.arguments;
  return table !== undefined && ts.isIdentifier(table) ? [[table.text, kind]] : [];
}

/** `const table = { 'sentence': clause, … } satisfies Clauses<…>`. */
function tableContracts(
  file: ts.SourceFile,
  node: ts.Node,
  kinds: ReadonlyMap<string, ContractKind>,
): readonly (Contract | string)[] {
  if (!ts.isVariableDeclaration(node) || !ts.isIdentifier(node.name)) return [];
  const { initializer } = node;
  const isSatisfied = initializer !== undefined && ts.isSatisfiesExpression(initializer);
  const type = isSatisfied ? initializer.type : node.type;
  if (type === undefined || !type.getText(file).startsWith('Clauses<')) return [];
  const place = node.name.text;
  const kind = kinds.get(place);
  if (kind === undefined) return [`${at(file, node)} nobody checks the table ${place}`];
  const clauses = isSatisfied ? initializer.expression : initializer;
  if (clauses === undefined || !ts.isObjectLiteralExpression(clauses)) {
    return [`${at(file, node)} the table ${place} is not written out`];
  }
  return clauses.properties.map((clause) => {
    const isConditional = hasAntecedent(clause);
    return contractOf(file, { node: clause, sentence: clause.name, kind, place, isConditional });
  });
}

function hasAntecedent(clause: ts.ObjectLiteralElementLike): boolean {
  if (!ts.isPropertyAssignment(clause)) return false;
  const { initializer } = clause;
  if (!ts.isObjectLiteralExpression(initializer)) return false;
  return initializer.properties.some(({ name }) => name?.getText() === 'when');
}

interface Written extends Pick<Contract, 'kind' | 'place' | 'isConditional'> {
  readonly node: ts.Node;
  readonly sentence: ts.Node | undefined;
}

function contractOf(file: ts.SourceFile, written: Written): Contract | string {
  const { node, sentence, ...rest } = written;
  if (sentence === undefined) return `${at(file, node)} a contract has no sentence`;
  if (!ts.isStringLiteral(sentence)) return `${at(file, node)} a sentence is no plain string`;
  const id = idThenWords.exec(sentence.text)?.groups?.['id'];
  if (id === undefined) return `${at(file, node)} “${sentence.text}” does not begin with an id`;
  return { id, sentence: sentence.text, file: file.fileName, ...rest };
}

function at(file: ts.SourceFile, node: ts.Node): string {
  return `${file.fileName}:${source.lineOf(file, node)}`;
}

/** `Acceptor.vote`, `rolesOf`: the nearest function that has a name. */
function enclosing(node: ts.Node): string {
  for (let each = node.parent; !ts.isSourceFile(each); each = each.parent) {
    if (ts.isFunctionDeclaration(each)) return each.name?.text ?? '';
    if (!ts.isClassElement(each)) continue;
    const owner = ts.isClassLike(each.parent) ? (each.parent.name?.text ?? '') : '';
    return `${owner}.${each.name?.getText() ?? 'constructor'}`;
  }
  return '';
}
