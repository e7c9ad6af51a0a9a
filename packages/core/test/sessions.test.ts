import type { Replica } from '@rsl/core';
import { afterEach, expect, test } from 'vitest';
import { bytesOf, textOf, until } from './cluster.ts';
import { sent, SessionCluster } from './session-stage.ts';

let cluster: SessionCluster;

afterEach(async () => {
  await cluster.close();
});

const code = (name: string): Error => expect.objectContaining({ code: name }) as Error;

test('sent by two replicas, a command executes once, and both give its result (P9)', async () => {
  cluster = await new SessionCluster().formed();
  const [leader, a, b] = await cluster.three();
  const session = await a.relay.open(30_000);
  const part = { session, firstSequence: 1, acknowledged: 0 };
  const heard = await Promise.all([leader, a, b, a].map((by) => sent(by, part, ['pay'])));
  expect(new Set(heard.flat()).size).toBe(1);
  expect(heard[0]?.[0]).toMatch(/^\d+\.\d+$/);
  expect(await sent(b, part, ['pay'])).toEqual(heard[0]);
  await cluster.caughtUp();
  expect(cluster.timesExecuted('pay')).toEqual([1, 1, 1]);
  expect(cluster.machine(1).sessions.filter((id) => id !== undefined)).toEqual([session]);
});

test('without a session the same bytes are two commands', async () => {
  cluster = await new SessionCluster().formed();
  await cluster.at(1).propose(bytesOf('pay'));
  await cluster.at(2).propose(bytesOf('pay'));
  await cluster.caughtUp();
  expect(cluster.timesExecuted('pay')).toEqual([2, 2, 2]);
});

test('what a client sends again after its leader went is not executed again', async () => {
  cluster = await new SessionCluster().formed();
  const [leader, a, b] = await cluster.three();
  const session = await a.relay.open(30_000);
  const part = { session, firstSequence: 1, acknowledged: 0 };
  const commands = Array.from({ length: 200 }, (_, i) => `pay ${i}`);
  // Some are executed, some on their way, some have not left when the leader goes.
  const first = sent(a, part, commands);
  await until('some have executed', () => cluster.machine(a.id).executed.length > 0);
  const gone = cluster.stop(leader.id);
  const again = sent(b, part, commands);
  expect(await again).toEqual(await first);
  expect(new Set(await first).size).toBe(200);
  await gone;
  await cluster.caughtUp();
  for (const command of commands) expect(cluster.timesExecuted(command)).toEqual([1, 1]);
});

test('a result outlives a restart of all replicas', async () => {
  cluster = await new SessionCluster().formed();
  const session = await cluster.at(1).relay.open(30_000);
  const part = { session, firstSequence: 1, acknowledged: 0 };
  const before = await sent(cluster.at(2), part, ['pay', 'pay more']);
  await cluster.restarted();
  expect(await sent(cluster.at(3), part, ['pay', 'pay more'])).toEqual(before);
  const next = await sent(cluster.at(1), { ...part, firstSequence: 3 }, ['next']);
  expect(next[0]).toMatch(/^\d+\.\d+$/);
  await cluster.caughtUp();
  expect(cluster.timesExecuted('pay')).toEqual([1, 1, 1]);
});

test('a restarted replica knows its callers of before no more, but their sequences', async () => {
  cluster = await new SessionCluster().formed();
  const session = await cluster.at(2).openSession({ ttlMs: 30_000 });
  await session.propose(bytesOf('pay'));
  await cluster.stop(2);
  expect(session.ended.reason).toMatchObject({ code: 'RSL_CLOSED' });
  await expect(session.propose(bytesOf('more'))).rejects.toThrowError(code('RSL_SESSION_EXPIRED'));
  await cluster.start(2);
  const part = { session: session.id, firstSequence: 1, acknowledged: 0 };
  expect((await sent(cluster.at(2), part, ['pay']))[0]).toMatch(/^\d+\.\d+$/);
  await cluster.caughtUp();
  expect(cluster.timesExecuted('pay')).toEqual([1, 1, 1]);
});

test('sequences execute whichever comes first, and each once', async () => {
  cluster = await new SessionCluster().formed();
  const [leader, a] = await cluster.three();
  const session = await a.relay.open(30_000);
  const part = { session, acknowledged: 0 };
  const third = await sent(a, { ...part, firstSequence: 3 }, ['third']);
  const all = await sent(leader, { ...part, firstSequence: 1 }, ['first', 'second', 'third']);
  expect(all[2]).toBe(third[0]);
  await cluster.caughtUp();
  expect(cluster.machine(leader.id).executed).toEqual(['third', 'first', 'second']);
});

test('an acknowledged command is not executed again, and its result is gone', async () => {
  cluster = await new SessionCluster().formed();
  const session = await cluster.at(1).relay.open(30_000);
  await sent(cluster.at(1), { session, firstSequence: 1, acknowledged: 0 }, ['a', 'b']);
  await cluster.at(3).relay.use(session, 1);
  const again = { session, firstSequence: 1, acknowledged: 0 };
  const [first, second] = await sent(cluster.at(2), again, ['a', 'b']);
  expect(first).toBe('RSL_RESULT_GONE');
  expect(second).toMatch(/^\d+\.\d+$/);
  await cluster.caughtUp();
  expect(cluster.timesExecuted('a')).toEqual([1, 1, 1]);
});

test('beyond its window a client hears that it is too fast, and nothing executes', async () => {
  cluster = await new SessionCluster().formed();
  const session = await cluster.at(1).relay.open(30_000);
  const part = { session, firstSequence: 4_097, acknowledged: 0 };
  expect(await sent(cluster.at(2), part, ['early'])).toEqual(['RSL_OVERLOADED']);
  const [later] = await sent(cluster.at(2), { ...part, acknowledged: 1 }, ['early']);
  expect(later).toMatch(/^\d+\.\d+$/);
  await cluster.caughtUp();
  expect(cluster.timesExecuted('early')).toEqual([1, 1, 1]);
});

test('a closed session has ended everywhere at one moment, and executes nothing more', async () => {
  cluster = await new SessionCluster().formed();
  const session = await cluster.at(2).openSession();
  await session.propose(bytesOf('a'));
  await session.close();
  expect(session.ended.aborted).toBe(true);
  await expect(session.propose(bytesOf('b'))).rejects.toThrowError(code('RSL_SESSION_EXPIRED'));
  const part = { session: session.id, firstSequence: 2, acknowledged: 0 };
  expect(await sent(cluster.at(3), part, ['b'])).toEqual(['RSL_SESSION_EXPIRED']);
  await expect(cluster.at(1).relay.close(session.id)).rejects.toThrowError(
    code('RSL_SESSION_EXPIRED'),
  );
  await cluster.caughtUp();
  expect(cluster.machine(1).ended).toHaveLength(1);
  expect(cluster.machine(1).ended[0]).toMatch(`${session.id} at `);
  for (const id of [2, 3]) expect(cluster.machine(id).ended).toEqual(cluster.machine(1).ended);
  expect(cluster.timesExecuted('b')).toEqual([0, 0, 0]);
});

test('a session that was never opened is not made by using it (P9)', async () => {
  cluster = await new SessionCluster().formed();
  for (const session of ['1.0', '999.7', '9007199254740991.4294967295']) {
    const part = { session, firstSequence: 1, acknowledged: 0 };
    expect(await sent(cluster.at(1), part, ['a'])).toEqual(['RSL_SESSION_EXPIRED']);
    await expect(cluster.at(2).relay.use(session, 0)).rejects.toThrowError(
      code('RSL_SESSION_EXPIRED'),
    );
    expect(await sent(cluster.at(1), part, ['a'])).toEqual(['RSL_SESSION_EXPIRED']);
  }
});

test('an abandoned wait executes at most once, too', async () => {
  // Its client has given up, and acknowledges the sequence with the next one.
  cluster = await new SessionCluster().formed();
  const [, a] = await cluster.three();
  const session = await a.openSession();
  const signal = AbortSignal.abort();
  await expect(session.propose(bytesOf('x'), { signal })).rejects.toThrowError(code('RSL_ABORTED'));
  const stop = new AbortController();
  const lost = session.propose(bytesOf('lost'), { signal: stop.signal });
  stop.abort();
  await expect(lost).rejects.toThrowError();
  expect(textOf(await session.propose(bytesOf('next')))).toMatch(/^\d+\.\d+$/);
  await cluster.caughtUp();
  expect(cluster.timesExecuted('x')).toEqual([0, 0, 0]);
  expect(new Set(cluster.timesExecuted('lost')).size, 'the same everywhere').toBe(1);
  expect(cluster.timesExecuted('lost')[0]).toBeLessThanOrEqual(1);
});

test('a caller that writes into its result changes nothing that is kept', async () => {
  cluster = await new SessionCluster().formed();
  const [, a, b] = await cluster.three();
  const session = await a.openSession();
  const part = { session: session.id, firstSequence: 1, acknowledged: 0 };
  const result = await session.propose(bytesOf('pay'));
  const before = textOf(result);
  result.fill(0);
  expect(await sent(b, part, ['pay'])).toEqual([before]);
  expect(await sent(a, part, ['pay'])).toEqual([before]);
});

test('words about sessions are no commands: commandBytesMax is not for them', async () => {
  cluster = await new SessionCluster({ limits: { commandBytesMax: 8 } }).formed();
  const session = await cluster.at(1).openSession();
  await session.propose(bytesOf('eight by'));
  await cluster.at(2).relay.use(session.id, 0);
  await session.close();
  expect(session.ended.aborted).toBe(true);
});

test('sequences beyond 2^53 are refused at the door, and stop nobody', async () => {
  cluster = await new SessionCluster().formed();
  const [leader, a] = await cluster.three();
  const session = await a.relay.open(30_000);
  const many = new Array<Uint8Array>(4_098).fill(bytesOf('x'));
  const firstSequence = Number.MAX_SAFE_INTEGER - 4_096;
  const part = { session, firstSequence, acknowledged: 0 };
  let left = many.length;
  const heard = { result: () => void (left -= 1), error: () => void (left -= 1) };
  for (const by of [leader, a]) {
    expect(() => by.relay.propose(part, many, heard)).toThrowError(code('RSL_INVALID_OPTION'));
  }
  expect(await a.propose(bytesOf('goes on'))).toBeDefined();
  expect([...cluster.replicas.values()].map((r) => r.status().state)).not.toContain('stopped');
});

test.each([
  ['ttlMs', (r: Replica) => r.relay.open(999)],
  ['ttlMs', (r: Replica) => r.relay.open(86_400_001)],
  ['ttlMs', (r: Replica) => r.relay.open(1_000.5)],
  ['ttlMs', (r: Replica) => r.openSession({ ttlMs: 0 })],
  ['timeoutMs', (r: Replica) => r.relay.open(1_000, { timeoutMs: 0 })],
  ['session', (r: Replica) => r.relay.use('7', 0)],
  ['session', (r: Replica) => r.relay.close('01.0')],
  ['acknowledged', (r: Replica) => r.relay.use('7.0', -1)],
  ['acknowledged', (r: Replica) => r.relay.use('7.0', 2 ** 53)],
  ['session', (r: Replica) => sent(r, { session: 'x', firstSequence: 1, acknowledged: 0 }, ['a'])],
  [
    'firstSequence',
    (r: Replica) => sent(r, { session: '7.0', firstSequence: 0, acknowledged: 0 }, ['a']),
  ],
  [
    'acknowledged',
    (r: Replica) => sent(r, { session: '7.0', firstSequence: 2, acknowledged: 2 }, ['a']),
  ],
])('what is out of range is named, and never leaves: %s', async (option, call) => {
  cluster = new SessionCluster();
  const refused = call(await cluster.start(1));
  await expect(refused).rejects.toMatchObject({ code: 'RSL_INVALID_OPTION', option });
  expect(cluster.at(1).status().pendingCommands).toBe(0);
});
