import { expect, test } from 'vitest';
import { FrameError } from '../errors.ts';
import { Session } from './session.ts';
import { sessionLimits } from './session-limits.ts';

const { resultOverheadBytes, sessionWindowMax } = sessionLimits;
const name = { slot: 7, offset: 2 };
const session = (): Session => new Session(name, 1_000, 50);
const result = (bytes: number): Uint8Array => new Uint8Array(bytes);

function executed(one: Session, sequence: number, bytes: Uint8Array | undefined = result(1)): void {
  one.begin(sequence);
  one.finish(sequence, bytes);
}

test('it is named by where it was opened, and ends its time-out after its last use', () => {
  const one = session();
  expect(one.id).toBe('7.2');
  expect(one.endMs).toBe(1_050);
  one.usedMs = 400;
  expect(one.endMs).toBe(1_400);
});

test('a sequence is new, then executed with the very result, then gone', () => {
  const one = session();
  expect(one.standingOf(1)).toBe('new');
  one.begin(1);
  expect(one.standingOf(1), 'while it executes').toBe('executed');
  expect(one.resultOf(1)).toBeUndefined();
  const bytes = result(5);
  expect(one.finish(1, bytes)).toBe(5 + resultOverheadBytes);
  expect(one.standingOf(1)).toBe('executed');
  expect(one.resultOf(1)).toBe(bytes);
  expect(one.acknowledge(1)).toBe(5 + resultOverheadBytes);
  expect(one.standingOf(1)).toBe('gone');
  expect(one.resultOf(1)).toBeUndefined();
});

test('a lower sequence that has not executed is new, whatever executed above it (P9)', () => {
  // Commands overtake each other when a leader changes: the highest one executed says nothing.
  const one = session();
  executed(one, 5);
  for (const sequence of [1, 2, 3, 4]) expect(one.standingOf(sequence)).toBe('new');
  executed(one, 2);
  expect([...one.executed()].map(([sequence]) => sequence)).toEqual([2, 5]);
  expect(one.standingOf(3)).toBe('new');
  expect(one.through).toBe(5);
});

test('what is acknowledged is gone for ever, executed or not', () => {
  const one = session();
  executed(one, 3);
  one.acknowledge(10);
  for (const sequence of [1, 3, 10]) expect(one.standingOf(sequence)).toBe('gone');
  expect(one.standingOf(11)).toBe('new');
  expect(one.through).toBe(10);
  expect(one.acknowledge(4), 'less than before').toBe(0);
  expect(one.acknowledged).toBe(10);
});

test('sessionWindowMax sequences may be open above what is acknowledged, and no more', () => {
  const one = session();
  expect(one.standingOf(sessionWindowMax)).toBe('new');
  expect(one.standingOf(sessionWindowMax + 1)).toBe('refused');
  executed(one, sessionWindowMax);
  one.acknowledge(1);
  expect(one.standingOf(sessionWindowMax)).toBe('executed');
  expect(one.standingOf(sessionWindowMax + 1)).toBe('new');
  expect(one.standingOf(sessionWindowMax + 2)).toBe('refused');
});

test('a whole window executes in any order, and each result stays its own', () => {
  const one = session();
  const order = Array.from({ length: sessionWindowMax }, (_, i) => i + 1);
  // Far apart first, so that the ring grows with holes in it.
  const mixed = order.map((_, i) => 1 + ((i * 1_777) % sessionWindowMax));
  expect(new Set(mixed).size).toBe(sessionWindowMax);
  for (const s of mixed) executed(one, s, new Uint8Array([s & 255, s >> 8]));
  expect(order.every((s) => one.standingOf(s) === 'executed')).toBe(true);
  const found = order.map((s) => [...(one.resultOf(s) ?? [])]);
  expect(found).toEqual(order.map((s) => [s & 255, s >> 8]));
  expect(one.bytes).toBe(sessionWindowMax * (2 + resultOverheadBytes));
  one.acknowledge(sessionWindowMax);
  expect(one.bytes).toBe(0);
  // The ring is small again, and of the old sequences nothing is in it.
  const next = order.slice(0, 20).map((s) => s + sessionWindowMax);
  expect(next.every((s) => one.standingOf(s) === 'new')).toBe(true);
});

test('a result that is not known here leaves the sequence executed, and takes no bytes', () => {
  const one = session();
  one.begin(1);
  expect(one.finish(1, undefined)).toBe(0);
  expect(one.standingOf(1)).toBe('gone');
  expect([...one.executed()]).toEqual([[1, undefined]]);
});

test('forgotten results leave their sequences executed', () => {
  const one = session();
  executed(one, 1, result(10));
  executed(one, 3, result(20));
  one.begin(4);
  expect(one.forgetResults()).toBe(30 + 2 * resultOverheadBytes);
  expect(one.bytes).toBe(0);
  expect([1, 2, 3].map((s) => one.standingOf(s))).toEqual(['gone', 'new', 'gone']);
  // What executes just now finishes all the same.
  expect(one.finish(4, result(1))).toBe(1 + resultOverheadBytes);
  expect(one.resultOf(4)).toHaveLength(1);
});

test('acknowledged while it executes, it keeps nothing', () => {
  const one = session();
  one.begin(1);
  one.begin(2);
  one.acknowledge(1);
  expect(one.finish(1, result(9))).toBe(0);
  expect(one.bytes).toBe(0);
  expect(one.finish(2, result(9))).toBe(9 + resultOverheadBytes);
  expect(one.standingOf(1)).toBe('gone');
});

test('sequences near 2^53 are told apart', () => {
  const one = session();
  const high = Number.MAX_SAFE_INTEGER - 10;
  one.acknowledge(high);
  executed(one, high + 3, Uint8Array.of(3));
  executed(one, high + 1, Uint8Array.of(1));
  expect([...one.executed()]).toEqual([
    [high + 1, Uint8Array.of(1)],
    [high + 3, Uint8Array.of(3)],
  ]);
  expect(one.standingOf(high + 2)).toBe('new');
});

test('a saved session comes back in order, within its window, or not at all', () => {
  const one = session();
  one.acknowledge(5);
  one.restore(7, result(3));
  one.restore(9, undefined);
  expect([6, 7, 8, 9].map((s) => one.standingOf(s))).toEqual(['new', 'executed', 'new', 'gone']);
  expect(one.bytes).toBe(3 + resultOverheadBytes);
  for (const wrong of [5, 7, 9, 8, 5 + sessionWindowMax + 1]) {
    expect(() => one.restore(wrong, undefined), String(wrong)).toThrowError(FrameError);
  }
  one.restore(5 + sessionWindowMax, undefined);
  expect(one.standingOf(5 + sessionWindowMax)).toBe('gone');
});
