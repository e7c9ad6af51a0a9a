import { type Logger, type Replica, StorageError, startReplica, typed } from '@rsl/core';
import { MemoryNetwork, memoryLog, memoryTransport } from '@rsl/core/testing';
import { afterEach, expect, test } from 'vitest';
import { bytesOf, Cluster, proposed, textOf, until } from './cluster.ts';

let cluster: Cluster;

afterEach(async () => {
  await cluster.close();
});

test('without a leader a command never leaves, and says so', async () => {
  cluster = new Cluster();
  await cluster.start(1);
  const alone = cluster.at(1).propose(bytesOf('a'), { timeoutMs: 50 });
  await expect(alone).rejects.toMatchObject({ code: 'RSL_NOT_LEADER', outcome: 'not-executed' });
  const read = cluster.at(1).barrier('linearizable', { timeoutMs: 50 });
  await expect(read).rejects.toMatchObject({ code: 'RSL_NOT_LEADER' });
});

test('a deadline that passes after the proposal leaves the outcome unknown', async () => {
  cluster = await new Cluster().formed();
  const leader = await cluster.leader();
  for (const id of cluster.ids) if (id !== leader.id) await cluster.stop(id);
  const lonely = leader.propose(bytesOf('a'), { timeoutMs: 100 });
  await expect(lonely).rejects.toMatchObject({ code: 'RSL_OUTCOME_UNKNOWN', outcome: 'unknown' });
});

test('an AbortSignal ends the wait, and says whether the command had left', async () => {
  cluster = new Cluster();
  await cluster.start(1);
  const stop = new AbortController();
  const call = cluster.at(1).propose(bytesOf('a'), { signal: stop.signal });
  stop.abort(new Error('changed my mind'));
  await expect(call).rejects.toMatchObject({ code: 'RSL_ABORTED', outcome: 'not-executed' });
  const late = cluster.at(1).propose(bytesOf('a'), { signal: stop.signal });
  await expect(late).rejects.toMatchObject({ code: 'RSL_ABORTED' });
  const read = cluster.at(1).barrier('linearizable', { signal: stop.signal });
  await expect(read).rejects.toMatchObject({ code: 'RSL_ABORTED' });
});

test('a full queue refuses, whole, and takes again when there is room', async () => {
  cluster = await new Cluster({ limits: { pendingCommandsMax: 4 } }).formed();
  const replica = cluster.at(1);
  const five = Array.from({ length: 5 }, (_, i) => `command ${i}`);
  await expect(proposed(replica, five)).rejects.toMatchObject({ code: 'RSL_OVERLOADED' });
  expect(await proposed(replica, five.slice(1))).toHaveLength(4);
});

test('an oversized command is refused before it leaves', async () => {
  cluster = await new Cluster({ limits: { commandBytesMax: 8 } }).formed();
  const call = cluster.at(1).propose(bytesOf('nine byte'));
  await expect(call).rejects.toMatchObject({ code: 'RSL_COMMAND_TOO_LARGE' });
  expect(textOf(await cluster.at(1).propose(bytesOf('eight by')))).toMatch(/^\d+\.0$/);
});

test('a command of the largest size goes through from any replica', async () => {
  cluster = await new Cluster().formed();
  const large = new Uint8Array(1024 * 1024).fill(65);
  for (const id of cluster.ids) expect(await cluster.at(id).propose(large)).toBeDefined();
});

test('closing answers what waits, and later calls are refused', async () => {
  cluster = new Cluster();
  await cluster.start(1);
  const replica = cluster.at(1);
  const call = expect(replica.propose(bytesOf('a'))).rejects;
  const answered = call.toMatchObject({ code: 'RSL_CLOSED', outcome: 'not-executed' });
  await replica.close();
  await answered;
  await expect(replica.propose(bytesOf('b'))).rejects.toMatchObject({ code: 'RSL_CLOSED' });
  await expect(replica.barrier('linearizable')).rejects.toMatchObject({ code: 'RSL_CLOSED' });
  expect(replica.status()).toMatchObject({ state: 'stopped', reason: undefined });
});

test('an exception in the state machine stops that replica, and says where', async () => {
  // Only on replica 1, which no deterministic machine would do: so the others can go on.
  const errors: string[] = [];
  const logger: Logger = {
    debug() {},
    info() {},
    warn() {},
    error: (_, message) => errors.push(message),
  };
  const machine = (id: number) =>
    typed({
      execute: (n: number) => {
        if (id === 1 && n === 13) throw new Error('unlucky');
        return n;
      },
      snapshot: () => 0,
      restore: () => {},
    });
  cluster = await new Cluster({ machine, logger }).formed();
  const two = cluster.at(2) as unknown as Replica<number, number>;
  expect(await two.propose(13)).toBe(13);
  await until('it has stopped', () => cluster.at(1).status().state === 'stopped');
  expect(cluster.at(1).status().reason?.code).toBe('RSL_STATE_MACHINE_FAILED');
  expect(errors).toContain('the replica stops');
  expect(await two.propose(14)).toBe(14);
});

test('a state machine that gives too few results is stopped, not believed', async () => {
  const machine = () => ({ execute() {}, save: () => [], async load() {} });
  cluster = await new Cluster({ replicas: 1, machine }).formed();
  const call = cluster.at(1).propose(bytesOf('a'));
  await expect(call).rejects.toMatchObject({ code: 'RSL_OUTCOME_UNKNOWN' });
  expect(cluster.at(1).status().reason?.code).toBe('RSL_STATE_MACHINE_FAILED');
});

test('a failed write stops the replica, and the others go on (S4)', async () => {
  cluster = await new Cluster().formed();
  const leader = await cluster.leader();
  const disk = cluster.disks.get(leader.id);
  if (disk !== undefined) {
    disk.failure = new StorageError('RSL_STORAGE_FAILED', 'the disk is gone');
  }
  const stopped = new Promise((resolve) => leader.on('stopped', resolve));
  void leader.propose(bytesOf('a')).catch(() => {});
  expect(await stopped).toMatchObject({ error: { code: 'RSL_STORAGE_FAILED' } });
  cluster.replicas.delete(leader.id);
  expect(await proposed(await cluster.leader(), ['b'])).toHaveLength(1);
});

const options = {
  group: 'options',
  self: 1,
  stateMachine: typed({ execute: (n: number) => n, snapshot: () => 0, restore: () => {} }),
  log: memoryLog(),
  transport: memoryTransport(new MemoryNetwork(), 'memory:1'),
};

test.each([
  ['group', { group: '' }],
  ['group', { group: 'x'.repeat(129) }],
  ['self', { self: 0 }],
  ['self', { self: 65_536 }],
  ['peers', { peers: [{ id: 2, addresses: {} }] }],
  ['limits.slotsInFlightMax', { limits: { slotsInFlightMax: 0 } }],
  ['limits.voteAheadSlotsMax', { limits: { voteAheadSlotsMax: 1 } }],
  ['limits.frameBytesMax', { limits: { frameBytesMax: 1_024 } }],
  ['limits.noSuchThing', { limits: { noSuchThing: 1 } }],
  ['timings.electionTimeoutMsMin', { timings: { electionTimeoutMsMin: 60 } }],
  ['timings.tickMs', { timings: { tickMs: 100 } }],
  ['timings.sleepAfterMs', { timings: { sleepAfterMs: 299 } }],
  ['timings.sleepAfterMs', { timings: { sleepAfterMs: -1 } }],
  ['slow.executeMs', { slow: { executeMs: 0 } }],
  ['slow.noSuchThing', { slow: { noSuchThing: 1 } }],
  ['skip', { skip: [0] }],
  ['skip', { skip: [1.5] }],
  ['skip.length', { skip: Array.from({ length: 1_025 }, (_, i) => i + 1) }],
  ['lease.forMs', { lease: { forMs: 300, drift: 0.001 } }],
  ['lease.forMs', { lease: { forMs: 70, drift: 0.001 } }],
  ['lease.forMs', { lease: { forMs: 250.5, drift: 0.001 } }],
  ['lease.drift', { lease: { forMs: 250, drift: 0 } }],
  ['lease.drift', { lease: { forMs: 250, drift: 0.3 } }],
  ['lease.drift', { lease: { forMs: 250, drift: Number.NaN } }],
  [
    'lease.drift',
    {
      lease: { forMs: 250, drift: 0.25 },
      timings: { heartbeatMs: 50, tickMs: 50, electionTimeoutMsMin: 150 },
    },
  ],
])('an option out of range is named: %s', async (option, change) => {
  cluster = new Cluster();
  const given = { ...options, ...change } as typeof options;
  await expect(startReplica(given)).rejects.toMatchObject({
    code: 'RSL_INVALID_OPTION',
    option,
  });
});
