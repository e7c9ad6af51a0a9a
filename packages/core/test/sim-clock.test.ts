import { expect, test } from 'vitest';
import { MachineClock, SimClock, SimWorld } from '../src/testing/sim-world.ts';

test('time does not go back in a process that blocks while its clock becomes slower', () => {
  const world = new SimWorld();
  const machine = new MachineClock(world, 1.5);
  const clock = new SimClock(world, machine);
  world.nowMs = 1_000;
  clock.pause(10_000);
  const before = clock.nowMs();
  world.nowMs = 2_000;
  machine.rate = 0.5;
  expect(clock.nowMs()).toBeGreaterThanOrEqual(before);
});
