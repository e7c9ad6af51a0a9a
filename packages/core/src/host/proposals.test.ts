import { expect, test } from 'vitest';
import type { ManyResults } from '../api.ts';
import { checkSegment } from '../codec/segment.ts';
import type { RslError } from '../errors.ts';
import { defaultLimits, type Limits } from '../limits.ts';
import type { Ballot } from '../paxos/ballot.ts';
import { Proposals } from './proposals.ts';

const ballot = (round: number): Ballot => ({ configuration: 1, round, proposer: 1 });
const nothing = new Uint8Array(0);

class Caller implements ManyResults {
  readonly results: number[] = [];
  readonly errors: string[] = [];

  result(i: number): void {
    this.results.push(i);
  }

  error(i: number, error: RslError): void {
    this.errors.push(`${i} ${error.code} ${error.outcome}`);
  }
}

function stage(limits: Partial<Limits> = {}): { proposals: Proposals; caller: Caller } {
  const proposals = new Proposals({ self: 3, epoch: 7, limits: { ...defaultLimits, ...limits } });
  return { proposals, caller: new Caller() };
}

const commands = (count: number, bytes = 8): Uint8Array[] =>
  Array.from({ length: count }, () => new Uint8Array(bytes));

const headerOf = (segment: Uint8Array | undefined) => checkSegment(segment ?? nothing);

test('commands leave in the order of the calls, as many as fit', () => {
  const { proposals, caller } = stage();
  const first = proposals.add(commands(5), caller, 100);
  proposals.add(commands(5), caller, 100);
  const one = headerOf(proposals.takeSegment(ballot(1), 7, 10_000));
  expect(one).toMatchObject({ origin: 3, epoch: 7, firstSequence: first, count: 7 });
  const two = headerOf(proposals.takeSegment(ballot(1), 7, 10_000));
  expect(two).toMatchObject({ firstSequence: first + 7, count: 3 });
  expect(proposals.takeSegment(ballot(1), 7, 10_000)).toBeUndefined();
});

test('one command that is larger than a batch goes alone', () => {
  const { proposals, caller } = stage();
  proposals.add(commands(2, 5_000), caller, 100);
  expect(headerOf(proposals.takeSegment(ballot(1), 10, 1_000)).count).toBe(1);
  expect(headerOf(proposals.takeSegment(ballot(1), 10, 1_000)).count).toBe(1);
});

test('what a higher ballot has passed over is sent again, and nothing else is', () => {
  const { proposals, caller } = stage();
  const first = proposals.add(commands(6), caller, 100);
  proposals.takeSegment(ballot(1), 2, 10_000);
  proposals.takeSegment(ballot(2), 2, 10_000);
  proposals.resolve(first, nothing);
  proposals.requeueBelow(ballot(2));
  expect(proposals.queuedCount).toBe(3);
  // Sequence 2 of ballot 1 again; 3 and 4 are on their way in ballot 2; 5 and 6 never left.
  expect(headerOf(proposals.takeSegment(ballot(2), 10, 10_000))).toMatchObject({
    firstSequence: first + 1,
    count: 1,
  });
  expect(headerOf(proposals.takeSegment(ballot(2), 10, 10_000))).toMatchObject({
    firstSequence: first + 4,
    count: 2,
  });
  proposals.requeueBelow(ballot(2));
  expect(proposals.queuedCount).toBe(0);
});

test('a result that comes twice is given once', () => {
  const { proposals, caller } = stage();
  const first = proposals.add(commands(1), caller, 100);
  proposals.takeSegment(ballot(1), 1, 1_000);
  proposals.resolve(first, nothing);
  proposals.resolve(first, nothing);
  expect(caller.results).toEqual([0]);
  expect(proposals.pendingBytes).toBe(0);
});

test('a deadline says whether the command had left', () => {
  const { proposals, caller } = stage();
  proposals.add(commands(2), caller, 100);
  proposals.add(commands(1), caller, 200);
  proposals.takeSegment(ballot(1), 1, 1_000);
  proposals.expire(99);
  expect(caller.errors).toEqual([]);
  proposals.expire(100);
  expect(caller.errors).toEqual(['0 RSL_OUTCOME_UNKNOWN unknown', '1 RSL_NOT_LEADER not-executed']);
  proposals.expire(200);
  expect(caller.errors).toHaveLength(3);
  expect(proposals.queuedCount).toBe(0);
});

test('closing tells every caller what it knows', () => {
  const { proposals, caller } = stage();
  proposals.add(commands(2), caller, 100);
  proposals.takeSegment(ballot(1), 1, 1_000);
  proposals.closeAll(undefined);
  expect(caller.errors).toEqual(['0 RSL_OUTCOME_UNKNOWN unknown', '1 RSL_CLOSED not-executed']);
  expect(proposals.pendingCount).toBe(0);
});

test('limits refuse a call whole', () => {
  const { proposals, caller } = stage({ pendingCommandsMax: 3, pendingBytesMax: 100 });
  expect(() => proposals.add(commands(4), caller, 1)).toThrowError(/pendingCommandsMax/);
  expect(() => proposals.add(commands(2, 60), caller, 1)).toThrowError(/pendingBytesMax/);
  expect(proposals.pendingCount).toBe(0);
  proposals.add(commands(3), caller, 1);
});

test('the ring grows, and keeps what is in it', () => {
  const { proposals, caller } = stage();
  let sequence = 1;
  for (let round = 0; round < 50; round += 1) {
    proposals.add(commands(100), caller, 1e9);
    proposals.takeSegment(ballot(1), 60, 1e6);
    for (let i = 0; i < 40; i += 1) proposals.resolve(sequence + i, nothing);
    sequence += 40;
  }
  while (proposals.takeSegment(ballot(1), 1_000, 1e6) !== undefined);
  for (; sequence <= 5_000; sequence += 1) proposals.resolve(sequence, nothing);
  expect(caller.results).toHaveLength(5_000);
  expect(proposals.pendingCount).toBe(0);
});

test('a caller may propose again from its result', () => {
  const { proposals } = stage();
  let left = 3_000;
  const again: ManyResults = {
    result: () => {
      left -= 1;
      if (left > 0) proposals.add(commands(2), again, 1e9);
    },
    error: () => {},
  };
  proposals.add(commands(1), again, 1e9);
  for (let sequence = 1; left > 0; sequence += 1) {
    proposals.takeSegment(ballot(1), 1, 1e6);
    proposals.resolve(sequence, nothing);
  }
  expect(left).toBe(0);
});
