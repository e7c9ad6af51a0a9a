// The bank under crashes, cuts, lost frames and bad disks, on simulated time.
import { msgpack, typed } from '@rsl/core';
import { stateMachineCases } from '@rsl/core/conformance';
import { CheckFailed, Simulation, type SimulationReport } from '@rsl/core/testing';
import { describe, expect, test } from 'vitest';
import { accounts, bank, total, type Transfer } from './bank.ts';

const { codec } = bank();
const transfer = (from: string, to: string, amount: number): Uint8Array =>
  codec.encodeCommand({ from, to, amount });

/** Clients move money between accounts; the same seed gives the same world, to the last frame. */
async function simulated(seed: number, stateMachine = bank): Promise<SimulationReport> {
  const simulation = new Simulation({
    seed,
    stateMachine,
    durationMs: 10_000,
    client: async (turn) => {
      const [from, to] = [turn.random.pick(accounts), turn.random.pick(accounts)];
      await turn.propose(transfer(from, to, 1 + turn.random.below(40)));
    },
  });
  const report = await simulation.run();
  // The simulator has compared the replicas with each other; these are the bank's own rules.
  const saved = simulation.processes[0]?.stateMachine?.save() ?? [];
  const balances = msgpack.decode(Buffer.concat([...(saved as Iterable<Uint8Array>)])) as [
    string,
    number,
  ][];
  const amounts = balances.map(([, amount]) => amount);
  expect(amounts.reduce((sum, amount) => sum + amount, 0)).toBe(total);
  expect(Math.min(...amounts)).toBeGreaterThanOrEqual(0);
  return report;
}

test.each([1, 2, 3])(
  'money is neither made nor lost, seed %i',
  { timeout: 60_000 },
  async (seed) => {
    const { acknowledged } = await simulated(seed);
    expect(acknowledged).toBeGreaterThan(10);
  },
);

test('the same seed is the same history', { timeout: 60_000 }, async () => {
  const [one, other] = [await simulated(7), await simulated(7)];
  expect(other).toEqual(one);
});

test('a state machine that is not deterministic is found out', { timeout: 60_000 }, async () => {
  let starts = 0;
  const broken = (): ReturnType<typeof bank> => {
    // Each replica adds a number of its own: what a clock, chance or a file would do.
    starts += 1;
    const own = starts;
    let balances = new Map(accounts.map((name) => [name, 100]));
    return typed<Transfer, number, [string, number][]>({
      execute({ from }) {
        balances.set(from, own);
        return 0;
      },
      snapshot: () => [...balances],
      restore: (saved) => {
        balances = new Map(saved);
      },
    });
  };
  await expect(simulated(1, broken)).rejects.toBeInstanceOf(CheckFailed);
});

describe('the kit for state machines', () => {
  // Some of them are refused.
  const commands = Array.from({ length: 30 }, (_, i) =>
    transfer(accounts[i % 3] ?? '', accounts[(i + 1) % 3] ?? '', 10 * (i % 13)),
  );
  for (const { name, run } of stateMachineCases) {
    test(name, () => run(() => ({ machine: bank(), commands })));
  }
});
