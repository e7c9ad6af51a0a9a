import { describe, expect, test } from 'vitest';
import { Execution } from '../../src/host/execution.ts';
import { Proposals } from '../../src/host/proposals.ts';
import { remember, restore } from '../../src/host/recovery.ts';
import { defaultLimits } from '../../src/limits.ts';
import type { LogRecord } from '../../src/paxos/log-record.ts';
import type { LogInfo, LogStore } from '../../src/ports/log-store.ts';
import { DigestMachine } from '../../src/testing/digest-machine.ts';
import { ballot, batch, group, textOf } from '../paxos/fixture.ts';

const info = (change: Partial<LogInfo>): LogInfo =>
  ({ store: '0000000000000001', firstSlot: 1, damaged: new Map(), ...change }) as LogInfo;

/** A log that visits these records. */
const logOf = (
  records: Iterable<LogRecord>,
  change: Partial<LogInfo> = {},
): Pick<LogStore, 'recover' | 'read'> => ({
  recover: async (visit) => {
    for (const record of records) visit(record);
    return info(change);
  },
  read: () => Promise.reject(new Error('nothing is to be read')),
});

const promise = (round: number): LogRecord => ({ kind: 'promise', ballot: ballot(round, 2) });
const vote = (slot: number, round: number): LogRecord => ({
  kind: 'vote',
  slot,
  vote: { ballot: ballot(round, 2), value: batch(`v${slot}`) },
});
const through = (slot: number): LogRecord => ({ kind: 'decided-through', slot });

describe('what a log remembers', () => {
  test('the highest promise, wherever it stands (P1)', async () => {
    // Segments repeat older promises: the last record need not be the highest.
    const { restored } = await remember(logOf([promise(7), promise(3)]));
    expect(restored.promised).toEqual(ballot(7, 2));
  });

  test('a vote raises the promise, though no promise record says so (P1)', async () => {
    const { restored } = await remember(logOf([promise(3), vote(1, 5)]));
    expect(restored.promised).toEqual(ballot(5, 2));
  });

  test('decided-through never goes back, whatever order segments repeat it in (P11)', async () => {
    const { restored } = await remember(logOf([through(4), vote(5, 1), through(2), vote(3, 1)]));
    expect(restored.decidedThrough).toBe(4);
    expect([...restored.votes.keys()]).toEqual([5]);
  });

  test('what was truncated was decided, whether a record says so or not (P11)', async () => {
    const { restored } = await remember(logOf([], { firstSlot: 9 }));
    expect(restored).toMatchObject({ firstSlot: 9, decidedThrough: 8 });
  });

  test('the longest lease that was granted, whichever came last (Q2)', async () => {
    const leases = [250, 100].map((leaseMs): LogRecord => ({ kind: 'lease', leaseMs }));
    expect((await remember(logOf(leases))).restored.leaseMs).toBe(250);
    expect((await remember(logOf([]))).restored.leaseMs).toBe(0);
  });

  test('a value is its own, not the log’s memory, which is used again (P12)', async () => {
    const first = vote(1, 1);
    const records = function* (): Generator<LogRecord> {
      yield first;
      if (first.kind === 'vote') first.vote.value.bytes.fill(0);
    };
    const { restored } = await remember(logOf(records()));
    const value = restored.votes.get(1)?.value;
    expect(value && textOf(value)).toBe('v1');
  });

  test('the newest configuration, wherever it stands', async () => {
    const [older, newer] = [1, 2].map((number) => group(3, { number }));
    const records = [newer, older].map(
      (membership): LogRecord => ({ kind: 'configuration', membership: membership as never }),
    );
    const { membership } = await remember(logOf(records));
    expect(membership?.number).toBe(2);
  });
});

test('a state that lacks what the log has forgotten cannot go on from it (P7)', async () => {
  const { restored } = await remember(logOf([], { firstSlot: 9 }));
  const machine = Object.assign(new DigestMachine(), { open: async () => 7 });
  const proposals = new Proposals({ self: 1, epoch: 1, limits: defaultLimits });
  const execution = new Execution(machine, 1, proposals);
  const log = {} as LogStore;
  await expect(restore(log, restored, machine, execution)).rejects.toMatchObject({
    code: 'RSL_LOG_TRUNCATED',
  });
});
