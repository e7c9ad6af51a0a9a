import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  checkLinearizability,
  explainViolation,
  type Linearizability,
  type Operation,
} from './linearizability.ts';
import {
  type ListInput,
  listModel,
  type ListOutput,
  type RegisterInput,
  registerModel,
  type RegisterOutput,
} from './linearizability-models.ts';

type Call = Operation<RegisterInput, RegisterOutput>;

const get: RegisterInput = { kind: 'get' };
const incr: RegisterInput = { kind: 'incr' };
const set = (value: number): RegisterInput => ({ kind: 'set', value });
const cas = (from: number | null, to: number): RegisterInput => ({ kind: 'cas', from, to });

/** `[start, end]`, what, and what was told; a client for each. */
function call(
  times: readonly [number, number],
  input: RegisterInput,
  output: RegisterOutput,
): Call {
  return { client: `${times[0]}`, input, output, startMs: times[0], endMs: times[1] };
}

function unknown(startMs: number, input: RegisterInput): Call {
  return { client: `${startMs}`, input, output: undefined, startMs, endMs: undefined };
}

const check = (...history: Call[]): Linearizability<number | null, RegisterInput, RegisterOutput> =>
  checkLinearizability(registerModel, history);
const verdict = (...history: Call[]): string => check(...history).verdict;

describe('a history is linearizable when', () => {
  test('nothing has happened', () => {
    expect(verdict()).toBe('linearizable');
  });

  test('one follows the other', () => {
    expect(verdict(call([0, 1], set(5), true), call([2, 3], get, 5))).toBe('linearizable');
  });

  test('a read that overlaps a write sees it, or does not', () => {
    const write = call([0, 10], set(5), true);
    expect(verdict(write, call([1, 2], get, 5))).toBe('linearizable');
    expect(verdict(write, call([1, 2], get, null))).toBe('linearizable');
  });

  test('two that touch in one instant are in either order', () => {
    expect(verdict(call([0, 1], set(5), true), call([1, 2], get, null))).toBe('linearizable');
  });

  test('a write of unknown outcome takes effect long after it was given up', () => {
    expect(
      verdict(
        unknown(0, set(7)),
        call([1, 2], set(5), true),
        call([3, 4], get, 5),
        call([5, 6], get, 7),
      ),
    ).toBe('linearizable');
  });

  test('a write of unknown outcome never takes effect', () => {
    expect(verdict(unknown(0, set(7)), call([1, 2], get, null), call([3, 4], get, null))).toBe(
      'linearizable',
    );
  });

  test('a write that would change nothing now takes effect later', () => {
    const all = [call([0, 1], incr, 1), call([0, 9], set(1), true), call([2, 3], incr, 2)];
    expect(verdict(...all, call([4, 5], incr, 2))).toBe('linearizable');
  });

  test('nothing but unknown outcomes is there', () => {
    expect(verdict(unknown(0, incr), unknown(0, set(3)))).toBe('linearizable');
  });

  test('as many of forty unknown increments have happened as the results need', () => {
    // They are alike, so that it does not matter which; trying each subset would take for ever.
    const many = Array.from({ length: 40 }, (_, i) => unknown(i, incr));
    const all = [...many, call([50, 51], incr, 21), call([52, 53], incr, 22)];
    expect(verdict(...all)).toBe('linearizable');
    expect(verdict(...all, call([54, 55], get, 21))).toBe('violation');
  });
});

test('many writes of unknown outcome do not hide a violation', () => {
  // Each may have come before any later write; only those that somebody has seen matter.
  const history: Call[] = [];
  for (let i = 0; i < 30; i += 1) {
    history.push(unknown(10 * i, set(1_000 + i)), call([10 * i + 1, 10 * i + 2], set(i), true));
    if (i % 7 === 6) history.push(call([10 * i + 3, 10 * i + 4], get, 1_000 + i - 3));
  }
  expect(verdict(...history)).toBe('linearizable');
  expect(verdict(...history, call([400, 401], get, 5))).toBe('violation');
});

describe('a violation is', () => {
  test('a stale read', () => {
    const history = [call([0, 1], set(1), true), call([2, 3], set(2), true)];
    expect(verdict(...history, call([4, 5], get, 1))).toBe('violation');
  });

  test('a read that goes back behind another read', () => {
    const write = call([0, 10], set(1), true);
    expect(verdict(write, call([1, 2], get, 1), call([3, 4], get, null))).toBe('violation');
  });

  test('an acknowledged write that is lost', () => {
    expect(verdict(call([0, 1], set(1), true), call([2, 3], get, null))).toBe('violation');
  });

  test('a read of a value that nobody wrote', () => {
    expect(verdict(call([0, 1], set(1), true), call([0, 5], get, 2))).toBe('violation');
  });

  test('an increment that is not atomic: two callers get the same number', () => {
    expect(verdict(call([0, 5], incr, 1), call([0, 5], incr, 1))).toBe('violation');
  });

  test('an increment that is executed twice', () => {
    expect(verdict(call([0, 1], incr, 1), call([2, 3], get, 2))).toBe('violation');
  });

  test('an unknown increment that is executed twice', () => {
    expect(verdict(unknown(0, incr), call([2, 3], get, 2))).toBe('violation');
  });

  test('a write that takes effect before it was sent', () => {
    expect(verdict(call([0, 1], get, 7), unknown(2, set(7)))).toBe('violation');
  });

  test('two concurrent writes that two readers see in two orders', () => {
    const writes = [call([0, 20], set(1), true), call([0, 20], set(2), true)];
    const one = [call([1, 2], get, 1), call([3, 4], get, 2)];
    const other = [call([5, 6], get, 1)];
    expect(verdict(...writes, ...one)).toBe('linearizable');
    expect(verdict(...writes, ...one, ...other)).toBe('violation');
  });

  test('two that compare and set from the same value', () => {
    const history = [call([0, 1], set(1), true), call([2, 5], cas(1, 2), true)];
    expect(verdict(...history, call([2, 5], cas(1, 3), false))).toBe('linearizable');
    expect(verdict(...history, call([2, 5], cas(1, 3), true))).toBe('violation');
  });
});

test('a violation says how far an order goes, and what cannot come next', () => {
  const found = check(
    call([0, 1], set(1), true),
    call([2, 3], set(2), true),
    call([4, 5], get, 1),
    call([6, 7], get, 2),
  );
  if (found.verdict !== 'violation') throw new Error('not found');
  expect(found.linearised.map(({ input }) => input)).toEqual([set(1), set(2)]);
  expect(found.state).toBe(2);
  expect(found.impossible).toEqual([call([4, 5], get, 1)]);
  expect(explainViolation(found)).toContain('✗ [4.000 … 5.000] 4: {"kind":"get"} → 1');
});

test('objects are checked apart, and the one that fails is named', () => {
  type Input = RegisterInput & { readonly object: string };
  const on = (object: string, { input, ...rest }: Call): Operation<Input, RegisterOutput> => ({
    ...rest,
    input: { ...input, object },
  });
  const history = [
    on('a', call([0, 1], set(1), true)),
    on('b', call([2, 3], get, null)),
    on('a', call([4, 5], get, 1)),
  ];
  const options = { objectOf: ({ object }: Input) => object };
  expect(checkLinearizability(registerModel, history, options).verdict).toBe('linearizable');
  const stale = [...history, on('b', call([6, 7], get, 1))];
  expect(checkLinearizability(registerModel, stale, options)).toMatchObject({
    verdict: 'violation',
    object: 'b',
  });
});

test('beyond its bound on steps it says unknown, and never that it is well', () => {
  const history = Array.from({ length: 12 }, (_, i) => call([0, 100], set(i), true));
  const never = [...history, call([101, 102], get, 99)];
  const found = checkLinearizability(registerModel, never, { stepsMax: 50 });
  expect(found).toMatchObject({ verdict: 'unknown', objects: [''] });
  // A violation elsewhere is certain all the same.
  const objectOf = (input: RegisterInput): string => (input.kind === 'incr' ? 'b' : 'a');
  const both = [...never, call([0, 1], incr, 2)];
  expect(checkLinearizability(registerModel, both, { stepsMax: 50, objectOf })).toMatchObject({
    verdict: 'violation',
    object: 'b',
  });
});

test('an output without its end is refused', () => {
  const bad: Call = { client: 1, input: get, output: 1, startMs: 5, endMs: undefined };
  expect(() => check(bad)).toThrow(RangeError);
  expect(() => check({ ...bad, endMs: 4 })).toThrow(RangeError);
});

test('a long history of concurrent clients costs little', () => {
  const history: Call[] = [];
  for (let i = 0; i < 20_000; i += 1) history.push(call([i, i + 8.5], incr, i + 1));
  const found = check(...history);
  expect(found.verdict).toBe('linearizable');
  expect(found.verdict === 'linearizable' && found.steps).toBeLessThan(400_000);
});

describe('a list', () => {
  const on = (
    startMs: number,
    input: ListInput,
    output: ListOutput | undefined,
  ): Operation<ListInput, ListOutput> => ({
    client: 1,
    input,
    output,
    startMs,
    endMs: startMs + 5,
  });
  const append = (value: string): ListInput => ({ kind: 'append', value });
  const listVerdict = (...history: Operation<ListInput, ListOutput>[]): string =>
    checkLinearizability(listModel, history).verdict;

  test('holds concurrent appends in one order for all', () => {
    const appends = [on(0, append('a'), 2), on(0, append('b'), 1)];
    expect(listVerdict(...appends, on(10, { kind: 'read' }, ['b', 'a']))).toBe('linearizable');
    expect(listVerdict(...appends, on(10, { kind: 'read' }, ['a', 'b']))).toBe('violation');
    expect(listVerdict(...appends, on(10, { kind: 'length' }, 1))).toBe('violation');
  });

  test('has an append of unknown outcome once or not at all', () => {
    const history = [on(0, append('a'), undefined), on(10, append('b'), 2)];
    expect(listVerdict(...history, on(20, { kind: 'read' }, ['a', 'b']))).toBe('linearizable');
    expect(listVerdict(...history, on(20, { kind: 'read' }, ['b', 'a']))).toBe('violation');
    expect(listVerdict(on(0, append('a'), undefined), on(9, { kind: 'length' }, 2))).toBe(
      'violation',
    );
  });
});

const anInput: fc.Arbitrary<RegisterInput> = fc.oneof(
  fc.constant(get),
  fc.constant(incr),
  fc.integer({ min: 0, max: 3 }).map(set),
  fc.record({
    kind: fc.constant('cas' as const),
    from: fc.constantFrom(null, 0, 1, 2),
    to: fc.integer({ min: 0, max: 3 }),
  }),
);

/** What a real register did: each call took effect at one moment, or (if unknown) perhaps not. */
const aPlan = fc.record({
  input: anInput,
  startMs: fc.integer({ min: 0, max: 30 }),
  untilEffectMs: fc.integer({ min: 0, max: 12 }),
  untilEndMs: fc.integer({ min: 0, max: 12 }),
  fate: fc.constantFrom('known', 'known', 'known', 'late', 'never'),
});

const aHistory = (lengthMax: number): fc.Arbitrary<Call[]> =>
  fc.array(aPlan, { minLength: 1, maxLength: lengthMax }).map((plans) => {
    let state = registerModel.initial;
    const effects = plans
      .map((plan, client) => {
        const lateMs = plan.fate === 'late' ? 3 * plan.untilEndMs : 0;
        return { ...plan, client, effectMs: plan.startMs + plan.untilEffectMs + lateMs };
      })
      .toSorted((a, b) => a.effectMs - b.effectMs);
    return effects.map(({ client, input, startMs, effectMs, untilEndMs, fate }) => {
      const output = outputsOf(state, input);
      if (fate !== 'never') state = registerModel.step(state, input, output).state;
      return fate === 'known'
        ? { client, input, output, startMs, endMs: effectMs + untilEndMs }
        : { client, input, output: undefined, startMs, endMs: undefined };
    });
  });

function outputsOf(state: number | null, input: RegisterInput): RegisterOutput {
  switch (input.kind) {
    case 'get':
      return state;
    case 'set':
      return true;
    case 'incr':
      return (state ?? 0) + 1;
    case 'cas':
      return state === input.from;
  }
}

/** Every order of every subset that leaves out only what is unknown. */
function isLinearizableByBruteForce(history: readonly Call[], state: number | null): boolean {
  if (history.every(({ output }) => output === undefined)) return true;
  return history.some((operation) => {
    const others = history.filter((each) => each !== operation);
    const isEarly = others.some(
      ({ output, endMs = 0 }) => output !== undefined && endMs < operation.startMs,
    );
    const { ok, state: after } = registerModel.step(state, operation.input, operation.output);
    return !isEarly && ok && isLinearizableByBruteForce(others, after);
  });
}

describe('any history', () => {
  test('of an atomic register is accepted', () => {
    fc.assert(
      fc.property(aHistory(40), (history) => {
        expect(verdict(...history)).toBe('linearizable');
      }),
      { numRuns: 500 },
    );
  });

  test('with one output changed is judged as by brute force', () => {
    let rejected = 0;
    const aChange = fc.record({
      at: fc.nat(),
      to: fc.constantFrom(null, 0, 1, 2, 3, true, false),
    });
    fc.assert(
      fc.property(aHistory(6), aChange, (history, { at, to }) => {
        const known = history.filter(({ output }) => output !== undefined);
        const changed = known[at % Math.max(1, known.length)];
        const corrupted = history.map((each) =>
          each === changed ? { ...each, output: to } : each,
        );
        const isWell = isLinearizableByBruteForce(corrupted, registerModel.initial);
        if (!isWell) rejected += 1;
        expect(verdict(...corrupted)).toBe(isWell ? 'linearizable' : 'violation');
      }),
      { numRuns: 2_000 },
    );
    // Otherwise it would show nothing.
    expect(rejected).toBeGreaterThan(200);
  });
});
