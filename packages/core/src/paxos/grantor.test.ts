import { expect, test } from 'vitest';
import { zeroBallot } from './ballot.ts';
import { Grantor } from './grantor.ts';
import { Outbox } from './outbox.ts';
import { ballot, heartbeat, heldOf, recordsOf } from '../../test/paxos/fixture.ts';

/** Replica 3, at time 1,000. */
function grantor(leaseMs = 0) {
  const g = new Grantor({ self: 3, electionTimeoutMsMin: 300, leaseMs, nowMs: 1_000 });
  const out = new Outbox();
  /** What it says to a heartbeat of `of`, and what it writes. */
  const heard = (of = ballot(1, 1), ms = 250, nowMs = 1_000, round = 7) => {
    g.onHeartbeat(heartbeat(of, { leaseMs: ms, round }), nowMs, out);
    const effects = out.take();
    return { grants: heldOf(effects, of.proposer), records: recordsOf(effects) };
  };
  return { g, heard };
}

test('while what it granted lasts it is free for nobody else, itself included', () => {
  const { g, heard } = grantor();
  heard();
  for (const id of [2, 3]) {
    expect(g.isFree(id, 1_249.9)).toBe(false);
    expect(g.isFree(id, 1_250)).toBe(true);
  }
});

test('the leader that it granted it to may stand again', () => {
  // It gives its lease up when it does.
  const { g, heard } = grantor();
  heard();
  expect(g.isFree(1, 1_000)).toBe(true);
});

test('every heartbeat makes it last longer, an earlier end never comes back', () => {
  const { g, heard } = grantor();
  heard(ballot(1, 1), 250, 1_100);
  heard(ballot(1, 1), 200, 1_110);
  expect([g.isFree(2, 1_349), g.isFree(2, 1_350)]).toEqual([false, true]);
});

test('a grant leaves with the first record of so long a lease, and behind it ever after', () => {
  const { heard } = grantor();
  const grant = { kind: 'grant', ballot: ballot(1, 1), round: 7 };
  expect(heard()).toEqual({ grants: [grant], records: [{ kind: 'lease', leaseMs: 250 }] });
  expect(heard()).toEqual({ grants: [grant], records: [] });
  expect(heard(ballot(1, 1), 200).records).toEqual([]);
  expect(heard(ballot(1, 1), 251).records).toEqual([{ kind: 'lease', leaseMs: 251 }]);
});

test('what the log remembers is not written again', () => {
  const { heard } = grantor(250);
  expect(heard().records).toEqual([]);
  expect(heard().grants).toHaveLength(1);
});

test('nothing is granted that was not asked for, nor what keeps everybody from standing', () => {
  const { g, heard } = grantor();
  for (const ms of [0, 300, 2 ** 32 - 1]) {
    expect(heard(ballot(1, 1), ms)).toEqual({ grants: [], records: [] });
  }
  expect(g.isFree(2, 1_000)).toBe(true);
});

test('a deposed leader gets nothing, and takes nothing from the one that it granted it to', () => {
  // This replica need not have promised the higher ballot to know that it leads.
  const { g, heard } = grantor();
  heard(ballot(5, 2), 250, 1_000);
  expect(heard(ballot(1, 1), 250, 1_100).grants).toEqual([]);
  expect([g.isFree(1, 1_249), g.isFree(2, 1_249), g.isFree(1, 1_250)]).toEqual([false, true, true]);
});

test('a later leader gets it instead: that it leads shows that the earlier lease is over', () => {
  const { g, heard } = grantor();
  heard(ballot(1, 1), 250, 1_000);
  expect(heard(ballot(5, 2), 200, 1_010).grants).toHaveLength(1);
  expect([g.isFree(2, 1_100), g.isFree(1, 1_100)]).toEqual([true, false]);
  expect([g.isFree(1, 1_249), g.isFree(1, 1_250)]).toEqual([false, true]);
});

test('a release frees from the lease of that very ballot, and no other', () => {
  const { g, heard } = grantor();
  heard(ballot(2, 1));
  for (const other of [ballot(1, 1), ballot(3, 1), ballot(2, 2), zeroBallot]) {
    g.release(other);
    expect(g.isFree(2, 1_000)).toBe(false);
  }
  g.release(ballot(2, 1));
  expect(g.isFree(2, 1_000)).toBe(true);
});

test('a release of one ballot is not honoured in the next', () => {
  const { g, heard } = grantor();
  heard(ballot(1, 1));
  heard(ballot(2, 1));
  g.release(ballot(1, 1));
  expect(g.isFree(2, 1_249)).toBe(false);
});

test('whoever starts again waits for what it may have granted, to whomever', () => {
  const { g } = grantor(250);
  for (const id of [1, 2, 3]) {
    expect(g.isFree(id, 1_249)).toBe(false);
    expect(g.isFree(id, 1_250)).toBe(true);
  }
});

test('what it grants after its start does not shorten that wait', () => {
  // The leader that it hears now need not be the one that it granted a lease to.
  const { g, heard } = grantor(250);
  heard(ballot(1, 1), 100, 1_000);
  g.release(ballot(1, 1));
  expect([g.isFree(1, 1_249), g.isFree(2, 1_249)]).toEqual([false, false]);
});
