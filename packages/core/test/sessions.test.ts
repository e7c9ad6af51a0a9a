import type { Batch, ManyResults, RelayedPart, Replica, Results, SlotMoment } from '@rsl/core';
import { DigestMachine } from '@rsl/core/testing';
import { afterEach, expect, test } from 'vitest';
import { bytesOf, Cluster, textOf, until } from './cluster.ts';

let cluster: Cluster;

afterEach(async () => {
  await cluster.close();
});

const patienceMs = 40_000;
const code = (name: string): Error => expect.objectContaining({ code: name }) as Error;

/** Tells what it executed, and which sessions ended when. */
class Recorder extends DigestMachine {
  readonly executed: string[];
  readonly sessions: (string | undefined)[] = [];
  readonly ended: string[] = [];

  constructor() {
    const executed: string[] = [];
    super(({ commands }) => executed.push(...commands));
    this.executed = executed;
  }

  override execute(batch: Batch, results: Results): void {
    for (let i = 0; i < batch.count; i += 1) this.sessions.push(batch.session(i));
    super.execute(batch, results);
  }

  sessionEnded(session: string, { slot, timeMs }: SlotMoment): void {
    this.ended.push(`${session} at ${slot} ${timeMs}`);
  }
}

const started = (options: ConstructorParameters<typeof Cluster>[0] = {}): Promise<Cluster> =>
  new Cluster({ machine: () => new Recorder(), ...options }).formed();

const machine = (id: number): Recorder => cluster.machines.get(id) as Recorder;

/** What a client hears that sends these sequences by this replica: results, or codes of errors. */
function sent(by: Replica, part: RelayedPart, commands: readonly string[]): Promise<string[]> {
  return new Promise((resolve) => {
    const heard: string[] = [];
    let left = commands.length;
    const hear = (i: number, text: string): void => {
      heard[i] = text;
      left -= 1;
      if (left === 0) resolve(heard);
    };
    const results: ManyResults = {
      result: (i, bytes) => hear(i, textOf(bytes)),
      error: (i, error) => hear(i, error.code),
    };
    by.relay.propose(part, commands.map(bytesOf), results);
  });
}

async function caughtUp(): Promise<void> {
  for (const replica of cluster.replicas.values()) await replica.barrier('linearizable');
}

/** On every replica that runs, so many times. */
function timesExecuted(command: string): number[] {
  return [...cluster.replicas.keys()].map(
    (id) => machine(id).executed.filter((each) => each === command).length,
  );
}

async function others(): Promise<readonly [leader: Replica, a: Replica, b: Replica]> {
  const leader = await cluster.leader();
  const [a, b] = cluster.ids.filter((id) => id !== leader.id);
  return [leader, cluster.at(a as number), cluster.at(b as number)];
}

async function restarted(): Promise<void> {
  await Promise.all(cluster.ids.map((id) => cluster.stop(id)));
  await Promise.all(cluster.ids.map((id) => cluster.start(id)));
  await cluster.leader();
}

test('sent by two replicas, a command executes once, and both give its result (P9)', async () => {
  cluster = await started();
  const [leader, a, b] = await others();
  const session = await a.relay.open(30_000);
  const part = { session, firstSequence: 1, acknowledged: 0 };
  const heard = await Promise.all([leader, a, b, a].map((by) => sent(by, part, ['pay'])));
  expect(new Set(heard.flat()).size).toBe(1);
  expect(heard[0]?.[0]).toMatch(/^\d+\.\d+$/);
  expect(await sent(b, part, ['pay'])).toEqual(heard[0]);
  await caughtUp();
  expect(timesExecuted('pay')).toEqual([1, 1, 1]);
  expect(machine(1).sessions.filter((id) => id !== undefined)).toEqual([session]);
});

test('without a session the same bytes are two commands', async () => {
  cluster = await started();
  await cluster.at(1).propose(bytesOf('pay'));
  await cluster.at(2).propose(bytesOf('pay'));
  await caughtUp();
  expect(timesExecuted('pay')).toEqual([2, 2, 2]);
});

test('what a client sends again after its leader went is not executed again', async () => {
  cluster = await started();
  const [leader, a, b] = await others();
  const session = await a.relay.open(30_000);
  const part = { session, firstSequence: 1, acknowledged: 0 };
  const commands = Array.from({ length: 200 }, (_, i) => `pay ${i}`);
  // Some are executed, some on their way, some have not left when the leader goes.
  const first = sent(a, part, commands);
  await until('some have executed', () => machine(a.id).executed.length > 0);
  const gone = cluster.stop(leader.id);
  const again = sent(b, part, commands);
  expect(await again).toEqual(await first);
  expect(new Set(await first).size).toBe(200);
  await gone;
  await caughtUp();
  for (const command of commands) expect(timesExecuted(command)).toEqual([1, 1]);
});

test('a result outlives a restart of all replicas', async () => {
  cluster = await started();
  const session = await cluster.at(1).relay.open(30_000);
  const part = { session, firstSequence: 1, acknowledged: 0 };
  const before = await sent(cluster.at(2), part, ['pay', 'pay more']);
  await restarted();
  expect(await sent(cluster.at(3), part, ['pay', 'pay more'])).toEqual(before);
  const next = await sent(cluster.at(1), { ...part, firstSequence: 3 }, ['next']);
  expect(next[0]).toMatch(/^\d+\.\d+$/);
  await caughtUp();
  expect(timesExecuted('pay')).toEqual([1, 1, 1]);
});

test('a restarted replica knows its callers of before no more, but their sequences', async () => {
  cluster = await started();
  const session = await cluster.at(2).openSession({ ttlMs: 30_000 });
  await session.propose(bytesOf('pay'));
  await cluster.stop(2);
  expect(session.ended.reason).toMatchObject({ code: 'RSL_CLOSED' });
  await expect(session.propose(bytesOf('more'))).rejects.toThrowError(code('RSL_SESSION_EXPIRED'));
  await cluster.start(2);
  const part = { session: session.id, firstSequence: 1, acknowledged: 0 };
  expect((await sent(cluster.at(2), part, ['pay']))[0]).toMatch(/^\d+\.\d+$/);
  await caughtUp();
  expect(timesExecuted('pay')).toEqual([1, 1, 1]);
});

test('sequences execute whichever comes first, and each once', async () => {
  cluster = await started();
  const [leader, a] = await others();
  const session = await a.relay.open(30_000);
  const part = { session, acknowledged: 0 };
  const third = await sent(a, { ...part, firstSequence: 3 }, ['third']);
  const all = await sent(leader, { ...part, firstSequence: 1 }, ['first', 'second', 'third']);
  expect(all[2]).toBe(third[0]);
  await caughtUp();
  expect(machine(leader.id).executed).toEqual(['third', 'first', 'second']);
});

test('an acknowledged command is not executed again, and its result is gone', async () => {
  cluster = await started();
  const session = await cluster.at(1).relay.open(30_000);
  await sent(cluster.at(1), { session, firstSequence: 1, acknowledged: 0 }, ['a', 'b']);
  await cluster.at(3).relay.use(session, 1);
  const again = { session, firstSequence: 1, acknowledged: 0 };
  const [first, second] = await sent(cluster.at(2), again, ['a', 'b']);
  expect(first).toBe('RSL_RESULT_GONE');
  expect(second).toMatch(/^\d+\.\d+$/);
  await caughtUp();
  expect(timesExecuted('a')).toEqual([1, 1, 1]);
});

test('beyond its window a client hears that it is too fast, and nothing executes', async () => {
  cluster = await started();
  const session = await cluster.at(1).relay.open(30_000);
  const part = { session, firstSequence: 4_097, acknowledged: 0 };
  expect(await sent(cluster.at(2), part, ['early'])).toEqual(['RSL_OVERLOADED']);
  const [later] = await sent(cluster.at(2), { ...part, acknowledged: 1 }, ['early']);
  expect(later).toMatch(/^\d+\.\d+$/);
  await caughtUp();
  expect(timesExecuted('early')).toEqual([1, 1, 1]);
});

test('a closed session has ended everywhere at one moment, and executes nothing more', async () => {
  cluster = await started();
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
  await caughtUp();
  expect(machine(1).ended).toHaveLength(1);
  expect(machine(1).ended[0]).toMatch(`${session.id} at `);
  for (const id of [2, 3]) expect(machine(id).ended).toEqual(machine(1).ended);
  expect(timesExecuted('b')).toEqual([0, 0, 0]);
});

test('a session that was never opened is not made by using it (P9)', async () => {
  cluster = await started();
  for (const session of ['1.0', '999.7', '9007199254740991.4294967295']) {
    const part = { session, firstSequence: 1, acknowledged: 0 };
    expect(await sent(cluster.at(1), part, ['a'])).toEqual(['RSL_SESSION_EXPIRED']);
    await expect(cluster.at(2).relay.use(session, 0)).rejects.toThrowError(
      code('RSL_SESSION_EXPIRED'),
    );
    expect(await sent(cluster.at(1), part, ['a'])).toEqual(['RSL_SESSION_EXPIRED']);
  }
});

test(
  'an idle session lives as long as its replica, and ends everywhere alike after it',
  async () => {
    cluster = await started();
    const [leader, a, b] = await others();
    const session = await a.openSession({ ttlMs: 1_000 });
    await session.propose(bytesOf('first'));
    const fromMs = leader.status().timeMs;
    const passed = (): number => leader.status().timeMs - fromMs;
    await until('three time-outs of group time', () => passed() > 3_000);
    await session.propose(bytesOf('second'));
    expect(session.ended.aborted).toBe(false);
    expect(machine(leader.id).ended).toEqual([]);

    await cluster.stop(a.id);
    const left = [leader.id, b.id];
    await until('it has ended', () => left.every((id) => machine(id).ended.length === 1));
    expect(machine(leader.id).ended[0]).toMatch(`${session.id} at `);
    // Whoever comes back later ends it at the same moment.
    await cluster.start(a.id);
    await until('it has ended here, too', () => machine(a.id).ended.length === 1);
    for (const id of [a.id, b.id]) expect(machine(id).ended).toEqual(machine(leader.id).ended);
    const part = { session: session.id, firstSequence: 1, acknowledged: 0 };
    expect(await sent(cluster.at(a.id), part, ['first'])).toEqual(['RSL_SESSION_EXPIRED']);
    expect(timesExecuted('first')).toEqual([1, 1, 1]);
  },
  patienceMs,
);

test(
  'a session that nobody uses ends although nobody writes, and its user hears of it',
  async () => {
    cluster = await started();
    const session = await cluster.at(1).relay.open(1_000);
    await until('it has ended', () => cluster.ids.every((id) => machine(id).ended.length === 1));
    const [ended] = machine(1).ended;
    expect(ended).toMatch(`${session} at `);
    for (const id of [2, 3]) expect(machine(id).ended).toEqual([ended]);
    await expect(cluster.at(2).relay.use(session, 0)).rejects.toThrowError(
      code('RSL_SESSION_EXPIRED'),
    );
  },
  patienceMs,
);

test(
  'time in which nobody leads ends no session',
  async () => {
    cluster = await started();
    const [leader, a, b] = await others();
    const ttlMs = 1_000;
    const session = await a.relay.open(ttlMs);
    await Promise.all([cluster.stop(leader.id), cluster.stop(b.id)]);
    const aloneMs = performance.now();
    await until('longer than its time-out', () => performance.now() - aloneMs > 2 * ttlMs);
    // Its client tries all the time, and gets through when somebody leads again.
    const back = a.relay.use(session, 0, { timeoutMs: patienceMs });
    await Promise.all([cluster.start(leader.id), cluster.start(b.id)]);
    await back;
    expect(machine(a.id).ended).toEqual([]);
  },
  patienceMs,
);

test('an abandoned wait executes at most once, too', async () => {
  // Its client has given up, and acknowledges the sequence with the next one.
  cluster = await started();
  const [, a] = await others();
  const session = await a.openSession();
  const signal = AbortSignal.abort();
  await expect(session.propose(bytesOf('x'), { signal })).rejects.toThrowError(code('RSL_ABORTED'));
  const stop = new AbortController();
  const lost = session.propose(bytesOf('lost'), { signal: stop.signal });
  stop.abort();
  await expect(lost).rejects.toThrowError();
  expect(textOf(await session.propose(bytesOf('next')))).toMatch(/^\d+\.\d+$/);
  await caughtUp();
  expect(timesExecuted('x')).toEqual([0, 0, 0]);
  expect(new Set(timesExecuted('lost')).size, 'the same everywhere').toBe(1);
  expect(timesExecuted('lost')[0]).toBeLessThanOrEqual(1);
});

test('a caller that writes into its result changes nothing that is kept', async () => {
  cluster = await started();
  const [, a, b] = await others();
  const session = await a.openSession();
  const part = { session: session.id, firstSequence: 1, acknowledged: 0 };
  const result = await session.propose(bytesOf('pay'));
  const before = textOf(result);
  result.fill(0);
  expect(await sent(b, part, ['pay'])).toEqual([before]);
  expect(await sent(a, part, ['pay'])).toEqual([before]);
});

test('words about sessions are no commands: commandBytesMax is not for them', async () => {
  cluster = await started({ limits: { commandBytesMax: 8 } });
  const session = await cluster.at(1).openSession();
  await session.propose(bytesOf('eight by'));
  await cluster.at(2).relay.use(session.id, 0);
  await session.close();
  expect(session.ended.aborted).toBe(true);
});

test('sequences that nobody could tell apart are refused at the door, and stop nobody', async () => {
  cluster = await started();
  const [leader, a] = await others();
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
  cluster = new Cluster();
  const refused = call(await cluster.start(1));
  await expect(refused).rejects.toMatchObject({ code: 'RSL_INVALID_OPTION', option });
  expect(cluster.at(1).status().pendingCommands).toBe(0);
});
