import { defaultLimits } from '@rsl/core';
import { afterEach, expect, test } from 'vitest';
import { bytesOf, until } from './cluster.ts';
import { sent, SessionCluster } from './session-stage.ts';

let cluster: SessionCluster;

afterEach(async () => {
  await cluster.close();
});

const patienceMs = 40_000;
const turn = (): Promise<unknown> => new Promise((resolve) => setImmediate(resolve));
const code = (name: string): Error => expect.objectContaining({ code: name }) as Error;

test(
  'an idle session lives as long as its replica, and ends everywhere alike after it',
  async () => {
    cluster = await new SessionCluster().formed();
    const [leader, a, b] = await cluster.three();
    const session = await a.openSession({ ttlMs: 1_000 });
    await session.propose(bytesOf('first'));
    const fromMs = leader.status().timeMs;
    const passed = (): number => leader.status().timeMs - fromMs;
    await until('three time-outs of group time', () => passed() > 3_000);
    await session.propose(bytesOf('second'));
    expect(session.ended.aborted).toBe(false);
    expect(cluster.machine(leader.id).ended).toEqual([]);

    await cluster.stop(a.id);
    const left = [leader.id, b.id];
    await until('it has ended', () => left.every((id) => cluster.machine(id).ended.length === 1));
    expect(cluster.machine(leader.id).ended[0]).toMatch(`${session.id} at `);
    // Whoever comes back later ends it at the same moment.
    await cluster.start(a.id);
    await until('it has ended here, too', () => cluster.machine(a.id).ended.length === 1);
    for (const id of [a.id, b.id])
      expect(cluster.machine(id).ended).toEqual(cluster.machine(leader.id).ended);
    const part = { session: session.id, firstSequence: 1, acknowledged: 0 };
    expect(await sent(cluster.at(a.id), part, ['first'])).toEqual(['RSL_SESSION_EXPIRED']);
    expect(cluster.timesExecuted('first')).toEqual([1, 1, 1]);
  },
  patienceMs,
);

test(
  'a session that nobody uses ends although nobody writes, and its user hears of it',
  async () => {
    cluster = await new SessionCluster().formed();
    const session = await cluster.at(1).relay.open(1_000);
    await until('it has ended', () =>
      cluster.ids.every((id) => cluster.machine(id).ended.length === 1),
    );
    const [ended] = cluster.machine(1).ended;
    expect(ended).toMatch(`${session} at `);
    for (const id of [2, 3]) expect(cluster.machine(id).ended).toEqual([ended]);
    await expect(cluster.at(2).relay.use(session, 0)).rejects.toThrowError(
      code('RSL_SESSION_EXPIRED'),
    );
  },
  patienceMs,
);

test(
  'time in which nobody leads ends no session',
  async () => {
    cluster = await new SessionCluster().formed();
    const [leader, a, b] = await cluster.three();
    const ttlMs = 1_000;
    const session = await a.relay.open(ttlMs);
    await Promise.all([cluster.stop(leader.id), cluster.stop(b.id)]);
    const aloneMs = performance.now();
    await until('longer than its time-out', () => performance.now() - aloneMs > 2 * ttlMs);
    // Its client tries all the time, and gets through when somebody leads again.
    const back = a.relay.use(session, 0, { timeoutMs: patienceMs });
    await Promise.all([cluster.start(leader.id), cluster.start(b.id)]);
    await back;
    expect(cluster.machine(a.id).ended).toEqual([]);
  },
  patienceMs,
);

test(
  'time in which the log is full ends no session: nobody could use it (S5)',
  async () => {
    cluster = await new SessionCluster().formed();
    const leader = await cluster.leader();
    const ttlMs = 1_000;
    const session = await leader.openSession({ ttlMs });
    const { bytesFree } = leader.status().log;
    const room = (bytes: number): void => {
      for (const disk of cluster.disks.values()) disk.bytesFree = bytes;
    };
    room(0.75 * defaultLimits.logReserveBytes);
    const takesCommands = (): Promise<boolean> =>
      leader.propose(bytesOf('x')).then(
        () => true,
        () => false,
      );
    while (await takesCommands()) await turn();
    const fullMs = performance.now();
    await until('twice its time-out', () => performance.now() - fullMs > 2 * ttlMs);
    room(bytesFree);
    // Whoever leads: on a busy machine it may be another one by now.
    while (!(await takesCommands())) await turn();
    expect(await session.propose(bytesOf('again'))).toBeDefined();
    for (const id of cluster.ids) expect(cluster.machine(id).ended).toEqual([]);
  },
  patienceMs,
);
