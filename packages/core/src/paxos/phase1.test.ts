import { expect, test } from 'vitest';
import { Phase1 } from './phase1.ts';
import { Quorum } from './quorum.ts';
import { ballot, decided, group, lost, phase1b, textOf, voted } from '../../test/paxos/fixture.ts';

const of = ballot(9, 1);
const phase1 = (members = 3, floor = 1) => new Phase1(of, new Quorum(group(members)), floor);
const b = (round: number) => ballot(round, 2);
const textsOf = (p: Phase1) => p.adoption(0)?.values.map(textOf);

test('a quorum of whole promises is needed', () => {
  const p = phase1();
  expect(p.on1b(1, phase1b(of))).toBe(true);
  expect(p.on1b(1, phase1b(of))).toBe(false);
  expect(p.adoption(0)).toBeUndefined();
  expect(p.nextSlotOf(2)).toBe(1);
  expect(p.on1b(2, phase1b(of, { reported: [lost(3, b(1))], nextSlot: 4 }))).toBe(true);
  expect(p.nextSlotOf(2)).toBe(4);
  expect(p.adoption(0)).toBeUndefined();
  expect(p.on1b(2, phase1b(of, { fromSlot: 4, decidedThrough: 3 }))).toBe(true);
  expect(p.nextSlotOf(2)).toBeUndefined();
  expect(p.adoption(0)).toEqual({ base: 4, values: [], decided: new Map() });
});

test('whoever is no voter makes no quorum', () => {
  const p = phase1();
  for (const id of [1, 8, 9]) p.on1b(id, phase1b(of));
  expect(p.adoption(0)).toBeUndefined();
});

test('per slot: decided, else the vote of the highest ballot, else a no-op', () => {
  const p = phase1(5);
  p.on1b(1, phase1b(of, { reported: [voted(1, b(3), 'new'), voted(2, b(9), 'x')] }));
  p.on1b(2, phase1b(of, { reported: [voted(1, b(2), 'old'), decided(2, 'd'), decided(4, 'e')] }));
  p.on1b(3, phase1b(of, { reported: [voted(2, b(10), 'y'), voted(4, b(8), 'z')] }));
  const adoption = p.adoption(0);
  expect(adoption?.values.map(textOf)).toEqual(['new', 'd', '(no-op)', 'e']);
  expect([...(adoption?.decided.keys() ?? [])]).toEqual([2, 4]);
  expect(adoption?.base).toBe(1);
});

test('nothing below what anybody released or truncated is proposed', () => {
  // By whoever says so, also in the first part of a promise that never becomes whole (R7).
  for (const floor of [{ firstSlot: 4 }, { decidedThrough: 3 }]) {
    const p = phase1(5);
    p.on1b(1, phase1b(of, { reported: [voted(2, b(1), 'x'), voted(5, b(1), 'y')] }));
    p.on1b(2, phase1b(of));
    p.on1b(3, phase1b(of));
    p.on1b(4, phase1b(of, { ...floor, reported: [voted(4, b(1), 'z')], nextSlot: 6 }));
    expect(p.adoption(0)).toMatchObject({ base: 4 });
    expect(textsOf(p)).toEqual(['(no-op)', 'y']);
  }
});

test('the floor of the proposer itself is the least', () => {
  const p = phase1(3, 6);
  p.on1b(1, phase1b(of, { fromSlot: 6, reported: [voted(2, b(1), 'x')] }));
  p.on1b(2, phase1b(of, { fromSlot: 6 }));
  expect(p.adoption(0)).toMatchObject({ base: 6, values: [] });
});

test('a part behind a gap, or told before, tells nothing', () => {
  // The slot between might be the one that matters (P4).
  const p = phase1();
  p.on1b(1, phase1b(of));
  const rest = phase1b(of, { fromSlot: 3, reported: [voted(3, b(1), 'z')] });
  const first = phase1b(of, { reported: [voted(1, b(1), 'x')], nextSlot: 2 });
  expect(p.on1b(2, rest)).toBe(false);
  expect(p.on1b(2, first)).toBe(true);
  expect(p.on1b(2, first)).toBe(false);
  expect(p.on1b(2, rest)).toBe(false);
  expect(p.adoption(0)).toBeUndefined();
  const second = phase1b(of, { fromSlot: 2, reported: [voted(2, b(1), 'y')], nextSlot: 3 });
  expect([p.on1b(2, second), p.on1b(2, rest)]).toEqual([true, true]);
  expect(textsOf(p)).toEqual(['x', 'y', 'z']);
});

test('what was released meanwhile is below the base', () => {
  const p = phase1();
  p.on1b(1, phase1b(of, { reported: [voted(1, b(1), 'x'), voted(3, b(1), 'y')] }));
  p.on1b(2, phase1b(of));
  expect(p.adoption(2)).toMatchObject({ base: 3, decided: new Map() });
});

test('a lost vote needs another that covers it, or another member', () => {
  // S3: by the same ballot, a higher one, or a decision.
  const cases = [
    { by: voted(1, b(4), 'x'), adopted: ['x'] },
    { by: voted(1, b(5), 'x'), adopted: ['x'] },
    { by: decided(1, 'x'), adopted: ['x'] },
    { by: voted(1, b(3), 'x'), adopted: undefined },
    { by: voted(2, b(9), 'x'), adopted: undefined },
    { by: lost(1, b(9)), adopted: undefined },
  ];
  for (const { by, adopted } of cases) {
    for (const order of [
      [2, 3],
      [3, 2],
    ]) {
      const p = phase1(5);
      p.on1b(1, phase1b(of));
      for (const id of order)
        p.on1b(id, phase1b(of, { reported: [id === 2 ? lost(1, b(4)) : by] }));
      expect(textsOf(p)).toEqual(adopted);
    }
  }
});

test('with a quorum besides, a lost vote is passed over', () => {
  // Three of five without it. What they report is proposed; if nothing, a no-op.
  for (const reported of [[], [voted(1, b(2), 'low')]]) {
    const p = phase1(5);
    p.on1b(1, phase1b(of, { reported: [lost(1, b(4))] }));
    p.on1b(2, phase1b(of, { reported }));
    p.on1b(3, phase1b(of));
    expect(p.adoption(0)).toBeUndefined();
    p.on1b(4, phase1b(of));
    expect(textsOf(p)).toEqual([reported.length === 0 ? '(no-op)' : 'low']);
  }
});

test('a lost vote of a slot that is decided elsewhere does not matter', () => {
  const p = phase1();
  p.on1b(1, phase1b(of, { reported: [lost(1, b(4))] }));
  p.on1b(2, phase1b(of, { decidedThrough: 1 }));
  expect(p.adoption(0)).toMatchObject({ base: 2, values: [] });
});

test.runIf(CONTRACTS)('promises of another ballot are not for it', () => {
  expect(() => phase1().on1b(2, phase1b(ballot(8, 1)))).toThrow('promise-1');
});
