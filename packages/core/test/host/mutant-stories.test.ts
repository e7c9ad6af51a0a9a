import { expect, test } from 'vitest';
import type { ManyResults } from '../../src/api.ts';
import { sealBatch } from '../../src/codec/batch.ts';
import { checkSegment, encodeSegment } from '../../src/codec/segment.ts';
import { Execution } from '../../src/host/execution.ts';
import { Intake } from '../../src/host/forwarding.ts';
import { Proposals } from '../../src/host/proposals.ts';
import { defaultLimits as limits } from '../../src/limits.ts';
import type { StateMachine } from '../../src/ports/state-machine.ts';
import { DigestMachine } from '../../src/testing/digest-machine.ts';
import { ballot } from '../paxos/fixture.ts';

const command = Uint8Array.of(7);

function caller() {
  const told: string[] = [];
  const sink: ManyResults = {
    result: (i) => told.push(`${i} result`),
    error: (i, { code, outcome }) => told.push(`${i} ${code} ${outcome}`),
  };
  return { told, sink };
}

function stage(machine: StateMachine = new DigestMachine()) {
  const proposals = new Proposals({ self: 1, epoch: 7, limits });
  return { proposals, execution: new Execution(machine, 1, proposals), ...caller() };
}

test('a command of another replica gives nobody here a result (P9)', () => {
  // Both have drawn the same number for their starts: sequences of one are not those of the other.
  const { execution, proposals, sink, told } = stage();
  proposals.add([command], sink, Infinity);
  proposals.takeSegment(ballot(1, 2), 1, 100);
  const theirs = encodeSegment({ origin: 2, epoch: 7, firstSequence: 1 }, [command]);
  execution.execute(1, sealBatch(0, ballot(1, 2), [theirs]), true);
  expect(told).toEqual([]);
});

test('a state machine that gives too few results has failed (P7)', () => {
  // Results are told apart by their order: from the missing one on each would be another’s.
  const { execution } = stage(Object.assign(new DigestMachine(), { execute: () => {} }));
  const segment = encodeSegment({ origin: 2, epoch: 7, firstSequence: 1 }, [command]);
  const execute = (): void => execution.execute(1, sealBatch(0, ballot(1, 2), [segment]), true);
  expect(execute).toThrowError(
    expect.objectContaining({ code: 'RSL_STATE_MACHINE_FAILED' }) as Error,
  );
});

test('what has its result is not sent again with its neighbours (P9)', () => {
  const { proposals, sink } = stage();
  proposals.add([command, command, command], sink, Infinity);
  proposals.takeSegment(ballot(1, 2), 3, 100);
  proposals.resolve(2, command);
  proposals.requeueBelow(ballot(2, 3));
  expect(proposals.queuedCount).toBe(2);
  const sent = [1, 2].map(() => proposals.takeSegment(ballot(2, 3), 3, 100));
  const sequences = sent.map((bytes) => bytes && checkSegment(bytes).firstSequence);
  expect(sequences).toEqual([1, 3]);
});

test('a caller who gives up on a command that has left is not told that it will not happen', () => {
  const { proposals, sink, told } = stage();
  proposals.add([command, command], sink, Infinity);
  proposals.takeSegment(ballot(1, 2), 1, 100);
  for (const sequence of [1, 2]) proposals.cancel(sequence, 'enough');
  expect(told).toEqual(['0 RSL_OUTCOME_UNKNOWN unknown', '1 RSL_ABORTED not-executed']);
});

test('what was forwarded to the leader of another ballot is not taken in (P9)', () => {
  // Whoever sent it may have sent it again, in this ballot.
  const intake = new Intake(limits);
  intake.begin(ballot(2, 1));
  const segment = encodeSegment({ origin: 2, epoch: 7, firstSequence: 1 }, [command]);
  intake.onForward(2, { kind: 'forward', ballot: ballot(1, 1), number: 1, segments: segment });
  expect(intake.isEmpty).toBe(true);
  intake.onForward(2, { kind: 'forward', ballot: ballot(2, 1), number: 1, segments: segment });
  expect(intake.isEmpty).toBe(false);
});
