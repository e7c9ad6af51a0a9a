// A counter of one's own under crashes, cuts and bad disks: no two callers may get the same number.
import assert from 'node:assert/strict';
import { typed } from '@rsl/core';
import { Simulation } from '@rsl/core/testing';

const counter = () => {
  let total = 0;
  return typed<number, number, number>({
    execute: (add) => (total += add),
    snapshot: () => total,
    restore: (saved) => {
      total = saved;
    },
  });
};

for (let seed = 1; seed <= 3; seed += 1) {
  const totals: number[] = [];
  const { codec } = counter();
  const simulation = new Simulation({
    seed,
    stateMachine: counter,
    client: async (turn) => {
      totals.push(codec.decodeResult(await turn.propose(codec.encodeCommand(1))));
    },
    durationMs: 10_000,
  });
  const { acknowledged, simulatedMs } = await simulation.run();
  assert.equal(new Set(totals).size, acknowledged);
  console.log(`seed ${seed}: ${acknowledged} commands in ${simulatedMs} ms of simulated time`);
}
