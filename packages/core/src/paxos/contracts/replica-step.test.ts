import { type Clauses, clauseHolds } from '@rsl/contracts';
import { expect, test } from 'vitest';
import {
  ballot,
  batch,
  group,
  heartbeat,
  phase2a,
  settingsOf,
} from '../../../test/paxos/fixture.ts';
import type { Effect } from '../effect.ts';
import { type Moment, momentOf } from '../invariants.ts';
import type { LogRecord } from '../log-record.ts';
import type { VolatileMessage } from '../messages.ts';
import { restoredEmpty } from '../protocol.ts';
import { Replica } from '../replica.ts';
import { type ReplicaStep, stepClauses } from './replica-step.ts';

// Each clause of the table is shown to fail: a step that breaks it, beside one that breaks nothing.

const membership = group(3);
const restored = { ...restoredEmpty, promised: ballot(4, 2), firstSlot: 3, decidedThrough: 5 };
const voter = new Replica(membership, restored, settingsOf(1), 0);
const stranger = new Replica(group(3, { members: [] }), restored, settingsOf(1), 0);
const value = batch('x');

const step = (
  effects: readonly Effect[],
  before: Partial<Moment> = {},
  after: Replica = voter,
): ReplicaStep => ({ before: { ...momentOf(after), ...before }, after, effects, nowMs: 0 });

/** It has granted a lease of 250 ms to 2, until `untilMs`. */
const granted = (untilMs: number, rememberedMs = 250) => ({
  lease: { ballot: ballot(4, 2), untilMs, rememberedMs },
});
const granting = (round: number): Effect => ({
  kind: 'persist',
  records: [],
  then: [{ to: 2, message: { kind: 'grant', ballot: ballot(round, 2), round: 1 } }],
});

const writing = (record: LogRecord): Effect => ({ kind: 'persist', records: [record], then: [] });
const sending = (message: VolatileMessage): Effect => ({ kind: 'send', to: 2, message });
const executing = (slot: number): Effect => ({ kind: 'execute', slot, value, membership });
const voting = (round: number): Effect =>
  writing({ kind: 'vote', slot: 6, vote: { ballot: ballot(round, 2), value } });

test('a step as it should be breaks nothing', () => {
  const fine = [
    step([]),
    step([voting(4)]),
    step([executing(5)], { releasedThrough: 4 }),
    step([writing({ kind: 'decided-through', slot: 5 })]),
    step([writing({ kind: 'promise', ballot: ballot(5, 2) })], granted(1, 0)),
    step([writing({ kind: 'promise', ballot: ballot(5, 3) })], granted(0, 0)),
    step([granting(4)]),
  ];
  for (const each of fine) {
    for (const [name, clause] of Object.entries(stepClauses as Clauses<ReplicaStep>)) {
      expect(clauseHolds(clause, each), name).toBe(true);
    }
  }
});

const broken = {
  'step-1 slots are released one after the other, each once (P7)': step([executing(7)]),
  'step-2 what is released is handed to the state machine, all of it (P7)': step([executing(5)], {
    releasedThrough: 3,
  }),
  'step-3 a vote is written only in a ballot at or above the promise (P1)': step([voting(3)]),
  'step-4 a promise is written only above the one before (P1)': step([
    writing({ kind: 'promise', ballot: ballot(4, 2) }),
  ]),
  'step-5 what raises the promise is written in the same step (P2)': step([], {
    promised: ballot(3, 1),
  }),
  'step-6 decided-through never passes what is released (P11)': step([
    writing({ kind: 'decided-through', slot: 6 }),
  ]),
  'step-7 a decided record is of a slot that is decided here (P11)': step([
    writing({ kind: 'decided', slot: 6, value }),
  ]),
  'step-8 nobody is told of a decision beyond what is released here (P8)': step([
    sending(heartbeat(ballot(4, 2), { decidedThrough: 6 })),
  ]),
  'step-9 values are proposed only by a leader, in its ballot, from its base on (P4)': step([
    sending(phase2a(ballot(4, 2), 6, 'x')),
  ]),
  'step-10 whoever has no vote here says nothing that counts as one (S2)': step(
    [sending(heartbeat(ballot(4, 1)))],
    {},
    stranger,
  ),
  'step-11 a store without a vote here writes no promise and no vote (S2)': step(
    [voting(4)],
    {},
    stranger,
  ),
  'step-12 learners are served from the released prefix only (R1)': step([
    {
      kind: 'serve',
      to: 2,
      fromSlot: 2,
      through: 5,
      bytesMax: 1,
      firstSlot: 3,
      decidedThrough: 5,
    },
  ]),
  'step-13 only executed slots are cut from the log': step([{ kind: 'truncate-log', before: 7 }]),
  'step-14 a leader is announced when it leads, in its ballot': step([
    { kind: 'leading', ballot: ballot(4, 1) },
  ]),
  'step-15 recovered means executed through the barrier (Q1)': step(
    [{ kind: 'recovered', ballot: ballot(4, 1) }],
    {},
    behind(),
  ),
  'step-16 nothing is proposed once the stop is released (R9)': step([voting(4)], { stoppedAt: 5 }),
  'step-17 a heartbeat is answered only while nothing above its ballot is promised (Q1)': step([
    sending({
      kind: 'heartbeat-answer',
      ballot: ballot(4, 1),
      round: 1,
      executedThrough: 5,
      full: false,
    }),
  ]),
  'step-18 a nack tells a promise above the ballot that it refuses (P1)': step([
    sending({ kind: 'nack', ballot: ballot(4, 2), promised: ballot(4, 2) }),
  ]),
  'step-19 a read is granted by a leader only, at its barrier or later (Q1)': step([
    sending({ kind: 'read-answer', number: 1, slot: 5 }),
  ]),
  'step-20 values go to others, each slot once to each in a step (P3)': step([
    sending(phase2a(ballot(4, 2), 6, 'x')),
    sending(phase2a(ballot(4, 2), 6, 'x')),
  ]),
  'step-21 recovered is said once in a ballot, by its leader (Q1)': step([
    { kind: 'recovered', ballot: ballot(4, 2) },
  ]),
  'step-22 nobody is promised against a lease that was granted, itself included (Q2)': step(
    [writing({ kind: 'promise', ballot: ballot(5, 3) })],
    granted(1),
    granter(),
  ),
  'step-23 a lease is granted only while nothing above its ballot is promised (Q2)': step([
    granting(3),
  ]),
  'step-24 a lease is written before it is granted, if it is the longest so far (Q2, P2)': step(
    [granting(4)],
    granted(-Infinity, 0),
    granter(),
  ),
} satisfies Record<keyof typeof stepClauses, ReplicaStep>;

/** It has granted 250 ms to 2. */
function granter(): Replica {
  const r = new Replica(membership, restored, settingsOf(1), 0);
  const message = heartbeat(ballot(4, 2), { leaseMs: 250, round: 1 });
  r.step({ kind: 'message', from: 2, message }, 0);
  return r;
}

/** It has released slot 1 and heard nothing of its execution; it leads, so its barrier is 1. */
function behind(): Replica {
  const alone = new Replica(group(1), restoredEmpty, settingsOf(1), 0);
  const own = (effects: readonly Effect[]): void => {
    for (const effect of effects) {
      if (effect.kind !== 'persist') continue;
      for (const { message } of effect.then)
        own(alone.step({ kind: 'message', from: 1, message }, 0));
    }
  };
  own(alone.step({ kind: 'stand' }, 0));
  own(alone.step({ kind: 'propose', value }, 0));
  own(alone.step({ kind: 'stand' }, 0));
  return alone;
}

test.each(Object.entries<ReplicaStep>(broken))('%s', (name, each) => {
  const clauses: Clauses<ReplicaStep> = stepClauses;
  expect(clauseHolds(clauses[name] as never, each)).toBe(false);
});
