import ts from 'typescript';

/**
 * Takes contracts out of a source, and what only they used, without moving a line: what is counted
 * then is what ships. The bundler does the same to production by other means.
 */
export function withoutContracts(path: string, text: string): string {
  let source = text;
  for (;;) {
    const file = ts.createSourceFile(path, source, ts.ScriptTarget.ES2023, true);
    const spans = [...contractsIn(file), ...unusedIn(file)];
    if (spans.length === 0) return source;
    for (const { pos, end } of spans) source = blanked(source, pos, end);
  }
}

const contractCalls = new Set(['requires', 'ensures', 'invariant', 'ensuresAll', 'invariantAll']);

interface Span {
  readonly pos: number;
  readonly end: number;
}

const spanOf = (node: ts.Node): Span => ({ pos: node.getStart(), end: node.end });

const blanked = (text: string, pos: number, end: number): string =>
  text.slice(0, pos) + text.slice(pos, end).replaceAll(/[^\n]/g, ' ') + text.slice(end);

/** Statements that check, that remember for a check, or that stand under `if (CONTRACTS)`. */
function contractsIn(node: ts.Node): Span[] {
  if (ts.isStatement(node) && isContract(node)) return [spanOf(node)];
  const spans: Span[] = [];
  ts.forEachChild(node, (child) => void spans.push(...contractsIn(child)));
  return spans;
}

function isContract(node: ts.Statement): boolean {
  if (ts.isExpressionStatement(node)) return isCallOf(node.expression, contractCalls);
  if (ts.isIfStatement(node)) return node.expression.getText() === 'CONTRACTS';
  if (!ts.isVariableStatement(node)) return false;
  return node.declarationList.declarations.every(
    ({ initializer }) => initializer !== undefined && isCallOf(initializer, new Set(['old'])),
  );
}

const isCallOf = (node: ts.Expression, names: ReadonlySet<string>): boolean =>
  ts.isCallExpression(node) && names.has(node.expression.getText());

/** Private methods, and functions and constants of the file, that nothing names any more. */
function unusedIn(file: ts.SourceFile): Span[] {
  const uses = new Map<string, number>();
  const count = (node: ts.Node): void => {
    if (ts.isIdentifier(node) || ts.isPrivateIdentifier(node)) {
      uses.set(node.text, (uses.get(node.text) ?? 0) + 1);
    }
    ts.forEachChild(node, count);
  };
  count(file);
  const isUnused = (name: ts.Node | undefined): boolean =>
    name !== undefined && uses.get((name as ts.Identifier).text) === 1;
  const spans: Span[] = [];
  const look = (node: ts.Node): void => {
    if (ts.isMethodDeclaration(node) && ts.isPrivateIdentifier(node.name) && isUnused(node.name)) {
      spans.push(spanOf(node));
    } else if (ts.isFunctionDeclaration(node) && !isExported(node) && isUnused(node.name)) {
      spans.push(spanOf(node));
    } else if (ts.isVariableStatement(node) && node.parent === file && !isExported(node)) {
      if (node.declarationList.declarations.every(({ name }) => isUnused(name))) {
        spans.push(spanOf(node));
      }
    } else ts.forEachChild(node, look);
  };
  look(file);
  return spans;
}

const isExported = (node: ts.FunctionDeclaration | ts.VariableStatement): boolean =>
  node.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword) ?? false;
