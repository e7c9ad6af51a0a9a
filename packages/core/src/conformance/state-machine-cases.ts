/**
 * The StateMachine kit, for the user's own program: what a replica relies on, and cannot check
 * while it runs. The commands are the user's; the more of the program they reach, the better.
 */
import assert from 'node:assert/strict';
import type { Batch, Results, StateMachine } from '../ports/state-machine.ts';
import type { ConformanceCase } from './case.ts';

/** A state machine for one case, and what it is given. */
export interface OpenedStateMachine {
  /** New and empty at each call. */
  readonly machine: StateMachine;
  /** At least 20 commands, in an order in which they make sense; the same at each call. */
  readonly commands: readonly Uint8Array[];
}

/** Makes one; called several times by one case. */
export type OpenStateMachine = () => OpenedStateMachine;

const startMs = 1_700_000_000_000;

/** Takes results and gives them back. */
class Collected implements Results {
  readonly results: Uint8Array[] = [];

  wanted(): boolean {
    return true;
  }

  push(result: Uint8Array): void {
    this.results.push(result);
  }
}

/** Commands as one slot. */
function batchOf(slot: number, timeMs: number, commands: readonly Uint8Array[]): Batch {
  const ends: number[] = [];
  let length = 0;
  for (const command of commands) ends.push((length += command.length));
  const bytes = new Uint8Array(length);
  for (const [i, command] of commands.entries()) bytes.set(command, ends[i - 1] ?? 0);
  return {
    slot,
    timeMs,
    live: true,
    count: commands.length,
    bytes,
    start: (i) => ends[i - 1] ?? 0,
    end: (i) => ends[i] as number,
    session: () => undefined,
  };
}

/** Executes the commands, so many to a slot, a millisecond apart; gives every result. */
function executed(
  machine: StateMachine,
  commands: readonly Uint8Array[],
  perSlot: number,
  firstSlot = 1,
): Buffer[] {
  const results: Buffer[] = [];
  for (let at = 0, slot = firstSlot; at < commands.length; at += perSlot, slot += 1) {
    const collected = new Collected();
    const some = commands.slice(at, at + perSlot);
    machine.execute(batchOf(slot, startMs + slot, some), collected);
    assert.equal(collected.results.length, some.length, 'one result for each command');
    results.push(...collected.results.map((bytes) => Buffer.from(bytes)));
  }
  return results;
}

async function saved(machine: StateMachine): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of machine.save()) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}

async function* inChunks(bytes: Uint8Array, size: number): AsyncIterable<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.slice(at, at + size);
}

const perSlot = 5;

/** For every StateMachine. */
export const stateMachineCases: readonly ConformanceCase<OpenStateMachine>[] = [
  {
    name: 'the same batches in the same order give the same results',
    async run(open) {
      const [one, two] = [open(), open()];
      assert.deepEqual(
        executed(one.machine, one.commands, perSlot),
        executed(two.machine, two.commands, perSlot),
      );
    },
  },
  {
    name: 'the same batches in the same order give the same snapshot everywhere',
    async run(open) {
      const [one, two] = [open(), open()];
      executed(one.machine, one.commands, perSlot);
      executed(two.machine, two.commands, perSlot);
      assert.deepEqual(await saved(one.machine), await saved(two.machine));
    },
  },
  {
    name: 'pushes exactly `batch.count` results, also for no command at all',
    async run(open) {
      const { machine, commands } = open();
      executed(machine, commands, 1);
      const collected = new Collected();
      machine.execute(batchOf(commands.length + 1, startMs * 2, []), collected);
      assert.equal(collected.results.length, 0);
    },
  },
  {
    name: 'load replaces the whole state by a saved one',
    async run(open) {
      const [one, two, fresh] = [open(), open(), open()];
      const half = Math.floor(one.commands.length / 2);
      executed(one.machine, one.commands.slice(0, half), perSlot);
      executed(two.machine, two.commands, perSlot);
      const state = await saved(one.machine);
      // Over a state that is there already, and over none.
      await two.machine.load(inChunks(state, 7));
      await fresh.machine.load(inChunks(state, 1 << 20));
      const rest = one.commands.slice(half);
      const expected = executed(one.machine, rest, perSlot, half + 1);
      assert.deepEqual(executed(two.machine, rest, perSlot, half + 1), expected);
      assert.deepEqual(executed(fresh.machine, rest, perSlot, half + 1), expected);
      assert.deepEqual(await saved(fresh.machine), await saved(one.machine));
    },
  },
  {
    name: 'save gives a frozen view: later executions do not change what it yields',
    async run(open) {
      const [one, two] = [open(), open()];
      const half = Math.floor(one.commands.length / 2);
      executed(one.machine, one.commands.slice(0, half), perSlot);
      executed(two.machine, two.commands.slice(0, half), perSlot);
      const view = one.machine.save();
      executed(one.machine, one.commands.slice(half), perSlot, half + 1);
      const chunks: Buffer[] = [];
      for await (const chunk of view) chunks.push(Buffer.from(chunk));
      assert.deepEqual(Buffer.concat(chunks), await saved(two.machine));
    },
  },
  {
    name: 'wakeAtMs goes on once its time has passed',
    async run(open) {
      const { machine, commands } = open();
      executed(machine, commands, perSlot);
      // Or a leader would propose batches without commands for ever.
      for (let slot = commands.length + 1, turns = 0; turns < 1_000; slot += 1, turns += 1) {
        const wakeAtMs = machine.wakeAtMs?.();
        if (wakeAtMs === undefined) return;
        const timeMs = Math.max(wakeAtMs, startMs + slot);
        machine.execute(batchOf(slot, timeMs, []), new Collected());
        const next = machine.wakeAtMs?.();
        assert.ok(next === undefined || next > timeMs, `still ${next} at ${timeMs}`);
      }
    },
  },
];
