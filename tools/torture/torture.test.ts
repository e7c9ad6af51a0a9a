import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { FakeGroup, type Misdeed } from './fake-group.ts';
import { History } from './history.ts';
import { type FailureKind, judgeHistory, TortureFailed } from './judge.ts';
import { executed, redisModel, type RedisInput } from './redis-model.ts';
import { drawSchedule } from './schedule.ts';
import { randomOf, torture } from './torture.ts';
import { Workload } from './workload.ts';

const operationsMin = 2_500;
const options = {
  seed: 1,
  clientsPerReplica: 2,
  sessionClients: 0,
  retriesAsNew: false,
  pauseMsMax: 0,
  replyWithinMs: 200,
  reconnectAfterMs: 5,
  serveWithinMs: 1_500,
  equalWithinMs: 10_000,
};

/** What torture says of a group that does this. */
async function verdictOn(misdeed: Misdeed): Promise<FailureKind | 'ok'> {
  const group = await FakeGroup.listening(misdeed);
  const history = new History();
  const enough = async (): Promise<void> => {
    while (history.acknowledged < operationsMin) await delay(1);
  };
  try {
    await torture(group, options, history, enough);
    return 'ok';
  } catch (error) {
    if (error instanceof TortureFailed) return error.kind;
    throw error;
  } finally {
    group.close();
  }
}

const verdicts: Readonly<Record<Misdeed, FailureKind | 'ok'>> = {
  'sends what is no reply': 'contract',
  'does nothing wrong': 'ok',
  'loses a write that it acknowledged': 'safety',
  'serves a stale read': 'safety',
  'executes twice': 'safety',
  'executes what it denied': 'safety',
  'has another state on one replica': 'safety',
  'has another snapshot on one replica': 'safety',
  'raises an alarm': 'safety',
  'falls silent when it is healed': 'liveness',
  'serves a stale read and falls silent': 'safety',
  'gives an error that clients may not get': 'contract',
};

for (const [misdeed, verdict] of Object.entries(verdicts)) {
  test(`a server that ${misdeed}: ${verdict}`, async () => {
    expect(await verdictOn(misdeed as Misdeed)).toBe(verdict);
  }, 30_000);
}

test('a process that ended by itself is a crash', async () => {
  const group = await FakeGroup.listening('does nothing wrong');
  const ended = Object.assign(group, { unexpectedEnds: ['replica 1: SIGSEGV'] });
  await expect(
    torture(ended, options, new History(), () => Promise.resolve()),
  ).rejects.toMatchObject({ kind: 'contract' });
  Object.assign(group, { endpoints: [{ host: '127.0.0.1', port: 1 }] });
  await expect(
    torture(ended, options, new History(), () => Promise.resolve()),
  ).rejects.toMatchObject({ kind: 'contract' });
  group.close();
});

test('what is missing or there twice is found without the checker, too', () => {
  const push = (value: string, startMs: number, output: number | undefined) => ({
    client: '1',
    input: { command: 'RPUSH', key: 'list:1', value } satisfies RedisInput,
    output,
    startMs,
    endMs: startMs + 1,
  });
  const read = (output: readonly string[]) => ({
    client: '2',
    input: { command: 'LRANGE', key: 'list:1' } satisfies RedisInput,
    output,
    startMs: 10,
    endMs: 11,
  });
  const history = [push('a', 0, 1), push('b', 2, undefined)];
  expect(judgeHistory([...history, read(['a'])])).toEqual({ keys: 1 });
  expect(judgeHistory([...history, read(['a', 'b'])])).toEqual({ keys: 1 });
  expect(() => judgeHistory([...history, read(['b'])])).toThrow('is there 0 times');
  expect(() => judgeHistory([...history, read(['a', 'b', 'b'])])).toThrow('is there 2 times');
});

test('a seed means one schedule and one workload', () => {
  const schedule = (seed: number) =>
    drawSchedule(randomOf(seed, 'schedule'), { replicas: 3, milliseconds: 60_000 });
  expect(schedule(7)).toEqual(schedule(7));
  expect(schedule(7)).not.toEqual(schedule(8));
  for (const { replicas, fromMs, untilMs } of schedule(7)) {
    expect(new Set(replicas).size).toBe(replicas.length);
    expect(fromMs).toBeLessThan(untilMs);
    expect(untilMs).toBeLessThanOrEqual(60_000);
  }
  const kinds = new Set([1, 2, 3].flatMap((seed) => schedule(seed).map(({ kind }) => kind)));
  expect(kinds.size).toBe(8);
  const first = (seed: number) => new Workload(randomOf(seed, 'workload')).next('1');
  expect(first(7)).toEqual(first(7));
});

test('the model replies as Redis does', () => {
  const replies: unknown[] = [];
  const run = (
    state: string | readonly string[] | null,
    ...inputs: readonly RedisInput[]
  ): void => {
    for (const input of inputs) {
      const { state: after, output } = executed(state, input);
      expect(redisModel.step(state, input, output)).toEqual({ ok: true, state: after });
      expect(redisModel.step(state, input, 'something else').ok).toBe(false);
      replies.push(output);
      state = after;
    }
  };
  const key = 'k';
  run(
    null,
    { command: 'SETNX', key, value: '5' },
    { command: 'SETNX', key, value: '6' },
    { command: 'INCR', key },
    { command: 'APPEND', key, value: 'x' },
    { command: 'STRLEN', key },
    { command: 'GETSET', key, value: 'y' },
    { command: 'DEL', key },
    { command: 'DEL', key },
    { command: 'GET', key },
    { command: 'LPOP', key },
    { command: 'RPUSH', key, value: 'b' },
    { command: 'LPUSH', key, value: 'a' },
    { command: 'LRANGE', key },
    { command: 'LPOP', key },
    { command: 'LPOP', key },
    { command: 'LLEN', key },
    { command: 'SET', key, value: 'z' },
  );
  expect([replies.slice(0, 9), replies.slice(9)]).toEqual([
    [1, 0, 6, 2, 2, '6x', 1, 0, null],
    [null, 1, 2, ['a', 'b'], 'a', 'b', 0, 'OK'],
  ]);
});
