import { expect, test } from 'vitest';
import { EndQueue } from './end-queue.ts';

interface Ending {
  readonly slot: number;
  readonly offset: number;
  endMs: number;
}

/** A queue, and those that were closed. */
function stage(): { queue: EndQueue<Ending>; closed: Set<Ending>; add: typeof ending } {
  const closed = new Set<Ending>();
  const queue = new EndQueue<Ending>((session) => !closed.has(session));
  const add = (endMs: number, slot: number, offset = 0): Ending => {
    const one = ending(endMs, slot, offset);
    queue.add(one);
    return one;
  };
  return { queue, closed, add };
}

const ending = (endMs: number, slot: number, offset = 0): Ending => ({ slot, offset, endMs });

/** Ends them one after the other. */
function drained(queue: EndQueue<Ending>, closed: Set<Ending>): string[] {
  const order: string[] = [];
  for (let next = queue.first; next !== undefined; next = queue.first) {
    order.push(`${next.endMs}: ${next.slot}.${next.offset}`);
    closed.add(next);
  }
  return order;
}

test('without sessions nothing ends', () => {
  expect(stage().queue.first).toBeUndefined();
});

test('the first is the one that ends first, in whatever order they were added', () => {
  const { queue, closed, add } = stage();
  for (const endMs of [50, 20, 90, 10, 70, 30]) add(endMs, endMs);
  const inOrder = [10, 20, 30, 50, 70, 90].map((endMs) => `${endMs}: ${endMs}.0`);
  expect(drained(queue, closed)).toEqual(inOrder);
});

test('of those that end together, the one that was opened first goes first', () => {
  // Every replica ends them in the same order, whichever was used last.
  const { queue, closed, add } = stage();
  add(10, 3, 1);
  add(10, 2, 9);
  add(10, 3, 0);
  expect(drained(queue, closed)).toEqual(['10: 2.9', '10: 3.0', '10: 3.1']);
});

test('one that was used meanwhile ends when it ends now', () => {
  const { queue, closed, add } = stage();
  const used = add(10, 1);
  add(20, 2);
  add(30, 3);
  used.endMs = 25;
  expect(queue.first?.slot).toBe(2);
  expect(drained(queue, closed)).toEqual(['20: 2.0', '25: 1.0', '30: 3.0']);
});

test('one that was used until just when another ends comes in the order of their names', () => {
  const { queue, closed, add } = stage();
  add(20, 2);
  const used = add(10, 1);
  used.endMs = 20;
  expect(drained(queue, closed)).toEqual(['20: 1.0', '20: 2.0']);
});

test('closed ones are passed over', () => {
  const { queue, closed, add } = stage();
  const all = [10, 20, 30].map((endMs) => add(endMs, endMs));
  closed.add(all[0] as Ending);
  closed.add(all[1] as Ending);
  expect(queue.first).toBe(all[2]);
  closed.add(all[2] as Ending);
  expect(queue.first).toBeUndefined();
});

test('many sessions, used again and again, end in the order of their ends', () => {
  const { queue, closed, add } = stage();
  const all = Array.from({ length: 500 }, (_, i) => add((i * 7_919) % 1_009, i + 1));
  for (const [i, one] of all.entries()) if (i % 3 === 0) one.endMs += (i * 104_729) % 997;
  const wanted = [...all].sort((a, b) => a.endMs - b.endMs || a.slot - b.slot);
  const order = wanted.map(({ endMs, slot }) => `${endMs}: ${slot}.0`);
  expect(drained(queue, closed)).toEqual(order);
});
