import type { Left, SequentialModel } from '@rsl/core/testing';

/** One command on one key. */
export interface RedisInput {
  readonly command: RedisCommand;
  readonly key: string;
  readonly value?: string;
}

export const readCommands = ['GET', 'STRLEN', 'LLEN', 'LRANGE'] as const;
export const writeCommands = [
  'SET',
  'SETNX',
  'GETSET',
  'DEL',
  'INCR',
  'APPEND',
  'LPUSH',
  'RPUSH',
  'LPOP',
] as const;
export type RedisCommand = (typeof readCommands)[number] | (typeof writeCommands)[number];

/** Null is Redis' nil; errors are no outputs, they are outcomes. */
export type RedisOutput = string | number | null | readonly string[];

/** A string, a list, or nothing. */
export type RedisState = string | readonly string[] | null;

export const isRead = ({ command }: RedisInput): boolean =>
  (readCommands as readonly string[]).includes(command);

/** The words of the command as they are sent. */
export function wordsOf({ command, key, value }: RedisInput): string[] {
  if (command === 'LRANGE') return [command, key, '0', '-1'];
  return value === undefined ? [command, key] : [command, key, value];
}

/** What a single Redis does to one key, for commands that fit the key's type. */
export const redisModel: SequentialModel<RedisState, RedisInput, RedisOutput> = {
  initial: null,
  step(state, input, output) {
    const expected = executed(state, input);
    const ok = output === undefined || isSame(output, expected.output);
    return { ok, state: expected.state };
  },
  isRead: (input, output) =>
    isRead(input) || ((input.command === 'SETNX' || input.command === 'DEL') && output === 0),
  overwrites: ({ command }) => command === 'SET',
  isHopeless: (state, left) =>
    typeof state === 'string' ? isHopelessText(state, left) : isHopelessList(state ?? [], left),
  key: (state) => (typeof state === 'string' || state === null ? state : state.join('\n') + '\n'),
  inputKey: ({ command, value }) => `${command} ${value ?? ''}`,
};

interface Executed {
  readonly state: RedisState;
  readonly output: RedisOutput;
}

/** The command on its own: what it replies, and what is there then. */
export function executed(state: RedisState, input: RedisInput): Executed {
  if (Array.isArray(state)) return onList(state, input);
  const isOfList = /^(LPUSH|RPUSH|LPOP|LLEN|LRANGE)$/.test(input.command);
  if (state === null && isOfList) return onList([], input);
  return onString(state as string | null, input);
}

function onString(state: string | null, { command, value = '' }: RedisInput): Executed {
  switch (command) {
    case 'GET':
      return { state, output: state };
    case 'STRLEN':
      return { state, output: state?.length ?? 0 };
    case 'SET':
      return { state: value, output: 'OK' };
    case 'SETNX':
      return state === null ? { state: value, output: 1 } : { state, output: 0 };
    case 'GETSET':
      return { state: value, output: state };
    case 'DEL':
      return { state: null, output: state === null ? 0 : 1 };
    case 'INCR': {
      const next = Number(state ?? 0) + 1;
      return { state: String(next), output: next };
    }
    case 'APPEND': {
      const next = (state ?? '') + value;
      return { state: next, output: next.length };
    }
    default:
      throw new RangeError(`${command} is for lists`);
  }
}

function onList(items: readonly string[], { command, value = '' }: RedisInput): Executed {
  switch (command) {
    case 'LPUSH':
      return { state: [value, ...items], output: items.length + 1 };
    case 'RPUSH':
      return { state: [...items, value], output: items.length + 1 };
    case 'LPOP': {
      const [first = null, ...rest] = items;
      return { state: rest.length === 0 ? null : rest, output: first };
    }
    case 'LLEN':
      return { state: listOrNothing(items), output: items.length };
    case 'LRANGE':
      return { state: listOrNothing(items), output: items };
    case 'DEL':
      return { state: null, output: items.length === 0 ? 0 : 1 };
    default:
      throw new RangeError(`${command} is for strings`);
  }
}

const textOnlyGrowsBy: ReadonlySet<RedisCommand> = new Set(['APPEND', 'GET', 'STRLEN']);

/** What is read later begins with what is there now, where nothing but appends comes between. */
function isHopelessText(state: string, { known, unknown }: Left<RedisInput, RedisOutput>): boolean {
  let read: RedisOutput | undefined;
  let endMs = Infinity;
  for (const { endMs: itsEndMs, input, output, startMs } of known) {
    if (startMs > endMs) break;
    if (!textOnlyGrowsBy.has(input.command)) return false;
    if (read !== undefined || input.command !== 'GET') continue;
    read = output;
    endMs = itsEndMs ?? Infinity;
  }
  if (read === undefined) return false;
  for (const { input, startMs } of unknown) {
    if (startMs > endMs) break;
    if (!textOnlyGrowsBy.has(input.command)) return false;
  }
  return typeof read !== 'string' || !read.startsWith(state);
}

/**
 * A list that is read whole later still has then, in one piece, all of its items but those that
 * were popped from its front; and so many pops are not left.
 */
function isHopelessList(
  items: readonly string[],
  { known, unknown }: Left<RedisInput, RedisOutput>,
): boolean {
  let read: readonly string[] | undefined;
  let endMs = Infinity;
  let pops = 0;
  const count = ({ command }: RedisInput): void => {
    pops += command === 'LPOP' ? 1 : command === 'DEL' ? Infinity : 0;
  };
  for (const operation of known) {
    if (operation.startMs > endMs) break;
    count(operation.input);
    if (read !== undefined || !Array.isArray(operation.output)) continue;
    read = operation.output as readonly string[];
    endMs = operation.endMs ?? Infinity;
  }
  if (read === undefined) return false;
  for (const operation of unknown) {
    if (operation.startMs > endMs) break;
    count(operation.input);
  }
  return pops < items.length && !hasAllBut(pops, items, `\n${read.join('\n')}\n`);
}

/** Are all items but at most so many of the first ones there, in one piece? */
function hasAllBut(pops: number, items: readonly string[], found: string): boolean {
  for (let from = 0; from <= pops; from += 1) {
    if (found.includes(`\n${items.slice(from).join('\n')}\n`)) return true;
  }
  return false;
}

const listOrNothing = (items: readonly string[]): RedisState => (items.length === 0 ? null : items);

function isSame(output: RedisOutput, expected: RedisOutput): boolean {
  if (!Array.isArray(output) || !Array.isArray(expected)) return output === expected;
  return output.length === expected.length && output.every((item, i) => item === expected[i]);
}
