import { expect, test } from 'vitest';
import type { Outcome } from '../errors.ts';
import { answer, begun, bytes, fail, given, openSession, ttlMs } from '../../test/courier-stage.ts';

test('it opens a session for the first command, and sends all that wait in one frame', async () => {
  const { courier, outcomes, replicas } = await begun('x', 'y');
  expect(courier.session).toBe('5.2');
  expect(given(replicas.last)).toEqual(['5.2 after 0, 1: x,y']);
  answer(replicas.last, 1, '10', '20');
  expect(outcomes).toEqual(['x: 10', 'y: 20']);
});

test('it acknowledges what it has results of, and nothing else', async () => {
  const { propose, replicas, turn } = await begun('x', 'y', 'z');
  given(replicas.last);
  answer(replicas.last, 1, '1');
  answer(replicas.last, 3, '3');
  propose('a');
  await turn();
  expect(given(replicas.last)).toEqual(['5.2 after 1, 4: a']);
});

test('on another connection it sends again what was not answered', async () => {
  const { outcomes, replicas, wait } = await begun('x', 'y', 'z');
  given(replicas.last);
  answer(replicas.last, 1, '1');
  replicas.last.on.closed(undefined);
  await wait(100);
  replicas.last.welcome();
  await wait(0);
  expect(given(replicas.last)).toEqual(['5.2 after 1, 2: y,z']);
  answer(replicas.last, 2, '2', '3');
  expect(outcomes).toEqual(['x: 1', 'y: 2', 'z: 3']);
});

test('what was sent may have been executed, also when it waits to be sent again', async () => {
  const { outcomes, propose, replicas, wait } = await begun('x');
  given(replicas.last);
  replicas.last.on.closed(undefined);
  await wait(100);
  propose('y');
  replicas.last.welcome();
  replicas.last.hasRoom = false;
  await wait(4_950);
  expect(outcomes).toEqual(['x: RSL_OUTCOME_UNKNOWN']);
  await wait(100);
  expect(outcomes[1]).toMatch(/^y: /);
});

test('what a replica could not do it does later, or another', async () => {
  for (const code of ['RSL_OVERLOADED', 'RSL_NOT_LEADER', 'RSL_OUTCOME_UNKNOWN', 'RSL_CLOSED']) {
    const { outcomes, replicas, wait } = await begun('x', 'y');
    given(replicas.last);
    fail(replicas.last, 2, code);
    await wait(0);
    expect([given(replicas.last), outcomes]).toEqual([[], []]);
    await wait(20);
    expect(given(replicas.last)).toEqual(['5.2 after 0, 2: y']);
  }
});

test('what will never be done its caller hears', async () => {
  const { outcomes, replicas, wait } = await begun('x', 'y');
  given(replicas.last);
  fail(replicas.last, 1, 'RSL_COMMAND_TOO_LARGE');
  fail(replicas.last, 2, 'RSL_RESULT_GONE');
  await wait(2_000);
  expect(outcomes).toEqual(['x: RSL_COMMAND_TOO_LARGE', 'y: RSL_RESULT_GONE']);
  expect(given(replicas.last)).toEqual([]);
});

test('a session that has ended takes with it what was sent, and nothing else', async () => {
  const { courier, outcomes, propose, replicas, turn } = await begun('x', 'y');
  given(replicas.last);
  replicas.last.hasRoom = false;
  propose('z');
  fail(replicas.last, 1, 'RSL_SESSION_EXPIRED');
  replicas.last.hasRoom = true;
  await turn();
  expect(outcomes).toEqual(['x: RSL_SESSION_EXPIRED', 'y: RSL_SESSION_EXPIRED']);
  expect(courier.session).toBeUndefined();
  await openSession(replicas.last, turn, { slot: 9, offset: 0 });
  expect(given(replicas.last)).toEqual(['9.0 after 2, 3: z']);
  // An answer of the earlier session is nobody's.
  answer(replicas.last, 3, 'late');
  expect(outcomes).toHaveLength(2);
});

test('an idle session is used in time', async () => {
  const { replicas, wait } = await begun('x');
  answer(replicas.last, 1, '1');
  await wait(ttlMs / 3 - 1);
  expect(replicas.last.take('ask')).toEqual([]);
  await wait(1);
  const [ask] = replicas.last.take('ask');
  expect(ask?.question).toEqual({ what: 'use', session: '5.2', acknowledged: 1 });
});

test('questions are asked again on another connection, until they are answered', async () => {
  const { courier, replicas, turn, wait } = await begun();
  const status = courier.ask({ what: 'status' }, bytes(''), 9_000);
  await turn();
  expect(replicas.last.take('ask')).toHaveLength(1);
  replicas.last.on.closed(undefined);
  await wait(100);
  replicas.last.welcome();
  await wait(0);
  const again = replicas.last.take('ask');
  expect(again).toHaveLength(1);
  const number = again[0]?.number ?? 0;
  replicas.last.say({ kind: 'answer', number, slot: 3, bytes: bytes('yes') });
  expect(await status).toMatchObject({ slot: 3 });
});

test('a question that is denied fails, unless another replica may know', async () => {
  const { courier, replicas, turn, wait } = await begun();
  const asked = courier.ask({ what: 'query', level: 'linearizable' }, bytes(''), 9_000);
  const failed = expect(asked).rejects.toMatchObject({ code: 'RSL_QUERY_FAILED' });
  await turn();
  const deny = (code: string): void => {
    const [ask] = replicas.last.take('ask');
    const problem = { code, outcome: 'none' as Outcome, message: 'no' };
    replicas.last.say({ kind: 'denied', number: ask?.number ?? 0, problem });
  };
  deny('RSL_NOT_LEADER');
  await wait(20);
  deny('RSL_QUERY_FAILED');
  await failed;
});

test('it goes to where the leader is, with what waits', async () => {
  const { replicas, turn, wait } = await begun('x');
  await wait(200);
  given(replicas.last);
  replicas.last.say({ kind: 'leader', address: 'z' });
  expect(replicas.last.address).toBe('z');
  replicas.last.welcome();
  await turn();
  expect(given(replicas.last)).toEqual(['5.2 after 0, 1: x']);
});

test('what finds no room waits, and is sent once', async () => {
  const { propose, replicas, turn } = await begun('x');
  given(replicas.last);
  replicas.last.hasRoom = false;
  propose('y');
  await turn();
  replicas.last.hasRoom = true;
  replicas.last.on.drain();
  await turn();
  expect(given(replicas.last)).toEqual(['5.2 after 0, 2: y']);
});

test('whoever watches goes on watching elsewhere', async () => {
  const { courier, outcomes, replicas, turn, wait } = await begun();
  courier.watch(true);
  await turn();
  expect(replicas.last.take('ask').map(({ question }) => question)).toEqual([
    { what: 'watch', on: true },
  ]);
  replicas.last.say({ kind: 'status', bytes: bytes('well') });
  expect(outcomes).toEqual(['status well']);
  replicas.last.on.closed(undefined);
  await wait(100);
  replicas.last.welcome();
  await wait(0);
  expect(replicas.last.take('ask').length).toBeGreaterThan(0);
});

test('once closed it takes nothing, and what waits ends', async () => {
  const { courier, outcomes, propose, replicas } = await begun('x');
  given(replicas.last);
  courier.close();
  expect(outcomes).toEqual(['x: RSL_OUTCOME_UNKNOWN']);
  expect(() => propose('y')).toThrow('closed');
  await expect(courier.ask({ what: 'status' }, bytes(''), 9_000)).rejects.toThrow('closed');
});

test('a replica that answers what was not sent is not believed', async () => {
  const { outcomes, propose, replicas } = await begun('x');
  propose('y');
  expect(() => answer(replicas.last, 1, '1', '2')).toThrow('not sent');
  expect(() => answer(replicas.last, 3, '3')).toThrow('not sent');
  expect(() => fail(replicas.last, 2, 'RSL_RESULT_GONE')).toThrow('not sent');
  expect(outcomes).toEqual(['x: 1']);
});
