import { ProtocolError } from './protocol-error.ts';

const escapes: Readonly<Record<string, string>> = {
  n: '\n',
  r: '\r',
  t: '\t',
  b: '\b',
  a: '\x07',
};

/**
 * Splits a line typed by hand: words between blanks, "…" with escapes, '…' with none but \'. What
 * follows a closing quote must be a blank.
 */
export function splitInline(line: string): string[] {
  const words: string[] = [];
  let at = 0;
  while (true) {
    while (at < line.length && isBlank(line[at])) at++;
    if (at >= line.length) return words;
    const word = wordFrom(line, at);
    words.push(word.text);
    at = word.end;
  }
}

function wordFrom(line: string, start: number): { text: string; end: number } {
  let text = '';
  let at = start;
  while (at < line.length && !isBlank(line[at])) {
    const first = line[at] as string;
    if (first !== '"' && first !== "'") {
      text += first;
      at++;
      continue;
    }
    const quoted = quotedFrom(line, at + 1, first);
    text += quoted.text;
    at = quoted.end;
    if (at < line.length && !isBlank(line[at])) throw unbalanced();
  }
  return { text, end: at };
}

function quotedFrom(line: string, start: number, quote: string): { text: string; end: number } {
  let text = '';
  let at = start;
  while (at < line.length) {
    const each = line[at] as string;
    if (each === quote) return { text, end: at + 1 };
    const escaped = each === '\\' ? escapeAt(line, at, quote) : undefined;
    text += escaped?.text ?? each;
    at += escaped?.length ?? 1;
  }
  throw unbalanced();
}

function escapeAt(
  line: string,
  at: number,
  quote: string,
): { text: string; length: number } | undefined {
  const next = line[at + 1];
  if (next === undefined) return undefined;
  if (quote === "'") return next === "'" ? { text: "'", length: 2 } : undefined;
  const hexadecimal = /^x([0-9a-fA-F]{2})/.exec(line.slice(at + 1, at + 4))?.[1];
  if (hexadecimal !== undefined) {
    return { text: String.fromCharCode(Number.parseInt(hexadecimal, 16)), length: 4 };
  }
  return { text: escapes[next] ?? next, length: 2 };
}

const isBlank = (each: string | undefined): boolean =>
  each === ' ' || each === '\t' || each === '\n' || each === '\r' || each === '\v' || each === '\f';

const unbalanced = (): ProtocolError => new ProtocolError('unbalanced quotes in request');
