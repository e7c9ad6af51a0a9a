import { expect, test } from 'vitest';
import type { Slot } from '../paxos/slot.ts';
import type { Batch, Results } from '../ports/state-machine.ts';
import { DigestMachine } from '../testing/digest-machine.ts';
import { type LoneLog, LoneMachine } from '../testing/lone-machine.ts';
import type { KeptState } from './recovery.ts';

async function* bytesOf(chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* chunks;
}

/** A group's first slots, executed; and the image after one of them. */
async function history(slots: number, imageOf: Slot) {
  const machine = new DigestMachine();
  const lone = new LoneMachine(machine);
  const image: Uint8Array[] = [];
  for (let slot = 1; slot <= slots; slot += 1) {
    lone.execute(`command ${slot}`);
    if (slot !== imageOf) continue;
    for await (const chunk of lone.state.save()) image.push(chunk);
  }
  return { machine, log: lone.log, image };
}

/** A machine that says which slots it executed; `reflects` by a state of its own. */
class TellingMachine extends DigestMachine {
  readonly slots: Slot[] = [];
  readonly live: boolean[] = [];
  loads = 0;
  readonly #reflects: Slot;

  constructor(reflects = 0) {
    super(({ slot }) => this.slots.push(slot));
    this.#reflects = reflects;
  }

  async open(): Promise<Slot> {
    return this.#reflects;
  }

  override execute(batch: Batch, results: Results): void {
    this.live.push(batch.live);
    super.execute(batch, results);
  }

  override async load(chunks: AsyncIterable<Uint8Array>): Promise<void> {
    this.loads += 1;
    await super.load(chunks);
  }
}

/** Started on this log, with one image kept; and the slots that whoever keeps it heard of. */
async function started(
  log: LoneLog,
  kept: { readonly slot: Slot; readonly image: readonly Uint8Array[] } | undefined,
  machine = new TellingMachine(),
  begun?: 'stateless',
) {
  const lone = new LoneMachine(machine, log);
  const heard: Slot[] = [];
  const keeper: KeptState = {
    begin: async () => {
      if (kept !== undefined) await lone.state.load(kept.slot, bytesOf(kept.image));
      return begun;
    },
    executed: (slot) => heard.push(slot),
  };
  await lone.start(keeper);
  return { lone, machine, heard };
}

test('a kept state is loaded, and only the slots behind it are executed', async () => {
  const { log, image, machine: first } = await history(9, 6);
  const { machine, heard } = await started(log, { slot: 6, image });
  expect(machine.slots).toEqual([7, 8, 9]);
  expect(heard).toEqual([7, 8, 9]);
  expect(machine.digest).toBe(first.digest);
});

test('older records than the kept state are skipped, also all of them', async () => {
  const { image, machine: first } = await history(9, 9);
  const { log } = await history(4, 4);
  const { lone, machine } = await started(log, { slot: 9, image });
  expect(machine.slots).toEqual([]);
  expect(machine.digest).toBe(first.digest);
  expect(lone.state.executedThrough).toBe(9);
});

test('a kept state that just reaches the first slot of the log will do', async () => {
  const { log, image, machine: first } = await history(9, 4);
  log.cut(5);
  const { machine } = await started(log, { slot: 4, image });
  expect(machine.digest).toBe(first.digest);
});

test('without a state that reaches the log nothing starts: RSL_LOG_TRUNCATED (S6)', async () => {
  const { log, image } = await history(9, 4);
  log.cut(6);
  for (const kept of [{ slot: 4, image }, undefined]) {
    await expect(started(log, kept)).rejects.toMatchObject({ code: 'RSL_LOG_TRUNCATED' });
  }
});

test('without a state that reaches the log nothing is executed until one is loaded', async () => {
  const { log, image, machine: first } = await history(9, 7);
  log.cut(6);
  for (const reflects of [0, 3]) {
    const machine = new TellingMachine(reflects);
    const { lone, heard } = await started(log.copy(), undefined, machine, 'stateless');
    expect([lone.state.executedThrough, lone.state.canSave, heard]).toEqual([0, false, []]);
    await lone.state.load(7, bytesOf(image));
    expect([lone.state.executedThrough, lone.state.canSave]).toEqual([7, true]);
    for (const { slot, value } of await log.read(8, 9)) lone.replay(slot, value);
    expect(machine.digest).toBe(first.digest);
    // What it had executed in an earlier life has no effects on the world again.
    expect(machine.live).toEqual([false, false]);
    lone.execute('10');
    expect(machine.live.at(-1)).toBe(true);
  }
});

test('a state that reaches the log will do, whatever else is said', async () => {
  const { log, image } = await history(9, 6);
  log.cut(5);
  const { machine } = await started(log, { slot: 6, image }, new TellingMachine(), 'stateless');
  expect(machine.slots).toEqual([7, 8, 9]);
});

test('without a kept state the whole log is executed', async () => {
  const { log, machine: first } = await history(5, 1);
  const { machine } = await started(log, undefined);
  expect(machine.slots).toEqual([1, 2, 3, 4, 5]);
  expect(machine.digest).toBe(first.digest);
});

test('of a state machine with a state of its own, the newer of both states counts', async () => {
  const { log, image } = await history(9, 6);
  log.cut(5);
  const older = await started(log, { slot: 6, image }, new TellingMachine(3));
  expect([older.machine.loads, older.machine.slots]).toEqual([1, [7, 8, 9]]);
  const newer = await started(log, { slot: 6, image }, new TellingMachine(8));
  expect([newer.machine.loads, newer.machine.slots]).toEqual([0, [9]]);
  // Sessions, time and ballots came with the kept state all the same.
  expect(newer.lone.state.executedThrough).toBe(9);
  expect(newer.lone.state.timeMs).toBe(older.lone.state.timeMs);
});

test('while a state machine is ahead of what is executed, nothing can be saved', async () => {
  const { log } = await history(4, 1);
  const { lone } = await started(log, undefined, new TellingMachine(6));
  expect(lone.state.canSave).toBe(false);
  lone.execute('5');
  expect(lone.state.canSave).toBe(false);
  lone.execute('6');
  expect(lone.state.canSave).toBe(true);
});

test('a state of its own will not do where the log begins late: sessions are missing', async () => {
  const { log } = await history(9, 4);
  log.cut(6);
  const start = started(log, undefined, new TellingMachine(8));
  await expect(start).rejects.toMatchObject({ code: 'RSL_LOG_TRUNCATED' });
});
