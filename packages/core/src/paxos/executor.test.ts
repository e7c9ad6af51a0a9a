import { expect, test } from 'vitest';
import { Executor } from './executor.ts';
import { Outbox } from './outbox.ts';
import { batch, group, stop } from '../../test/paxos/fixture.ts';

test('released slots are handed on with the membership that governs them', () => {
  // A snapshot taken after a slot names that membership (R8).
  const executor = new Executor(group(3), 4);
  const out = new Outbox();
  executor.release(5, batch('x'), out);
  expect(out.take()).toEqual([
    { kind: 'execute', slot: 5, value: batch('x'), membership: group(3) },
  ]);
  expect([executor.releasedThrough, executor.executedThrough]).toEqual([5, 4]);
});

test('executed is what the state machine reported, and never goes back', () => {
  const executor = new Executor(group(3), 0);
  for (const slot of [1, 2, 3]) executor.release(slot, batch('x'), new Outbox());
  executor.onExecuted(2);
  executor.onExecuted(1);
  expect(executor.executedThrough).toBe(2);
});

test('a stop ends the configuration', () => {
  const executor = new Executor(group(3), 0);
  const out = new Outbox();
  expect(executor.stoppedAt).toBeUndefined();
  executor.release(1, stop, out);
  expect(executor.stoppedAt).toBe(1);
  expect(out.take()).toContainEqual({ kind: 'stopped', slot: 1 });
});

test('the stop of an earlier configuration is a value like any other', () => {
  // It lies below this configuration's first slot, and is learned with the rest (R2).
  const executor = new Executor(group(3, { number: 2, firstSlot: 2 }), 0);
  executor.release(1, stop, new Outbox());
  expect(executor.stoppedAt).toBeUndefined();
});

test('an installed snapshot moves both pointers, forward only', () => {
  const executor = new Executor(group(3), 3);
  executor.onInstalled(2);
  expect(executor.releasedThrough).toBe(3);
  executor.onInstalled(9);
  expect([executor.releasedThrough, executor.executedThrough]).toEqual([9, 9]);
});

test.runIf(CONTRACTS)('slots are released in order, and none past a stop', () => {
  // P7, R9.
  const executor = new Executor(group(3), 0);
  expect(() => executor.release(2, batch('x'), new Outbox())).toThrow('execute-1');
  executor.release(1, stop, new Outbox());
  expect(() => executor.release(2, batch('x'), new Outbox())).toThrow('R9');
  expect(() => executor.onExecuted(5)).toThrow('execute-3');
});
