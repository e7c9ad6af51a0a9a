import { defaultSlow, defaultTimings, startReplica, StateMachineFailedError } from '@rsl/core';
import { memoryLog, MemoryNetwork, memoryTransport } from '@rsl/core/testing';
import { expect, test } from 'vitest';
import { backupActions } from '../src/backup/backup-actions.ts';
import { KeyValue } from '../src/key-value.ts';
import { exitCodeOf, failureLine } from '../src/process/failure.ts';
import { program } from '../src/process/program.ts';
import type { StartSettings } from '../src/process/start-settings.ts';
import { snapshotActions } from '../src/snapshots/snapshot-actions.ts';
import { slowFor, timingsFor } from '../src/process/timings.ts';

const members = '1=127.0.0.1:7401,2=[::1]:7402,3=localhost:7403';
const enough = ['start', '--id', '1', '--members', members];
const where = ['--client', '127.0.0.1:6401', '--data', 'data/1'];

/** The settings that a command line gives, or its exit code and the line on stderr. */
async function parse(...args: readonly string[]): Promise<StartSettings | string> {
  let settings: StartSettings | undefined;
  try {
    await program({
      start: async (given) => {
        settings = given;
      },
      status: async () => undefined,
      inspectLog: async () => undefined,
      inspectSnapshots: async () => undefined,
      ...snapshotActions,
      ...backupActions,
    }).parseAsync([...args], { from: 'user' });
  } catch (error) {
    return `${exitCodeOf(error)} ${failureLine(error)}`;
  }
  return settings ?? 'nothing';
}

test('what need not be said has a value', async () => {
  expect(await parse(...enough, ...where)).toEqual({
    id: 1,
    members: [
      { id: 1, addresses: { tcp: '127.0.0.1:7401' } },
      { id: 2, addresses: { tcp: '[::1]:7402' } },
      { id: 3, addresses: { tcp: 'localhost:7403' } },
    ],
    client: { host: '127.0.0.1', port: 6401 },
    listen: { host: '127.0.0.1', port: 7401 },
    data: 'data/1',
    group: 'default',
    bootstrap: false,
    skipSlots: [],
    isolation: 'inline',
    allowPlaintext: false,
    logLevel: 'info',
    logFormat: 'json',
    timeoutMs: 10_000,
    electionTimeoutMs: 300,
    maxConnections: 4_096,
    maxCommandBytes: 524_288,
    maxOutputBytes: 67_108_864,
    stallMs: 60_000,
    window: 64,
    batchCommands: 8_192,
    batchBytes: 262_144,
    snapshotFollowersOnly: false,
    snapshotEverySlots: 1_000_000,
    snapshotEveryBytes: 536_870_912,
    snapshotEveryMs: 0,
    snapshotKeep: 2,
    snapshotBytesPerSecond: 0,
    retainSlots: 10_000,
    retainBytes: 67_108_864,
  });
});

test.each([
  [['--timeout-ms', '0'], "'--timeout-ms <ms>' argument '0' is invalid. It must be a whole number"],
  [['--timeout-ms', '1e3'], "argument '1e3' is invalid."],
  [['--window', '257'], 'a whole number of 1 … 256; leave it out for 64.'],
  [['--max-connections', '-1'], "argument '-1' is invalid."],
  [['--max-command-bytes', '2000000'], 'a whole number of 1024 … 1000000'],
  [['--snapshot-keep', '0'], 'a whole number of 1 … 64; leave it out for 2.'],
  [['--snapshot-every-slots', '-1'], "argument '-1' is invalid."],
  [['--id', '4'], '--id 4 is not among --members (1, 2, 3): name this replica in both'],
  [['--id', '65536'], 'a whole number of 1 … 65535.'],
  [['--members', '1=127.0.0.1'], "'1=127.0.0.1' is not ID=HOST:PORT"],
  [['--members', '1=127.0.0.1:1,1=127.0.0.1:2'], 'Two members have the same id.'],
  [['--members', '1=127.0.0.1:1,2=127.0.0.1:1'], 'Two members have the same address.'],
  [['--client', '6401'], 'It must be HOST:PORT'],
  [['--group', 'x'.repeat(129)], 'It must have 1 … 128 bytes, not 129.'],
  [['--log-level', 'loud'], 'Allowed choices are trace, debug,'],
  [['--client', '0.0.0.0:6401'], '--client: 0.0.0.0:6401 can be reached from other machines'],
  [['--listen', '10.0.0.1:1'], '--listen: 10.0.0.1:1 can be reached from other machines'],
  [['--skip-slot', '0'], 'It must be a whole number, 1 or more'],
  [['--skip-slot', '9007199254740992'], 'It must be a whole number, 1 or more'],
  [['--clients', '0.0.0.0:1'], '--clients: 0.0.0.0:1 can be reached from other machines'],
  [['--members', '1=127.0.0.1:1/127.0.0.1:0'], 'is not ID=HOST:PORT or ID=HOST:PORT/HOST:PORT'],
  [['--members', '1=127.0.0.1:1/127.0.0.1:1'], 'Two members have the same address.'],
  [['--election-timeout-ms', '99'], 'a whole number of 100 … 60000; leave it out for 300.'],
  [['--lease', '250'], 'It must be MS:DRIFT, as in 250:0.001'],
  [['--lease', '250:1'], 'It must be MS:DRIFT'],
  [['--lease', '-1:0.1'], 'It must be MS:DRIFT'],
  [['--nosuch'], "unknown option '--nosuch'"],
])('%j is refused with code 2 and one line that says why', async (args, why) => {
  const answer = await parse(...enough, ...where, ...args);
  expect(answer).toMatch(/^2 rsl-server: RSL_INVALID_OPTION: [^\n]*$/);
  expect(answer).toContain(why);
});

test('members may say where they take clients of @rsl/core/client', async () => {
  const both = '1=127.0.0.1:7401/127.0.0.1:7501,2=[::1]:7402/[::1]:7502,3=localhost:7403';
  const given = ['--members', both, '--clients', '127.0.0.1:7501'];
  expect(await parse(...enough, ...where, ...given)).toMatchObject({
    clients: { host: '127.0.0.1', port: 7501 },
    members: [
      { addresses: { tcp: '127.0.0.1:7401', client: '127.0.0.1:7501' } },
      { addresses: { tcp: '[::1]:7402', client: '[::1]:7502' } },
      { addresses: { tcp: 'localhost:7403' } },
    ],
  });
});

test('a longer election time-out makes everything longer that waits for the network', () => {
  expect(timingsFor(defaultTimings.electionTimeoutMsMin)).toEqual({
    electionTimeoutMsMin: defaultTimings.electionTimeoutMsMin,
    heartbeatMs: defaultTimings.heartbeatMs,
    candidateTimeoutMsMin: defaultTimings.candidateTimeoutMsMin,
    learnRetryMs: defaultTimings.learnRetryMs,
    learnStallMs: defaultTimings.learnStallMs,
  });
  expect(slowFor(300)).toEqual({ executeMs: defaultSlow.executeMs, turnMs: defaultSlow.turnMs });
  expect(timingsFor(3_000)).toEqual({
    electionTimeoutMsMin: 3_000,
    heartbeatMs: 500,
    candidateTimeoutMsMin: 2_000,
    learnRetryMs: 2_000,
    learnStallMs: 20_000,
  });
  expect(timingsFor(100)).toMatchObject({ heartbeatMs: 16, learnStallMs: 2_000 });
});

test.each([100, 150, 60_000])('an election time-out of %i ms makes a replica', async (ms) => {
  const replica = await startReplica({
    group: 'timed',
    self: 1,
    stateMachine: new KeyValue(1_000),
    log: memoryLog(),
    transport: memoryTransport(new MemoryNetwork(), 'a'),
    timings: timingsFor(ms),
    slow: slowFor(ms),
  });
  await replica.close();
});

test('a lease has a duration and a bound on clocks', async () => {
  expect(await parse(...enough, ...where, '--lease', '250:0.001')).toMatchObject({
    lease: { forMs: 250, drift: 0.001 },
  });
});

test('open networks may be had for the asking', async () => {
  const open = ['--client', '0.0.0.0:6401', '--listen', '0.0.0.0:7401', '--allow-plaintext'];
  expect(await parse(...enough, ...where, ...open)).toMatchObject({
    client: { host: '0.0.0.0', port: 6401 },
    listen: { host: '0.0.0.0', port: 7401 },
  });
});

test('the last line of a replica that a command has stopped names its slot and the way out', () => {
  const line = failureLine(new StateMachineFailedError(17, new Error('it cannot stand that')));
  expect(line).toMatch(
    /^rsl-server: RSL_STATE_MACHINE_FAILED: the state machine failed at slot 17: it cannot stand/,
  );
  expect(line.match(/--skip-slot 17/g)).toHaveLength(1);
});

test('slots to skip may be given again and again', async () => {
  const skipped = ['--skip-slot', '17', '--skip-slot', '4711'];
  expect(await parse(...enough, ...where, ...skipped)).toMatchObject({ skipSlots: [17, 4_711] });
});

test('the engine may have a thread of its own, or none', async () => {
  const isolated = ['--isolation', 'thread'];
  expect(await parse(...enough, ...where, ...isolated)).toMatchObject({ isolation: 'thread' });
  expect(await parse(...enough, ...where, '--isolation', 'process')).toContain(
    'Allowed choices are inline, thread.',
  );
});

test('what is missing is named', async () => {
  expect(await parse(...enough)).toBe(
    "2 rsl-server: RSL_INVALID_OPTION: required option '--client <host:port>' not specified",
  );
  expect(await parse()).toContain('a command is missing; see --help');
});
