import { expect, test } from 'vitest';
import { Lease, leaseMsMin, leaseUsableMs, suspendMarginMs } from './lease.ts';
import { Quorum } from './quorum.ts';
import { group } from '../../test/paxos/fixture.ts';

const terms = { forMs: 210, drift: 0.05 };
/** 210 × 0.95 / 1.05, less the margin. */
const usableMs = 190 - suspendMarginMs;
const leaseOf = (members: number) => new Lease(1, new Quorum(group(members)), terms);

test('both clocks may be wrong by the drift, and a suspend may have gone unnoticed', () => {
  expect(leaseUsableMs(terms)).toBeCloseTo(usableMs, 9);
});

test('it is held from a quorum’s grants on, counted from when the heartbeats left', () => {
  const lease = leaseOf(3);
  expect(lease.isHeld(1_000)).toBe(false);
  lease.onGrant(2, 1_000);
  expect(lease.isHeld(1_000 + usableMs - 0.001)).toBe(true);
  expect(lease.isHeld(1_000 + usableMs + 0.001)).toBe(false);
});

test('the oldest of what a quorum has granted newest decides', () => {
  // Of five: itself and two others. Others count for nothing, nor does one of them twice.
  const lease = leaseOf(5);
  lease.onGrant(2, 3_000);
  lease.onGrant(2, 3_000);
  expect(lease.isHeld(3_000)).toBe(false);
  lease.onGrant(3, 2_900);
  expect(lease.isHeld(2_900 + usableMs - 1)).toBe(true);
  expect(lease.isHeld(2_900 + usableMs + 1)).toBe(false);
  lease.onGrant(4, 1_000);
  expect(lease.isHeld(2_900 + usableMs + 1)).toBe(false);
  lease.onGrant(4, 3_100);
  expect(lease.isHeld(3_000 + usableMs - 1)).toBe(true);
});

test('a late grant takes no newer one back', () => {
  const lease = leaseOf(3);
  lease.onGrant(2, 2_000);
  lease.onGrant(2, 1_000);
  expect(lease.isHeld(2_000)).toBe(true);
});

test('whoever is no voter grants nothing', () => {
  const lease = leaseOf(3);
  lease.onGrant(9, 2_000);
  expect(lease.isHeld(2_000)).toBe(false);
});

test('given up it is gone for good, and asks for nothing more', () => {
  const lease = leaseOf(3);
  lease.onGrant(2, 2_000);
  expect(lease.askedMs).toBe(210);
  lease.giveUp();
  lease.onGrant(3, 2_050);
  expect([lease.isHeld(2_000), lease.askedMs]).toEqual([false, 0]);
});

test('without terms there is none', () => {
  const lease = new Lease(1, new Quorum(group(3)), undefined);
  for (const id of [2, 3]) lease.onGrant(id, 2_000);
  expect([lease.isHeld(2_000), lease.askedMs]).toEqual([false, 0]);
});

test('a group of one needs nobody’s grant', () => {
  const lease = leaseOf(1);
  expect(lease.isHeld(1_000)).toBe(true);
  lease.giveUp();
  expect(lease.isHeld(1_000)).toBe(false);
});

test('the shortest lease of use outlives the heartbeat after the one that asked for it', () => {
  const timings = { heartbeatMs: 50, tickMs: 10 };
  const forMs = leaseMsMin(0.05, timings);
  expect(leaseUsableMs({ forMs, drift: 0.05 })).toBeGreaterThanOrEqual(60);
  expect(leaseUsableMs({ forMs: forMs - 1, drift: 0.05 })).toBeLessThan(60);
});
