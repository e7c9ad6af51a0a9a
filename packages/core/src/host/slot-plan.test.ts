import { expect, test } from 'vitest';
import { sealBatch } from '../codec/batch.ts';
import { encodeSegment } from '../codec/segment.ts';
import { defaultLimits } from '../limits.ts';
import type { Value } from '../paxos/value.ts';
import type { Batch, Results, StateMachine } from '../ports/state-machine.ts';
import { type Control, encodeControl } from '../sessions/control.ts';
import { sessionLimits } from '../sessions/session-limits.ts';
import { Execution } from './execution.ts';
import { Proposals } from './proposals.ts';

const { sessionResultBytesMax } = sessionLimits;
const ballot = (round: number) => ({ configuration: 1, round, proposer: 1 });
const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

/** Remembers what it executed; the result of `large…` is as large as a session may keep. */
class Machine implements StateMachine {
  readonly executed: string[] = [];
  readonly ended: string[] = [];
  wakes: number | undefined;

  execute(batch: Batch, results: Results): void {
    for (let i = 0; i < batch.count; i += 1) {
      const command = Buffer.from(batch.bytes.subarray(batch.start(i), batch.end(i))).toString();
      this.executed.push(`${batch.slot} ${command} of ${batch.session(i) ?? 'nobody'}`);
      results.push(new Uint8Array(command.startsWith('large') ? sessionResultBytesMax : 1));
    }
  }

  sessionEnded(session: string): void {
    this.ended.push(session);
  }

  wakeAtMs(): number | undefined {
    return this.wakes;
  }

  save(): Uint8Array[] {
    return [];
  }

  async load(): Promise<void> {}
}

function stage(reflected = 0): { execution: Execution; machine: Machine } {
  const machine = new Machine();
  const proposals = new Proposals({ self: 1, epoch: 7, limits: defaultLimits });
  const execution = new Execution(machine, 1, proposals);
  execution.begin(0, reflected);
  return { execution, machine };
}

const header = { origin: 9, epoch: 1, firstSequence: 1 };
const said = (...words: Control[]): Uint8Array =>
  encodeSegment({ ...header, isControl: true }, words.map(encodeControl));
const under = (
  [slot, offset]: readonly [number, number],
  firstSequence: number,
  acknowledged: number,
  ...commands: string[]
): Uint8Array =>
  encodeSegment(
    { ...header, session: { slot, offset, firstSequence, acknowledged } },
    commands.map(bytesOf),
  );
const plain = (...commands: string[]): Uint8Array => encodeSegment(header, commands.map(bytesOf));
const open = (ttlMs = 1_000): Control => ({ kind: 'open', ttlMs });
const at = (stampMs: number, ...segments: Uint8Array[]): Value =>
  sealBatch(stampMs, ballot(1), segments);

function run(execution: Execution, values: readonly Value[]): void {
  for (const [i, value] of values.entries()) execution.execute(i + 1, value, false);
}

test('a session is named by the place of its command among all of the slot', () => {
  const { execution, machine } = stage();
  const opening = at(1, plain('a', 'b'), said(open(), open()));
  run(execution, [opening, at(1, under([1, 2], 1, 0, 'c'), under([1, 3], 1, 0, 'd'))]);
  expect(machine.executed.slice(2)).toEqual(['2 c of 1.2', '2 d of 1.3']);
});

test('what follows the close in its slot executes no more, what came before it does', () => {
  const { execution, machine } = stage();
  const name = { slot: 1, offset: 0 };
  run(execution, [
    at(1, said(open())),
    at(
      1,
      under([1, 0], 1, 0, 'before'),
      said({ kind: 'close', name }),
      under([1, 0], 2, 0, 'after'),
    ),
  ]);
  expect(machine.executed).toEqual(['2 before of 1.0']);
  expect(machine.ended).toEqual(['1.0']);
  expect(execution.sessions.bytes).toBe(0);
});

test('whoever does not know the results of some slots executes the same as those who do', () => {
  // A state on disk by itself reflects slot 2: its result is not to be had again. All the others
  // keep it, it is all that the session may keep, and so they do not execute what comes next.
  const values = [
    at(1, said(open())),
    at(1, under([1, 0], 1, 0, 'large')),
    at(1, under([1, 0], 2, 0, 'next')),
  ];
  const everybody = stage();
  run(everybody.execution, values);
  const restarted = stage(2);
  run(restarted.execution, values);
  const after = everybody.machine.executed.filter((line) => !line.startsWith('2 '));
  expect(restarted.machine.executed).toEqual(after);
});

test('only time in which a leader could propose ends a session, whatever the clocks say', () => {
  const { execution, machine } = stage();
  const empty = (stampMs: number, round: number, ledMs: number): Value =>
    sealBatch(stampMs, ballot(round), [], ledMs);
  execution.execute(1, sealBatch(1_000, ballot(1), [said(open(1_000))]), false);
  // Another ballot, a clock that jumps: nobody led for so long.
  execution.execute(2, empty(90_000, 2, 0), false);
  execution.execute(3, empty(900_000, 2, 1_000), false);
  expect([machine.ended, execution.sessions.endsInMs]).toEqual([[], 1]);
  execution.execute(4, empty(900_001, 2, 1), false);
  expect(machine.ended).toEqual(['1.0']);
});

test('a void batch opens, uses and closes nothing', () => {
  const { execution, machine } = stage();
  const name = { slot: 1, offset: 0 };
  execution.execute(1, sealBatch(1, ballot(2), [said(open())]), false);
  execution.execute(2, sealBatch(1, ballot(1), [said(open(), { kind: 'close', name })]), false);
  expect([...execution.sessions.all()].map(({ id }) => id)).toEqual(['1.0']);
  expect(machine.ended).toEqual([]);
});
