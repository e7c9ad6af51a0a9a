import { expect, test } from 'vitest';
import type { ManyResults, Relay } from '../api.ts';
import { ClosedError, OutcomeUnknownError, OverloadedError, type RslError } from '../errors.ts';
import { SessionExpiredError } from '../session-errors.ts';
import type { Clock } from '../ports/clock.ts';
import { silentLogger } from '../ports/logger.ts';
import { sessionLimits } from '../sessions/session-limits.ts';
import { Calls, type Intaker } from './calls.ts';

import { OwnSession } from './own-session.ts';
import type { Under } from './proposal-ring.ts';

const { sessionWindowMax } = sessionLimits;
const ttlMs = 6_000;
const bytes = (n: number): Uint8Array => Uint8Array.of(n);
const code = (name: string): Error => expect.objectContaining({ code: name }) as Error;

/** Commands given to the host, with their number in the session. */
interface Sent {
  readonly count: number;
  readonly firstNumber: number;
  readonly sink: ManyResults;
}

/** A session whose replica is played by the test. */
class Stage {
  readonly sent: Sent[] = [];
  readonly said: string[] = [];
  under: Under | undefined;
  /** What the host throws instead of taking commands. */
  refusal: RslError | undefined;
  /** What the relay answers to the next words. */
  readonly answers: (RslError | undefined)[] = [];
  nowMs = 0;
  ticks: (() => void) | undefined;
  periodMs = 0;
  readonly session: OwnSession<number, number>;

  constructor() {
    const host = {
      propose: (
        commands: readonly Uint8Array[],
        sink: ManyResults,
        _: number,
        under: Under,
        firstNumber: number,
      ): number => {
        if (this.refusal !== undefined) throw this.refusal;
        this.under = under;
        this.sent.push({ count: commands.length, firstNumber, sink });
        return this.sent.length;
      },
      cancel: () => undefined,
    } as Intaker;
    const clock: Clock = {
      nowMs: () => this.nowMs,
      wallMs: () => this.nowMs,
      everyMs: (periodMs, tick) => {
        this.periodMs = periodMs;
        this.ticks = tick;
        return () => {
          this.ticks = undefined;
        };
      },
      soon: (run) => run(),
    };
    const codec = {
      encodeCommand: (n: number) => {
        if (n < 0) throw new RangeError('no such command');
        return bytes(n);
      },
      decodeResult: ([n = 0]: Uint8Array) => n,
    };
    const calls = new Calls<number, number>({ host, codec, clock, logger: silentLogger });
    const say = async (word: string): Promise<void> => {
      this.said.push(word);
      const error = this.answers.shift();
      if (error !== undefined) throw error;
    };
    const relay = {
      use: (id, acknowledged) => say(`use ${id} ${acknowledged}`),
      close: (id) => say(`close ${id}`),
    } as Partial<Relay> as Relay;
    this.session = new OwnSession('4.2', ttlMs, calls, relay, clock);
  }

  pass(ms: number): void {
    for (let left = ms; left > 0; left -= this.periodMs) {
      this.nowMs += Math.min(left, this.periodMs);
      this.ticks?.();
    }
  }

  /** The host answers the i-th call. */
  async answer(i: number, place = 0): Promise<void> {
    this.sent[i]?.sink.result(place, bytes(i));
    await turn();
  }

  get acknowledged(): number | undefined {
    return this.under?.acknowledged;
  }
}

const turn = (): Promise<unknown> => new Promise((resolve) => setImmediate(resolve));

test('commands are numbered from 1, each once, whichever call they come by', async () => {
  const { sent, session, under } = await proposedSome();
  expect(sent.map(({ firstNumber, count }) => [firstNumber, count])).toEqual([
    [1, 1],
    [2, 3],
    [5, 1],
  ]);
  expect(under).toMatchObject({ slot: 4, offset: 2 });
  expect(session.id).toBe('4.2');
});

async function proposedSome(): Promise<Stage> {
  const stage = new Stage();
  void stage.session.propose(1);
  stage.session.proposeMany([1, 2, 3].map(bytes), { result: () => {}, error: () => {} });
  void stage.session.propose(1);
  await turn();
  return stage;
}

test('acknowledged is what every command below has an answer to, in whatever order', async () => {
  const stage = await proposedSome();
  expect(stage.acknowledged).toBe(0);
  await stage.answer(1, 0);
  await stage.answer(2);
  expect(stage.acknowledged, 'the first is missing').toBe(0);
  await stage.answer(0);
  expect(stage.acknowledged).toBe(2);
  await stage.answer(1, 2);
  expect(stage.acknowledged).toBe(2);
  await stage.answer(1, 1);
  expect(stage.acknowledged).toBe(5);
});

test('an error is an answer, too: nobody sends that command again', async () => {
  const stage = new Stage();
  const first = stage.session.propose(1);
  await turn();
  stage.sent[0]?.sink.error(0, new OutcomeUnknownError('who knows'));
  await expect(first).rejects.toThrowError(code('RSL_OUTCOME_UNKNOWN'));
  expect(stage.acknowledged).toBe(1);
  expect(stage.session.ended.aborted).toBe(false);
});

test('a command that never left takes no number with it, or gives it back', async () => {
  const stage = new Stage();
  await expect(stage.session.propose(-1)).rejects.toThrowError(RangeError);
  await expect(stage.session.propose(1, { timeoutMs: 0 })).rejects.toThrowError(
    code('RSL_INVALID_OPTION'),
  );
  stage.refusal = new OverloadedError('pendingCommandsMax', 'full');
  await expect(stage.session.propose(1)).rejects.toThrowError(code('RSL_OVERLOADED'));
  const nobody = { result: () => {}, error: () => {} };
  expect(() => stage.session.proposeMany([1, 2].map(bytes), nobody)).toThrowError(
    code('RSL_OVERLOADED'),
  );
  stage.refusal = undefined;
  const next = stage.session.propose(9);
  await turn();
  const [{ firstNumber } = { firstNumber: 0 }] = stage.sent;
  expect(stage.acknowledged).toBe(firstNumber - 1);
  await stage.answer(0);
  expect(await next).toBe(0);
  expect(stage.acknowledged).toBe(firstNumber);
});

test('sessionWindowMax commands may wait, from the oldest on, and no more', async () => {
  const stage = new Stage();
  const nobody = { result: () => {}, error: () => {} };
  stage.session.proposeMany(new Array<Uint8Array>(sessionWindowMax).fill(bytes(0)), nobody);
  expect(() => stage.session.proposeMany([bytes(0)], nobody)).toThrowError(code('RSL_OVERLOADED'));
  await expect(stage.session.propose(1)).rejects.toThrowError(code('RSL_OVERLOADED'));
  // The second has its answer: it does not make room while the first waits.
  await stage.answer(0, 1);
  await expect(stage.session.propose(1)).rejects.toThrowError(code('RSL_OVERLOADED'));
  await stage.answer(0, 0);
  expect(() => stage.session.proposeMany([1, 2, 3].map(bytes), nobody)).toThrowError(
    code('RSL_OVERLOADED'),
  );
  stage.session.proposeMany([1, 2].map(bytes), nobody);
  expect(stage.sent.at(-1)).toMatchObject({ firstNumber: sessionWindowMax + 1, count: 2 });
});

test('an idle session is used in time, and says what it has the results of', async () => {
  const stage = new Stage();
  const first = stage.session.propose(1);
  await turn();
  await stage.answer(0);
  await first;
  stage.pass(ttlMs / 3 - 1);
  expect(stage.said).toEqual([]);
  stage.pass(ttlMs);
  expect(stage.said.length).toBeGreaterThanOrEqual(2);
  expect(new Set(stage.said)).toEqual(new Set(['use 4.2 1']));
});

test('two uses are never further apart than half its time-out', async () => {
  const stage = new Stage();
  const usedMs: number[] = [0];
  for (let i = 0; i < 60; i += 1) {
    const before = stage.said.length;
    stage.pass(stage.periodMs);
    if (stage.said.length > before) usedMs.push(stage.nowMs);
  }
  const gaps = usedMs.slice(1).map((ms, i) => ms - (usedMs[i] as number));
  expect(gaps.length).toBeGreaterThan(5);
  expect(Math.max(...gaps)).toBeLessThanOrEqual(ttlMs / 2);
});

test('while it is used anyway, nothing more is said', async () => {
  const stage = new Stage();
  for (let i = 0; i < 30; i += 1) {
    stage.pass(stage.periodMs);
    const done = stage.session.propose(1);
    await turn();
    await stage.answer(i);
    await done;
  }
  expect(stage.said).toEqual([]);
});

test('a use that fails otherwise is tried again, and does not end it', async () => {
  const stage = new Stage();
  stage.answers.push(new OutcomeUnknownError('no leader'), new OutcomeUnknownError('no leader'));
  stage.pass(3 * ttlMs);
  await turn();
  expect(stage.said.length).toBeGreaterThan(2);
  expect(stage.session.ended.aborted).toBe(false);
});

test('it ends when a use says that it has, and is used no more', async () => {
  const stage = new Stage();
  stage.answers.push(new SessionExpiredError('ended'));
  stage.pass(ttlMs);
  await turn();
  expect(stage.session.ended.aborted).toBe(true);
  expect(stage.session.ended.reason).toMatchObject({ code: 'RSL_SESSION_EXPIRED' });
  expect(stage.ticks).toBeUndefined();
  await expect(stage.session.propose(1)).rejects.toThrowError(code('RSL_SESSION_EXPIRED'));
  expect(stage.sent, 'nothing left').toEqual([]);
});

test.each(['propose', 'proposeMany'] as const)(
  'it ends when a command is told that it has: %s',
  async (way) => {
    const stage = new Stage();
    const heard: string[] = [];
    const error = (_: number, { code: what }: RslError): void => void heard.push(what);
    if (way === 'proposeMany') stage.session.proposeMany([bytes(1)], { result: () => {}, error });
    else stage.session.propose(1).catch((e: RslError) => error(0, e));
    await turn();
    stage.sent[0]?.sink.error(0, new SessionExpiredError('ended'));
    await turn();
    expect(heard).toEqual(['RSL_SESSION_EXPIRED']);
    expect(stage.session.ended.aborted).toBe(true);
    const nobody = { result: () => {}, error: () => {} };
    expect(() => stage.session.proposeMany([bytes(1)], nobody)).toThrowError(
      code('RSL_SESSION_EXPIRED'),
    );
  },
);

test('closed twice at once, it is closed once, and both hear', async () => {
  const stage = new Stage();
  await Promise.all([stage.session.close(), stage.session.close()]);
  expect(stage.said).toEqual(['close 4.2']);
  expect(stage.session.ended.aborted).toBe(true);
  await stage.session.close();
  expect(stage.said).toEqual(['close 4.2']);
  expect(stage.ticks).toBeUndefined();
});

test('a close whose outcome is unknown may be tried again', async () => {
  const stage = new Stage();
  stage.answers.push(
    new OutcomeUnknownError('the deadline passed'),
    new SessionExpiredError('ended'),
  );
  await expect(stage.session.close()).rejects.toThrowError(code('RSL_OUTCOME_UNKNOWN'));
  expect(stage.session.ended.aborted).toBe(false);
  // It had been closed: that it is gone is what was wanted.
  await stage.session.close();
  expect(stage.session.ended.aborted).toBe(true);
});

test('it ends with its replica, and says why', async () => {
  const stage = new Stage();
  stage.session.end(new ClosedError('the replica has ended'));
  expect(stage.session.ended.reason).toMatchObject({ code: 'RSL_CLOSED' });
  await stage.session.close();
  expect(stage.said).toEqual([]);
});

test('a handler that throws takes nobody else’s answer away', async () => {
  const stage = new Stage();
  const heard: number[] = [];
  const results: ManyResults = {
    result: (i) => {
      heard.push(i);
      throw new Error('not my day');
    },
    error: () => {},
  };
  stage.session.proposeMany([1, 2].map(bytes), results);
  await stage.answer(0, 0);
  await stage.answer(0, 1);
  expect(heard).toEqual([0, 1]);
  expect(stage.acknowledged).toBe(2);
});
