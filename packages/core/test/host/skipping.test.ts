import { expect, test } from 'vitest';
import { sealBatch } from '../../src/codec/batch.ts';
import { encodeSegment } from '../../src/codec/segment.ts';
import { Execution } from '../../src/host/execution.ts';
import { Proposals } from '../../src/host/proposals.ts';
import { defaultLimits as limits } from '../../src/limits.ts';
import { DigestMachine } from '../../src/testing/digest-machine.ts';
import { ballot } from '../paxos/fixture.ts';

const command = (text: string): Uint8Array => Buffer.from(text);

function stage(skip: readonly number[]) {
  const executed: string[] = [];
  const told: string[] = [];
  const machine = new DigestMachine(({ slot, commands }) =>
    executed.push([slot, ...commands].join(' ')),
  );
  const proposals = new Proposals({ self: 1, epoch: 7, limits });
  const execution = new Execution(machine, 1, proposals, new Set(skip));
  const sink = {
    result: (i: number) => told.push(`${i} result`),
    error: (i: number, { code, outcome }: { code: string; outcome: string }) =>
      told.push(`${i} ${code} ${outcome}`),
  };
  return { executed, execution, proposals, sink, told };
}

const theirs = (text: string): Uint8Array =>
  encodeSegment({ origin: 2, epoch: 3, firstSequence: 1 }, [command(text)]);

test('a slot that is to be skipped is not executed, and everything else is', () => {
  const { executed, execution } = stage([2]);
  for (const [i, text] of ['a', 'poison', 'b'].entries()) {
    execution.execute(i + 1, sealBatch(10 * i, ballot(1, 2), [theirs(text)]), true);
  }
  expect(executed).toEqual(['1 a', '3 b']);
  expect([execution.executedThrough, execution.skips, execution.commands]).toEqual([3, 1, 2]);
});

test('time and ballots of a skipped slot count, as where it was not told to be skipped', () => {
  // Or a batch behind it would be void here and executed there.
  const { executed, execution } = stage([1]);
  execution.execute(1, sealBatch(50, ballot(3, 2), [theirs('poison')]), true);
  execution.execute(2, sealBatch(10, ballot(2, 1), [theirs('void')]), true);
  execution.execute(3, sealBatch(20, ballot(3, 2), [theirs('b')]), true);
  expect(executed).toEqual(['3 b']);
  expect([execution.timeMs, execution.voids]).toEqual([50, 1]);
});

test('who waits for a command of a skipped slot is told that it was not executed', () => {
  const { execution, proposals, sink, told } = stage([1]);
  proposals.add([command('a'), command('b')], sink, Infinity);
  const mine = proposals.takeSegment(ballot(1, 1), 1, 100) as Uint8Array;
  execution.execute(1, sealBatch(0, ballot(1, 1), [theirs('x'), mine]), true);
  expect(told).toEqual(['0 RSL_SLOT_SKIPPED not-executed']);
  expect([proposals.pendingCount, proposals.queuedCount]).toEqual([1, 1]);
});

test('a slot that the state reflects already is not counted as skipped', () => {
  const { execution } = stage([1]);
  execution.begin(0, 1);
  execution.execute(1, sealBatch(0, ballot(1, 1), [theirs('a')]), false);
  expect(execution.skips).toBe(0);
});
