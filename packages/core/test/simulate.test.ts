import { crc32 } from 'node:zlib';
import type { Batch, Results, StateMachine } from '@rsl/core';
import { CheckFailed, DigestMachine, Simulation } from '@rsl/core/testing';
import { expect, test } from 'vitest';

const short = { durationMs: 10_000, stormMs: 4_000 };

test('one seed gives one trace', { timeout: 60_000 }, async () => {
  const once = await new Simulation({ seed: 7, ...short }).run();
  const again = await new Simulation({ seed: 7, ...short }).run();
  expect(again).toEqual(once);
});

test('what waits for a promise goes on between two events', { timeout: 60_000 }, async () => {
  // A turn of the real event loop is made only where it is needed, and that changes nothing.
  const asNeeded = await new Simulation({ seed: 15, ...short }).run();
  const always = await new Simulation({ seed: 15, ...short, settle: 'always' }).run();
  expect(always).toEqual(asNeeded);
});

test('seeds 1 to 20 hold, and give the traces they always gave', { timeout: 120_000 }, async () => {
  // The same on every machine and in every build: contracts must not change what happens. A change
  // of the protocol changes the number, and whoever makes it says so here.
  let hash = 0;
  for (let seed = 1; seed <= 20; seed += 1) {
    const report = await new Simulation({ seed, ...short }).run();
    if (!report.beyond) expect(report.acknowledged).toBeGreaterThan(20);
    hash = crc32(report.traceHash, hash);
  }
  expect(hash.toString(16).padStart(8, '0')).toBe('a6edebf4');
});

test('a whole seed is at least 60 s, 500 commands and 5 faults', { timeout: 60_000 }, async () => {
  const { simulatedMs, executed, faults } = await new Simulation({ seed: 3 }).run();
  expect(simulatedMs).toBeGreaterThanOrEqual(60_000);
  expect(executed).toBeGreaterThanOrEqual(500);
  expect(Object.values(faults).reduce((a, b) => a + b)).toBeGreaterThanOrEqual(5);
});

test('good weather has no faults', async () => {
  const report = await new Simulation({ seed: 1, faults: 'none', durationMs: 5_000 }).run();
  expect(report.faults).toEqual({});
  expect(report.acknowledged).toBeGreaterThan(50);
});

test('at night, when clients want nothing, whole groups sleep', { timeout: 60_000 }, async () => {
  const timings = { electionTimeoutMsMin: 300, heartbeatMs: 50, sleepAfterMs: 1_000 };
  const weather = { faults: 'none', durationMs: 20_000, stormMs: 2_000, replicas: 3 } as const;
  const report = await new Simulation({ seed: 1, timings, ...weather }).run();
  expect(report.sleepers).toBeGreaterThanOrEqual(6);
  const awake = await new Simulation({ seed: 1, timings: { sleepAfterMs: 0 }, ...weather }).run();
  expect(awake.sleepers).toBe(0);
});

/** Counts what it is given; `differs` makes it count more on some replicas. */
class Counter extends DigestMachine {
  readonly #more: number;
  count = 0;

  constructor(more = 0) {
    super();
    this.#more = more;
  }

  override execute(batch: Batch, results: Results): void {
    for (let i = 0; i < batch.count; i += 1) {
      this.count += 1 + this.#more;
      results.push(Buffer.from(`${this.count}`));
    }
  }

  override query(): Uint8Array {
    throw new Error('it answers no queries');
  }

  override save(): Uint8Array[] {
    return [Buffer.from(`${this.count}`)];
  }
}

test('users test their state machines and clients in it', async () => {
  const counts: number[] = [];
  const simulation = new Simulation({
    seed: 5,
    ...short,
    stateMachine: () => new Counter(),
    client: async (turn) => {
      counts.push(Number(Buffer.from(await turn.propose(Buffer.from('count'))).toString()));
    },
  });
  const { acknowledged } = await simulation.run();
  // Every caller got another number: nothing was executed twice, and nothing forgotten.
  expect(new Set(counts).size).toBe(counts.length);
  expect(counts).toHaveLength(acknowledged);
});

test('state machines that go different ways are found out', async () => {
  let made = 0;
  const stateMachine = (): StateMachine => new Counter((made += 1) % 2);
  const simulation = new Simulation({ seed: 5, ...short, faults: 'none', stateMachine });
  await expect(simulation.run()).rejects.toThrow(/the state of replica \d differs|has two results/);
});

test('a state machine that throws fails the seed', async () => {
  const stateMachine = (): StateMachine =>
    Object.assign(new DigestMachine(), {
      execute: () => {
        throw new Error('not today');
      },
    });
  const simulation = new Simulation({ seed: 5, ...short, faults: 'none', stateMachine });
  await expect(simulation.run()).rejects.toThrow(CheckFailed);
});
