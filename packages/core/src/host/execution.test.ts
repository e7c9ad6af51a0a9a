import { expect, test } from 'vitest';
import type { ManyResults } from '../api.ts';
import { sealBatch } from '../codec/batch.ts';
import { encodeSegment } from '../codec/segment.ts';
import { defaultLimits } from '../limits.ts';
import type { Ballot } from '../paxos/ballot.ts';
import { noOp, type Value } from '../paxos/value.ts';
import { DigestMachine, type Executed } from '../testing/digest-machine.ts';
import { Execution } from './execution.ts';
import { Proposals } from './proposals.ts';

const ballot = (round: number): Ballot => ({ configuration: 1, round, proposer: 1 });
const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

/** A batch of another replica's commands. */
function batch(round: number, stampMs: number, ...commands: string[]): Value {
  const header = { origin: 9, epoch: 1, firstSequence: 1 };
  const segments = commands.length > 0 ? [encodeSegment(header, commands.map(bytesOf))] : [];
  return sealBatch(stampMs, ballot(round), segments);
}

function stage(): { execution: Execution; proposals: Proposals; executed: Executed[] } {
  const executed: Executed[] = [];
  const proposals = new Proposals({ self: 1, epoch: 7, limits: defaultLimits });
  const machine = new DigestMachine((what) => executed.push(what));
  return { execution: new Execution(machine, 1, proposals), proposals, executed };
}

test('a batch of a lower ballot after one of a higher ballot is void', () => {
  // Leader 1.1 is cut off with a command that it gets late; only it votes for it, in slot 3. Leader
  // 1.2 has begun without that vote, so the command was sent again, and executes in slot 2. Leader
  // 1.3 hears of the vote and proposes it in slot 3: whoever executed it there would do it twice.
  const { execution, executed } = stage();
  execution.execute(1, batch(2, 10), true);
  execution.execute(2, batch(2, 10, 'add 5'), true);
  execution.execute(3, batch(1, 99, 'add 5'), true);
  execution.execute(4, batch(3, 20, 'next'), true);
  expect(executed.map(({ slot, commands }) => [slot, ...commands])).toEqual([
    [1],
    [2, 'add 5'],
    [4, 'next'],
  ]);
  expect(execution.voids).toBe(1);
  expect(execution.executedThrough).toBe(4);
  expect(execution.timeMs).toBe(20);
});

test('what an earlier leader proposed executes, if nothing later came before it', () => {
  const { execution, executed } = stage();
  execution.execute(1, batch(1, 10, 'a'), true);
  execution.execute(2, batch(1, 11, 'b'), true);
  execution.execute(3, batch(2, 12, 'c'), true);
  expect(executed).toHaveLength(3);
});

test('group time never goes back, whatever the stamps say (P10)', () => {
  const { execution, executed } = stage();
  for (const [i, stampMs] of [50, 40, 60].entries()) {
    execution.execute(i + 1, batch(1, stampMs, 'x'), true);
  }
  expect(executed.map(({ timeMs }) => timeMs)).toEqual([50, 50, 60]);
});

test('a no-op takes a slot and nothing else', () => {
  const { execution, executed } = stage();
  execution.execute(1, noOp, true);
  expect(execution.executedThrough).toBe(1);
  expect(executed).toEqual([]);
});

test('results go to whoever waits here, by sequence, and only of this start', () => {
  const { execution, proposals } = stage();
  const results: string[] = [];
  const sink: ManyResults = {
    result: (i, bytes) => results.push(`${i} ${new TextDecoder().decode(bytes)}`),
    error: () => {},
  };
  proposals.add([bytesOf('a'), bytesOf('b')], sink, 1e9);
  const mine = proposals.takeSegment(ballot(1), 100, 1_000) as Uint8Array;
  const before = encodeSegment({ origin: 1, epoch: 6, firstSequence: 1 }, [bytesOf('old')]);
  execution.execute(1, sealBatch(1, ballot(1), [before]), true);
  expect(results).toEqual([]);
  execution.execute(2, sealBatch(1, ballot(1), [before, mine]), true);
  expect(results).toEqual(['0 2.1', '1 2.2']);
  expect(proposals.pendingCount).toBe(0);
});

test('a value that is no batch stops the replica, and is not guessed at', () => {
  const { execution } = stage();
  const broken: Value = { bytes: Uint8Array.of(1, 1, 0, 0), checksum: 0 };
  expect(() => execution.execute(1, broken, true)).toThrowError(
    expect.objectContaining({ code: 'RSL_STATE_MACHINE_FAILED' }) as Error,
  );
});
