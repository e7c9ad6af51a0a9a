import { expect, test } from 'vitest';
import { Bench } from './bench.ts';
import { ballot } from './fixture.ts';

const stallMs = 1_000;

/** Leader 1 of three, with the first slots decided. */
function led(): Bench {
  const b = new Bench({ timings: { leaderStallMs: stallMs } });
  b.elect(1);
  b.propose(1, 'before');
  b.wait(100);
  return b;
}

/** Commands come in all the time. */
function work(b: Bench, leader: number, ms: number): void {
  for (const endMs = b.nowMs + ms; b.nowMs < endMs; ) {
    if (b.replica(leader).view.role === 'phase2') b.propose(leader, `at ${b.nowMs}`);
    b.wait(50);
  }
}

const leaders = (b: Bench): number[] =>
  [1, 2, 3].filter((id) => b.replica(id).view.role === 'phase2');

test('a leader whose log stalls gives its place to a member whose log keeps up (L3)', () => {
  // The others still decide, so no time-out would ever depose it; but one more slow disk would
  // stop everybody.
  const b = led();
  b.stalled.add(1);
  work(b, 1, stallMs + 500);
  const [heir] = leaders(b);
  expect(leaders(b)).toHaveLength(1);
  expect(heir).not.toBe(1);
  b.propose(heir ?? 0, 'after');
  b.wait(100);
  expect(b.replica(heir ?? 0).executed.at(-1)).toBe('after');
  expect(b.replica(heir ?? 0).executed).toContain('before');
});

test('the heir is one whose own log keeps up', () => {
  const b = new Bench({ replicas: 5, timings: { leaderStallMs: stallMs } });
  b.elect(1);
  for (const id of [1, 2]) b.stalled.add(id);
  work(b, 1, stallMs + 500);
  expect([3, 4, 5]).toContain([1, 2, 3, 4, 5].find((id) => b.replica(id).view.role === 'phase2'));
});

test('if nobody is better off the leader stays', () => {
  // To lead somewhere else would help nobody, and cost everybody an election.
  const b = led();
  for (const id of [1, 2, 3]) b.stalled.add(id);
  work(b, 1, 3 * stallMs);
  expect(b.replica(1).view.role).toBe('phase2');
  expect(b.mail('stand-now')).toEqual([]);
});

test('a leader whose log owes nothing stays, however long nobody proposes', () => {
  const b = led();
  b.stalled.add(1);
  b.wait(5 * stallMs);
  expect(leaders(b)).toEqual([1]);
});

test('it does not stand against its heir', () => {
  // L1 lets a leader with a live quorum go on above whoever disturbs it. Here it asked for it.
  const b = led();
  b.stalled.add(1);
  work(b, 1, stallMs + 500);
  const [heir = 0] = leaders(b);
  const of = b.replica(heir).view.ballot;
  work(b, heir, 3 * stallMs);
  expect(leaders(b)).toEqual([heir]);
  expect(b.replica(heir).view.ballot).toEqual(of);
});

test('an offer that comes to nothing is made again, ever more rarely (L6)', () => {
  const b = led();
  b.stalled.add(1);
  const offers: number[] = [];
  for (let i = 0; i < 200; i += 1) {
    b.propose(1, `${i}`);
    b.nowMs += 50;
    for (const id of [1, 2, 3]) b.tick(id);
    if (b.drop('stand-now') > 0) offers.push(b.nowMs);
    b.settle();
  }
  const pauses = offers.slice(1).map((at, i) => at - (offers[i] ?? 0));
  expect(offers.length).toBeGreaterThan(2);
  expect(pauses.every((pause, i) => i === 0 || pause >= 1.9 * (pauses[i - 1] ?? 0))).toBe(true);
  expect(b.replica(1).view.role).toBe('phase2');
});

test('an offer of an earlier ballot, or of somebody else, moves nobody', () => {
  const b = led();
  const late = ballot(b.replica(1).view.ballot.round - 1, 1);
  b.put(1, 2, { kind: 'stand-now', ballot: late });
  b.put(3, 2, { kind: 'stand-now', ballot: ballot(9, 3) });
  expect(b.replica(2).view.role).toBe('follower');
  b.put(1, 2, { kind: 'stand-now', ballot: b.replica(1).view.ballot });
  expect(b.replica(2).view.role).toBe('phase1');
});

test('a leader without room takes no commands, and hands over to one with room (S5)', () => {
  const b = led();
  b.step(2, { kind: 'storage', full: true });
  b.wait(100);
  b.step(1, { kind: 'storage', full: true });
  expect(b.replica(1).view.room).toBe(0);
  expect(b.step(1, b.replica(1).proposal('refused'))).toMatchObject([{ kind: 'reject' }]);
  b.wait(300);
  expect(leaders(b)).toEqual([3]);
});

test('a full leader stays when all are full, and resumes by itself (S5)', () => {
  const b = led();
  for (const id of [2, 3, 1]) b.step(id, { kind: 'storage', full: true });
  // Their answers may still say what was true before.
  b.drop();
  b.wait(1_000);
  const [leader = 0] = leaders(b);
  for (const id of [1, 2, 3]) b.step(id, { kind: 'storage', full: false });
  b.propose(leader, 'again');
  b.wait(100);
  expect(b.replica(leader).executed.at(-1)).toBe('again');
});
