import { expect, test } from 'vitest';
import { ballot, sentOf } from '../../test/paxos/fixture.ts';
import type { ReplicaId } from './membership.ts';
import { HandOver } from './hand-over.ts';
import { Outbox } from './outbox.ts';
import { Progress } from './progress.ts';
import type { Proposer } from './proposer.ts';

const stallMs = 1_000;
const of = ballot(3, 1);

/** A follower whose log owes something since `owedSinceMs`, or nothing. */
function follower(id: ReplicaId, owedSinceMs?: number, through = 5): Progress {
  const progress = new Progress(id, 1, 200, 0);
  progress.on2b(through, 0);
  if (owedSinceMs !== undefined) progress.sent(through + 1, owedSinceMs);
  return progress;
}

/** A leader whose own log has owed it something since time 0, and those who might follow it. */
function stage(followers: readonly Progress[], ownSinceMs = 0) {
  const leader = {
    ballot: of,
    ownOutstandingMs: (nowMs: number) => nowMs - ownSinceMs,
    successors: () => [...followers],
  };
  const handOver = new HandOver(leader as unknown as Proposer, stallMs);
  const offeredTo = (nowMs: number, full = false): readonly ReplicaId[] => {
    const out = new Outbox();
    handOver.onTick(full, nowMs, out);
    const effects = out.take();
    return [2, 3].filter((id) => sentOf(effects, id).some(({ kind }) => kind === 'stand-now'));
  };
  return { handOver, offeredTo };
}

test('nothing is offered before the log has been silent for long', () => {
  const { handOver, offeredTo } = stage([follower(2)]);
  expect(offeredTo(stallMs)).toEqual([]);
  expect(handOver.isOffered(stallMs)).toBe(false);
  expect(offeredTo(stallMs + 1)).toEqual([2]);
  expect(handOver.isOffered(stallMs + 2)).toBe(true);
});

test('a full log is reason enough', () => {
  const { offeredTo } = stage([follower(2)], Infinity);
  expect(offeredTo(10)).toEqual([]);
  expect(offeredTo(10, true)).toEqual([2]);
});

test('the heir is whose log owes least, and of equals whoever has more', () => {
  expect(stage([follower(2, 900), follower(3, 1_000)]).offeredTo(1_100)).toEqual([3]);
  expect(stage([follower(2, undefined, 4), follower(3)]).offeredTo(1_100)).toEqual([3]);
});

test('nobody is an heir whose log is no better, or full', () => {
  const full = follower(3);
  full.full = true;
  expect(stage([follower(2, 100), full]).offeredTo(1_100)).toEqual([]);
});

test('offers come ever more rarely, and no more often than once a minute in the end (L6)', () => {
  const { offeredTo } = stage([follower(2)]);
  const offers: number[] = [];
  for (let nowMs = 0; nowMs < 400_000; nowMs += 100) if (offeredTo(nowMs)[0]) offers.push(nowMs);
  const pauses = offers.slice(1).map((at, i) => at - (offers[i] ?? 0));
  expect(pauses.slice(0, 4)).toEqual([1_000, 2_000, 4_000, 8_000]);
  expect(Math.max(...pauses)).toBe(60_000);
});
