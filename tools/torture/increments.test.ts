import { SeededRandom } from '@rsl/core/testing';
import { expect, test } from 'vitest';
import { type Increment, Increments, judgeIncrements, lineOf, type Told } from './increments.ts';

/** What a server does that remembers what it has executed, or does not. */
type Memory = 'remembers' | 'forgets';

/**
 * Clients that send an increment again while they hear nothing; requests and answers are lost.
 * Gives what they were told, and what the server has in the end.
 */
function play(memory: Memory, seed: number) {
  const random = new SeededRandom(seed);
  const increments = new Increments();
  const state = new Map<string, number>();
  const results = new Map<string, number>();
  const valueOf = (key: string): number => state.get(key) ?? 0;
  const execute = ({ counter, mark }: Increment): number => {
    const known = results.get(mark);
    if (memory === 'remembers' && known !== undefined) return known;
    for (const key of [counter, mark]) state.set(key, valueOf(key) + 1);
    results.set(mark, valueOf(counter));
    return valueOf(counter);
  };
  for (let n = 0; n < 2_000; n += 1) {
    const increment = increments.begin(`client ${n % 4}`, `counter ${random.below(8)}`);
    for (let sent = 0; sent < 3 && increment.told === 'unknown'; sent += 1) {
      if (random.chance(10)) continue;
      const reply = execute(increment);
      if (random.chance(10)) continue;
      increment.told = 'acknowledged';
      increment.reply = reply;
    }
  }
  return { increments, state, valueOf };
}

test('a server that remembers what it has executed is well, whatever is lost', () => {
  for (let seed = 1; seed <= 20; seed += 1) {
    const { increments, valueOf } = play('remembers', seed);
    const counts = judgeIncrements(increments.all, valueOf);
    expect(counts.acknowledged + counts.unknown).toBe(2_000);
    expect(counts.unknownExecuted).toBeGreaterThan(0);
    expect(counts.unknownExecuted).toBeLessThan(counts.unknown);
    expect(lineOf(counts)).toBe(
      `sessions: ${counts.acknowledged} acknowledged, ${counts.unknown} unknown ` +
        `(${counts.unknownExecuted} executed, ${counts.unknown - counts.unknownExecuted} not), ` +
        '0 executed twice, 0 missing',
    );
  }
});

test('without the memory of a session what is sent again is executed twice, and found', () => {
  for (let seed = 1; seed <= 20; seed += 1) {
    const { increments, valueOf } = play('forgets', seed);
    expect(() => judgeIncrements(increments.all, valueOf)).toThrow(/was executed [23] times/);
  }
});

/** One increment: what its client was told, how often it was executed, what the counter is. */
function verdictOn(told: Told, times: number, counter = times): string {
  const increments = new Increments();
  const one = increments.begin('client', 'counter');
  one.told = told;
  if (told === 'acknowledged') one.reply = 1;
  const values: Record<string, number> = { counter, [one.mark]: times };
  try {
    judgeIncrements(increments.all, (key) => values[key] ?? 0);
    return 'ok';
  } catch (error) {
    return (error as Error).message;
  }
}

test('each increment is judged by what its client was told', () => {
  for (const [told, allowed] of [
    ['acknowledged', [1]],
    ['executed, no result', [1]],
    ['not executed', [0]],
    ['unknown', [0, 1]],
  ] as const) {
    for (const times of [0, 1, 2]) {
      const isWell = (allowed as readonly number[]).includes(times);
      expect([told, times, verdictOn(told, times) === 'ok']).toEqual([told, times, isWell]);
    }
  }
});

test('a counter that is not the sum of its increments is found, and one result for two', () => {
  expect(verdictOn('acknowledged', 1, 2)).toBe('counter is 2, by its marks it must be 1');
  expect(verdictOn('unknown', 1, 0)).toBe('counter is 0, by its marks it must be 1');
  const { increments, valueOf } = play('remembers', 1);
  const [first, second] = increments.all.filter(({ told, counter }) => {
    return told === 'acknowledged' && counter === 'counter 1';
  }) as [Increment, Increment];
  second.reply = first.reply as number;
  expect(() => judgeIncrements(increments.all, valueOf)).toThrow('counter 1 was 1 twice');
  second.reply = Number.NaN;
  expect(() => judgeIncrements(increments.all, valueOf)).toThrow('and was NaN for mark:');
});
