import { type StateMachine, typed } from '@rsl/core';
import { stateMachineCases } from '@rsl/core/conformance';
import { DigestMachine } from '@rsl/core/testing';
import { describe, expect, test } from 'vitest';

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

describe('the digest machine', () => {
  const commands = Array.from({ length: 40 }, (_, i) => bytesOf(`command ${i}`));
  for (const { name, run } of stateMachineCases) {
    test(name, () => run(() => ({ machine: new DigestMachine(), commands })));
  }
});

/** Remembers numbers, and forgets each a second after it came. */
function memory(): ReturnType<typeof typed<number, number[], [number, number][]>> {
  let numbers: [untilMs: number, n: number][] = [];
  return typed<number, number[], [number, number][]>({
    execute(n, { timeMs }) {
      numbers = numbers.filter(([untilMs]) => untilMs > timeMs);
      numbers.push([timeMs + 1_000, n]);
      return numbers.map(([, each]) => each);
    },
    snapshot: () => numbers,
    restore: (state) => {
      numbers = state;
    },
  });
}

describe('a typed machine', () => {
  const commands = Array.from({ length: 40 }, (_, i) => memory().codec.encodeCommand(i));
  for (const { name, run } of stateMachineCases) {
    test(name, () => run(() => ({ machine: memory(), commands })));
  }
});

const failing: Record<string, (machine: StateMachine) => StateMachine> = {
  'a machine that uses chance': (machine) => ({
    ...machine,
    execute: (batch, results) => {
      for (let i = 0; i < batch.count; i += 1) results.push(bytesOf(String(Math.random())));
    },
  }),
  'a machine that forgets a result': (machine) => ({ ...machine, execute: () => {} }),
  'a machine whose load does nothing': (machine) => ({ ...machine, load: async () => {} }),
  'a machine that never stops waking': (machine) => ({ ...machine, wakeAtMs: () => 1 }),
};

test.each(Object.entries(failing))('the kit finds %s', async (_, spoil) => {
  // A check that cannot fail proves nothing.
  const commands = Array.from({ length: 40 }, (__, i) => memory().codec.encodeCommand(i));
  const outcomes = await Promise.allSettled(
    stateMachineCases.map(({ run }) => run(() => ({ machine: spoil(memory()), commands }))),
  );
  expect(outcomes.some(({ status }) => status === 'rejected')).toBe(true);
});
