import type { Effect } from '../../src/paxos/effect.ts';
import type { Input } from '../../src/paxos/input.ts';
import type { Message } from '../../src/paxos/messages.ts';
import { type Restored, restoredEmpty } from '../../src/paxos/protocol.ts';
import { Replica } from '../../src/paxos/replica.ts';
import {
  ballot,
  group,
  heldOf,
  only,
  phase1b,
  sentOf,
  settingsOf,
  type Tuning,
} from './fixture.ts';

export const of = ballot(1, 1);

/** A replica of a new group, or what is left of one, and how to speak to it. */
export function replica(
  id = 1,
  restored: Partial<Restored> = {},
  tuning: Tuning = {},
  members = 3,
) {
  const settings = settingsOf(id, tuning);
  const r = new Replica(group(members), { ...restoredEmpty, ...restored }, settings, 0);
  const step = (input: Input, nowMs = 0) => r.step(input, nowMs);
  const hear = (from: number, message: Message, nowMs = 0) =>
    step({ kind: 'message', from, message }, nowMs);
  return { r, step, hear };
}

/** Replica 1, leading in ballot 1.1 with the promise of 2. */
export function leader(tuning: Tuning = {}, firstSlot = 1) {
  const b = replica(1, {}, tuning);
  const effects = b.step({ kind: 'stand' });
  for (const own of heldOf(effects, 1)) b.hear(1, own);
  b.hear(2, phase1b(of, { firstSlot, decidedThrough: firstSlot - 1 }));
  return b;
}

/** 2 answers every heartbeat among these effects. */
export function answerAll(
  hear: ReturnType<typeof replica>['hear'],
  effects: readonly Effect[],
  nowMs = 0,
): readonly Effect[] {
  return only(sentOf(effects, 2), 'heartbeat').flatMap(({ ballot: b, round }) =>
    hear(2, { kind: 'heartbeat-answer', ballot: b, round, executedThrough: 0, full: false }, nowMs),
  );
}
