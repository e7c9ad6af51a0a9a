/** Requests of the Redis protocol, read from all bytes at once and as simply as can be. */

export interface Limits {
  readonly commandBytesMax: number;
  readonly argumentsMax: number;
  readonly inlineBytesMax: number;
}

/** How the bytes end: nothing more to say, in the middle of a command, or with an error. */
export type End = 'done' | 'more' | 'error' | 'open to choice';

export interface Parsed {
  readonly commands: readonly (readonly string[])[];
  readonly end: End;
}

/** The next thing in the text, and where it ends. */
type Step = { readonly words: readonly string[]; readonly next: number } | Exclude<End, 'done'>;

export function parse(text: string, limits: Limits): Parsed {
  const commands: (readonly string[])[] = [];
  let at = 0;
  while (at < text.length) {
    const step = text[at] === '*' ? array(text, at, limits) : inline(text, at, limits);
    if (typeof step === 'string') return { commands, end: step };
    if (step.words.length > 0) commands.push(step.words);
    at = step.next;
  }
  return { commands, end: 'done' };
}

/** `*3\r\n` or `$3\r\n`: the number, if it is written as everybody writes it. */
function header(text: string, at: number): { value: number; next: number } | 'more' | 'odd' {
  const end = text.indexOf('\r\n', at);
  if (end < 0) return /^[*$](-?[0-9]*\r?)?$/.test(text.slice(at)) ? 'more' : 'odd';
  const digits = text.slice(at + 1, end);
  if (!/^(0|-?[1-9][0-9]{0,8})$/.test(digits)) return 'odd';
  return { value: Number(digits), next: end + 2 };
}

function array(text: string, at: number, limits: Limits): Step {
  const items = header(text, at);
  if (items === 'more') return 'more';
  if (items === 'odd') return 'open to choice';
  if (items.value > limits.argumentsMax) return 'error';
  const words: string[] = [];
  let { next } = items;
  for (let i = 0; i < items.value; i += 1) {
    if (next >= text.length) return 'more';
    if (text[next] !== '$') return 'error';
    const bulk = header(text, next);
    if (bulk === 'more') return 'more';
    if (bulk === 'odd') return 'open to choice';
    if (bulk.value < 0 || bulk.value > limits.commandBytesMax) return 'error';
    const end = bulk.next + bulk.value;
    // What one command may have counts its headers or does not: either will do.
    if (end + 2 - at > limits.commandBytesMax) return 'open to choice';
    if (text.length < end + 2) {
      return '\r\n'.startsWith(text.slice(end, end + 2)) ? 'more' : 'open to choice';
    }
    if (text.slice(end, end + 2) !== '\r\n') return 'error';
    words.push(text.slice(bulk.next, end));
    next = end + 2;
  }
  return { words, next };
}

function inline(text: string, at: number, limits: Limits): Step {
  const end = text.indexOf('\n', at);
  const line = text.slice(at, end < 0 ? text.length : end);
  if (line.length > limits.inlineBytesMax + 1) return 'error';
  if (line.length >= limits.inlineBytesMax) return 'open to choice';
  if (end < 0) return 'more';
  if (/["']/.test(line)) return quoted(line, end + 1);
  return { words: line.split(/[ \t\r\v\f]+/).filter((word) => word !== ''), next: end + 1 };
}

const escapes: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', b: '\b', a: '\x07' };

/** Words in quotes from end to end; how a quote inside of a word is meant is open. */
function quoted(line: string, next: number): Step {
  const words: string[] = [];
  let rest = line;
  for (;;) {
    rest = rest.replace(/^[ \t\r\v\f]+/, '');
    if (rest === '') return { words, next };
    const double = /^"((?:[^"\\]|\\[^])*)"(?=$|[ \t\r\v\f])/.exec(rest);
    const single = /^'((?:[^'\\]|\\[^])*)'(?=$|[ \t\r\v\f])/.exec(rest);
    const plain = /^[^ \t\r\v\f"']+(?=$|[ \t\r\v\f])/.exec(rest);
    const found = double ?? single ?? plain;
    if (found === null) return 'open to choice';
    const inner = found[1] ?? found[0];
    if (double !== null) words.push(unescaped(inner));
    else words.push(single !== null ? inner.replaceAll("\\'", "'") : inner);
    rest = rest.slice(found[0].length);
  }
}

const unescaped = (text: string): string =>
  text.replace(/\\x([0-9a-fA-F]{2})|\\([^])/g, (_, hex: string | undefined, one: string) =>
    hex === undefined ? (escapes[one] ?? one) : String.fromCharCode(Number.parseInt(hex, 16)),
  );
