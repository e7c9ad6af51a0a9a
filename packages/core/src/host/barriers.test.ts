import { expect, test } from 'vitest';
import { defaultLimits } from '../limits.ts';
import { Barriers } from './barriers.ts';

const barriers = (pendingReadsMax = 100) => new Barriers({ ...defaultLimits, pendingReadsMax });

/** What a promise has come to by now: its value, the code of its error, or `waits`. */
const nowOf = (promise: Promise<number>): Promise<unknown> =>
  Promise.race([
    promise.catch((error: { readonly code: string }) => error.code),
    Promise.resolve().then(() => Promise.resolve('waits')),
  ]);

test('a read at least at a slot resolves when that very slot is executed', async () => {
  const all = barriers();
  const [five, six] = [
    all.addAtLeast(5, 1_000, undefined),
    all.addAtLeast(6, 1_000, undefined),
  ] as const;
  all.executed(4);
  expect([await nowOf(five), all.waiting]).toEqual(['waits', 2]);
  all.executed(5);
  expect([await nowOf(five), await nowOf(six), all.waiting]).toEqual([5, 'waits', 1]);
  all.executed(6);
  expect([await nowOf(six), all.waiting]).toEqual([6, 0]);
});

test('it asks nothing of the protocol', () => {
  // A leader is not needed for it, nor a vote.
  const all = barriers();
  void all.addAtLeast(5, 1_000, undefined);
  expect(all.take()).toBeUndefined();
});

test('at its deadline it says which slot was not reached', async () => {
  const all = barriers();
  const read = all.addAtLeast(5, 1_000, undefined);
  all.expire(999);
  expect(await nowOf(read)).toBe('waits');
  all.expire(1_000);
  expect(await nowOf(read)).toBe('RSL_SLOT_NOT_REACHED');
  await expect(read).rejects.toMatchObject({ slot: 5, outcome: 'none' });
  const leaderless = all.add(1_000, undefined);
  all.expire(1_000);
  expect(await nowOf(leaderless)).toBe('RSL_NOT_LEADER');
  expect([all.waiting, all.slots]).toEqual([0, 0]);
});

test('both kinds of reads share one bound, and whoever gives up makes room', async () => {
  const all = barriers(2);
  const stop = new AbortController();
  const far = all.addAtLeast(2 ** 40, 1_000, stop.signal);
  void all.add(1_000, undefined);
  const refused = all.addAtLeast(5, 1_000, undefined);
  await expect(refused).rejects.toMatchObject({ code: 'RSL_OVERLOADED', limit: 'pendingReadsMax' });
  stop.abort();
  await expect(far).rejects.toMatchObject({ code: 'RSL_ABORTED' });
  expect(all.slots).toBe(0);
  expect(await nowOf(all.addAtLeast(5, 1_000, undefined))).toBe('waits');
  const late = all.addAtLeast(5, 1_000, stop.signal);
  await expect(late).rejects.toMatchObject({ code: 'RSL_OVERLOADED' });
  expect(all.waiting).toBe(2);
});

test('whoever has given up is not answered when its slot comes', async () => {
  const all = barriers();
  const stop = new AbortController();
  const reads = [all.addAtLeast(5, 1_000, stop.signal), all.addAtLeast(5, 1_000, undefined)];
  stop.abort();
  all.executed(5);
  await expect(reads[0]).rejects.toMatchObject({ code: 'RSL_ABORTED' });
  expect(await reads[1]).toBe(5);
  expect(all.waiting).toBe(0);
});

test('when the replica ends, all are told', async () => {
  const all = barriers();
  const read = all.addAtLeast(5, 1_000, undefined);
  all.closeAll(undefined);
  await expect(read).rejects.toMatchObject({ code: 'RSL_CLOSED' });
  expect(all.waiting).toBe(0);
});
