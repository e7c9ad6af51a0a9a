import { TortureFailed } from './judge.ts';

/** What a client was told of an increment. */
export type Told = 'acknowledged' | 'not executed' | 'executed, no result' | 'unknown';

/**
 * One INCR of a counter that all share, together with one INCR of a mark of its own: one command of
 * the log, so the mark says how often it was executed, whatever its client was told.
 */
export interface Increment {
  readonly counter: string;
  readonly mark: string;
  told: Told;
  /** Of the counter, if it was acknowledged. */
  reply?: number;
}

export interface IncrementCounts {
  readonly acknowledged: number;
  /** Said not to be executed, and not executed. */
  readonly denied: number;
  readonly unknown: number;
  readonly unknownExecuted: number;
}

/** The value of a counter or a mark in the end; 0 if it is not there. */
export type ValueOf = (key: string) => number;

/** Every increment that clients with sessions have tried. */
export class Increments {
  readonly all: Increment[] = [];

  begin(client: string, counter: string): Increment {
    const mark = `mark:${client}:${this.all.length}`;
    const increment: Increment = { counter, mark, told: 'unknown' };
    this.all.push(increment);
    return increment;
  }

  /** Every key that has to be read in the end. */
  get keys(): string[] {
    const counters = new Set(this.all.map(({ counter }) => counter));
    return [...counters, ...this.all.map(({ mark }) => mark)];
  }
}

/**
 * Every increment one by one: nothing twice, nothing missing, nothing that was denied; and each
 * counter is the sum of its increments that were executed, each of which had a reply of its own.
 */
export function judgeIncrements(all: readonly Increment[], valueOf: ValueOf): IncrementCounts {
  const counts = { acknowledged: 0, denied: 0, unknown: 0, unknownExecuted: 0 };
  const executedOf = new Map<string, number>();
  const replies = new Set<string>();
  for (const increment of all) {
    const { counter, mark, told } = increment;
    const times = valueOf(mark);
    judgeOne(increment, times);
    executedOf.set(counter, (executedOf.get(counter) ?? 0) + times);
    if (told === 'not executed') counts.denied += 1;
    else if (told === 'unknown') counts.unknown += 1;
    else counts.acknowledged += 1;
    if (told === 'unknown') counts.unknownExecuted += times;
    if (told === 'acknowledged') judgeReply(increment, valueOf(counter), replies);
  }
  for (const [counter, executed] of executedOf) {
    const value = valueOf(counter);
    if (value !== executed) fail(`${counter} is ${value}, by its marks it must be ${executed}`);
  }
  return counts;
}

function judgeOne({ counter, mark, told }: Increment, times: number): void {
  const what = `an INCR of ${counter}, ${told} to its client (${mark}),`;
  if (times > 1) fail(`${what} was executed ${times} times`);
  const mustBe = told === 'acknowledged' || told === 'executed, no result';
  if (mustBe && times === 0) fail(`${what} is missing`);
  if (told === 'not executed' && times > 0) fail(`${what} was executed`);
}

/** Two results from one place in the order would be a result of something else. */
function judgeReply(increment: Increment, value: number, replies: Set<string>): void {
  const { counter, mark, reply = 0 } = increment;
  const place = `${counter} ${reply}`;
  if (!(reply >= 1 && reply <= value)) fail(`${counter} is ${value} and was ${reply} for ${mark}`);
  if (replies.has(place)) fail(`${counter} was ${reply} twice, once for ${mark}`);
  replies.add(place);
}

function fail(why: string): never {
  throw new TortureFailed('safety', why);
}

export function lineOf({ acknowledged, unknown, unknownExecuted }: IncrementCounts): string {
  const fates = `${unknownExecuted} executed, ${unknown - unknownExecuted} not`;
  return (
    `sessions: ${acknowledged} acknowledged, ${unknown} unknown (${fates}), ` +
    '0 executed twice, 0 missing'
  );
}
