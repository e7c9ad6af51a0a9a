import { checkLinearizability, type Operation } from '@rsl/core/testing';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  executed,
  type RedisInput,
  redisModel,
  type RedisOutput,
  type RedisState,
} from './redis-model.ts';

type RedisOperation = Operation<RedisInput, RedisOutput>;

const withoutForesight = { ...redisModel, isHopeless: () => false };

const ofLists = ['LPUSH', 'RPUSH', 'LPOP', 'LRANGE', 'LLEN', 'DEL'] as const;
const ofTexts = ['APPEND', 'APPEND', 'GET', 'STRLEN', 'GET', 'SET', 'GETSET', 'DEL'] as const;

/** One key's life: what really happened, when each call began and ended, and who never heard. */
const livesOf = (commands: readonly RedisInput['command'][]): fc.Arbitrary<RedisOperation[]> =>
  fc
    .array(
      fc.record({
        command: fc.constantFrom(...commands),
        earlier: fc.nat(30),
        later: fc.nat(30),
        fate: fc.constantFrom('heard', 'heard', 'heard', 'executed', 'lost'),
      }),
      { maxLength: 14 },
    )
    .map((calls) => {
      let state: RedisState = null;
      return calls.map(({ command, earlier, later, fate }, i): RedisOperation => {
        const value = /PUSH|APPEND|SET/.test(command) ? { value: `v${i}` } : {};
        const input = { command, key: 'queue', ...value } as RedisInput;
        const times = { client: i, input, startMs: 10 * i - earlier };
        if (fate === 'lost') return { ...times, output: undefined, endMs: undefined };
        const { output, state: after } = executed(state, input);
        state = after;
        if (fate === 'executed') return { ...times, output: undefined, endMs: undefined };
        return { ...times, output, endMs: 10 * i + later };
      });
    });

const lives = fc.oneof(livesOf(ofLists), livesOf(ofTexts));

test('what really happened to a key is linearizable', () => {
  fc.assert(
    fc.property(lives, (life) => {
      expect(checkLinearizability(redisModel, life).verdict).toBe('linearizable');
    }),
  );
});

test('to see early that nothing can come of a state changes no verdict', () => {
  let violations = 0;
  const property = fc.property(lives, fc.nat(), fc.nat(), (life, at, from) => {
    // Somebody is told what somebody else was told: possible now and then.
    const told = life.filter(({ output }) => output !== undefined);
    const [one, other] = [told[at % told.length], told[from % told.length]];
    const history = life.map((operation) =>
      operation === one && other !== undefined ? { ...one, output: other.output } : operation,
    );
    const expected = checkLinearizability(withoutForesight, history).verdict;
    if (expected === 'violation') violations += 1;
    expect(checkLinearizability(redisModel, history).verdict).toBe(expected);
  });
  fc.assert(property, { numRuns: 1_000 });
  expect(violations).toBeGreaterThan(100);
});

test('a list with many pushes that nobody heard of is judged in few steps', () => {
  const unknown = Array.from({ length: 16 }, (__, i): RedisOperation => {
    const command = i % 2 === 0 ? 'RPUSH' : 'LPUSH';
    const input: RedisInput = { command, key: 'queue', value: `u${i}` };
    return { client: i, input, output: undefined, startMs: i, endMs: undefined };
  });
  const read = (output: readonly string[], startMs: number): RedisOperation => {
    const input: RedisInput = { command: 'LRANGE', key: 'queue' };
    return { client: 'r', input, output, startMs, endMs: startMs + 1 };
  };
  const pop: RedisOperation = {
    client: 'p',
    input: { command: 'LPOP', key: 'queue' },
    output: 'u13',
    startMs: 30,
    endMs: 31,
  };
  const items = ['u13', 'u7', 'u3', 'u0', 'u8', 'u4', 'u14'];
  const history = [...unknown, read(items, 20), pop, read(items.slice(1), 40)];
  const stepsMax = 20_000;
  expect(checkLinearizability(withoutForesight, history, { stepsMax }).verdict).toBe('unknown');
  expect(checkLinearizability(redisModel, history, { stepsMax }).verdict).toBe('linearizable');
});

test('a text with many appends that nobody heard of is judged in few steps', () => {
  const unknown = Array.from({ length: 16 }, (__, i): RedisOperation => {
    const input: RedisInput = { command: 'APPEND', key: 'text', value: `<${i}>` };
    return { client: i, input, output: undefined, startMs: i, endMs: undefined };
  });
  const read = (command: 'GET' | 'STRLEN', output: string | number): RedisOperation => ({
    client: 'r',
    input: { command, key: 'text' },
    output,
    startMs: command === 'STRLEN' ? 20 : 40,
    endMs: command === 'STRLEN' ? 21 : 41,
  });
  const text = '<13><7><3><0><8><4><14><11>';
  const history = [...unknown, read('STRLEN', text.length), read('GET', text)];
  const stepsMax = 20_000;
  expect(checkLinearizability(withoutForesight, history, { stepsMax }).verdict).toBe('unknown');
  expect(checkLinearizability(redisModel, history, { stepsMax }).verdict).toBe('linearizable');
});
