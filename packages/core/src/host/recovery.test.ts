import { expect, test } from 'vitest';
import { CorruptionError } from '../errors.ts';
import type { Ballot } from '../paxos/ballot.ts';
import type { LogRecord } from '../paxos/log-record.ts';
import type { Slot } from '../paxos/slot.ts';
import type { Value } from '../paxos/value.ts';
import type { LogInfo, LogStore } from '../ports/log-store.ts';
import { ballot, batch, group, textOf } from '../../test/paxos/fixture.ts';
import { remember, restoredAfter } from './recovery.ts';

/** A log of these records in which the values of some slots cannot be read. */
function logOf(
  records: readonly LogRecord[],
  damaged: ReadonlyMap<Slot, Ballot> = new Map(),
): Pick<LogStore, 'recover' | 'read'> {
  const values = new Map<Slot, Value>();
  for (const record of records) {
    if (record.kind === 'vote') values.set(record.slot, record.vote.value);
    else if (record.kind === 'decided') values.set(record.slot, record.value);
  }
  const info = {
    store: '0000000000000001',
    created: false,
    firstSlot: 1,
    lastSlot: Math.max(0, ...values.keys()),
    bytesUsed: 0,
    bytesFree: Infinity,
    damaged,
    mode: 'scripted',
  } as LogInfo;
  return {
    recover: async (visit) => {
      for (const record of records) {
        const isLost = record.kind === 'vote' && damaged.has(record.slot);
        if (!isLost) visit(record);
      }
      return info;
    },
    read: async (from, to) => {
      if (damaged.has(from)) throw new CorruptionError('scripted', from, 'damaged');
      const found = [];
      for (let slot = from; slot <= to && values.has(slot) && !damaged.has(slot); slot += 1) {
        found.push({ slot, ballot: undefined, value: values.get(slot) as Value });
      }
      return found;
    },
  };
}

const vote = (slot: Slot, round: number, text = `v${slot}`): LogRecord => ({
  kind: 'vote',
  slot,
  vote: { ballot: ballot(round, 2), value: batch(text) },
});

test('a vote that cannot be read was cast: its ballot stays promised (P1, S3)', async () => {
  // It came without a 1a, so no promise record says so; forgetting it would let an older leader in.
  const { restored } = await remember(logOf([vote(1, 5)], new Map([[1, ballot(5, 2)]])));
  expect(restored.promised).toEqual(ballot(5, 2));
  expect([...restored.lost]).toEqual([[1, ballot(5, 2)]]);
});

test('a decided slot that cannot be read is learned again, what follows is kept (S3)', async () => {
  // Slot 2 was decided here. Were slot 3 not reported any more, a quorum without anybody else who
  // voted for it would fill it with a no-op.
  const records = [vote(1, 5), vote(2, 5), vote(3, 5), vote(4, 5)];
  const log = logOf(
    [...records, { kind: 'decided-through', slot: 3 }],
    new Map([[2, ballot(5, 2)]]),
  );
  const { restored } = await remember(log);
  expect(restored.decidedThrough).toBe(1);
  expect([...restored.lost]).toEqual([[2, ballot(5, 2)]]);
  expect([...restored.decided].map(([slot, value]) => [slot, textOf(value)])).toEqual([[3, 'v3']]);
  expect([...restored.votes.keys()]).toEqual([4]);
});

test('decided slots that cannot be read leave the others in their places (S3)', async () => {
  const records = [1, 2, 3, 4, 5, 6].map((slot) => vote(slot, 5));
  const lost = new Map([1, 3, 4].map((slot) => [slot, ballot(5, 2)] as const));
  const { restored } = await remember(
    logOf([...records, { kind: 'decided-through', slot: 6 }], lost),
  );
  expect(restored.decidedThrough).toBe(0);
  expect([...restored.decided.keys()]).toEqual([2, 5, 6]);
  expect([...restored.lost.keys()]).toEqual([1, 3, 4]);
});

test('a decided slot that is not there at all is damage, not an empty log (S6)', async () => {
  const log = logOf(
    [vote(1, 5), vote(2, 5), { kind: 'decided-through', slot: 3 }],
    new Map([[1, ballot(5, 2)]]),
  );
  await expect(remember(log)).rejects.toMatchObject({ code: 'RSL_LOG_CORRUPT' });
});

test('the log of a group that began with a state begins behind that state (S6)', async () => {
  const founding = { slot: 30, digest: 'ab'.repeat(32) };
  const membership = { ...group(3), firstSlot: 31, founding };
  const { restored } = await remember(logOf([{ kind: 'configuration', membership }]));
  expect(restored).toMatchObject({ firstSlot: 31, decidedThrough: 30 });
  expect(restoredAfter(restored, 0).isStateless).toBe(true);
});

test('behind a state that was loaded, nothing up to its slot is asked for any more', async () => {
  const records: LogRecord[] = [
    { kind: 'promise', ballot: ballot(3, 1) },
    { kind: 'vote', slot: 5, vote: { ballot: ballot(2, 1), value: batch('e') } },
    { kind: 'vote', slot: 9, vote: { ballot: ballot(2, 1), value: batch('i') } },
    { kind: 'decided', slot: 4, value: batch('d') },
    { kind: 'decided', slot: 8, value: batch('h') },
  ];
  const { restored } = await remember(logOf(records));
  const after = restoredAfter({ ...restored, lost: new Map([[6, ballot(1, 1)]]) }, 7);
  expect(after).toMatchObject({ firstSlot: 8, decidedThrough: 7, promised: ballot(3, 1) });
  expect([[...after.votes.keys()], [...after.decided.keys()], [...after.lost.keys()]]).toEqual([
    [9],
    [8],
    [],
  ]);
  expect(restoredAfter(after, 7)).toBe(after);
  // The log has nothing of what comes between: that is no state to go on from (S6).
  expect(restoredAfter(after, 6)).toEqual({ ...after, isStateless: true });
});
