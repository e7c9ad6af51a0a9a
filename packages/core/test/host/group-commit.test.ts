import { expect, test } from 'vitest';
import { type RslError, StorageError } from '../../src/errors.ts';
import { GroupCommit } from '../../src/host/group-commit.ts';
import type { LogRecord } from '../../src/paxos/log-record.ts';
import type { DurableMessage } from '../../src/paxos/messages.ts';
import type { LogStore } from '../../src/ports/log-store.ts';
import { ballot, batch, phase2b } from '../paxos/fixture.ts';

const of = ballot(1, 2);
const acknowledgement = (through: number, to = 2) => ({
  to,
  message: phase2b(of, through) as DurableMessage,
});
const vote = (slot: number): LogRecord => ({
  kind: 'vote',
  slot,
  vote: { ballot: of, value: batch(`v${slot}`) },
});

/** A log whose writes last until the test lets them go, and what has left since. */
function stage() {
  const writes: { records: readonly LogRecord[]; done: (error?: RslError) => void }[] = [];
  const left: number[] = [];
  const failures: string[] = [];
  const append: LogStore['append'] = (records, done) => void writes.push({ records, done });
  const commit = new GroupCommit(
    { append } as LogStore,
    ({ message }) => left.push(message.kind === '2b' ? message.through : -1),
    (error) => failures.push(error.code),
  );
  return { commit, writes, left, failures };
}

test('what a write reveals leaves when it is durable, and not before (P2)', () => {
  const { commit, writes, left } = stage();
  commit.add([vote(1)], [acknowledgement(1)]);
  commit.flush();
  expect(left).toEqual([]);
  writes[0]?.done();
  expect(left).toEqual([1]);
});

test('a barrier without records waits behind every earlier write (P2)', () => {
  // A repeated 2b says what an earlier write has not made true yet.
  const { commit, writes, left } = stage();
  commit.add([vote(1)], []);
  commit.flush();
  commit.add([], [acknowledgement(1)]);
  commit.flush();
  expect(left).toEqual([]);
  expect(writes.map(({ records }) => records.length)).toEqual([1, 0]);
  for (const { done } of writes) done();
  expect(left).toEqual([1]);
});

test('what a failed write would have revealed never leaves (P2, S4)', () => {
  const { commit, writes, left, failures } = stage();
  let ran = 0;
  commit.add([vote(1)], [acknowledgement(1)]);
  commit.whenDurable(() => (ran += 1));
  commit.flush();
  writes[0]?.done(new StorageError('RSL_STORAGE_FAILED', 'the test says so'));
  expect([left, ran, failures]).toEqual([[], 0, ['RSL_STORAGE_FAILED']]);
});

test('of the watermarks of one turn the last one leaves, to each member (P6)', () => {
  // It was computed from more votes: it says all that the earlier ones said.
  const { commit, writes, left } = stage();
  commit.add([vote(1)], [acknowledgement(1), acknowledgement(1, 3)]);
  commit.add([vote(2)], [acknowledgement(2)]);
  commit.flush();
  writes[0]?.done();
  expect(left).toEqual([1, 2]);
});

test('whoever waits for a turn to be durable waits for its write', () => {
  const { commit, writes } = stage();
  let ran = 0;
  commit.add([vote(1)], []);
  commit.whenDurable(() => (ran += 1));
  commit.flush();
  expect(ran).toBe(0);
  writes[0]?.done();
  expect(ran).toBe(1);
});
