import type { Effect, Input, Membership, Restored, Slot, Value } from '@rsl/core/protocol';
import { expect, test } from 'vitest';
import { snapshotEngineLayer } from '../../src/layer/engine-layer.ts';
import { completeLayerOptions } from '../../src/layer/layer-options.ts';
import { Stateless } from '../../src/layer/stateless.ts';
import { FakeInner } from './fake-inner.ts';
import { membershipOf } from './world.ts';

const membership = membershipOf([1, 2, 3]);
const ballot = (round: number) => ({ configuration: 1, round, proposer: 1 });
const valueOf = (slot: Slot): Value => ({ bytes: Uint8Array.of(slot), checksum: slot });

/** Its log has the slots 20 to 29, knows those up to 25 to be decided, and one more. */
const restored: Restored = {
  promised: ballot(7),
  votes: new Map([26, 29].map((slot) => [slot, { ballot: ballot(5), value: valueOf(slot) }])),
  decided: new Map([[28, valueOf(28)]]),
  lost: new Map([[27, ballot(4)]]),
  firstSlot: 20,
  decidedThrough: 25,
  leaseMs: 300,
  isStateless: true,
};

class Stage {
  made: Restored | undefined;
  inner: FakeInner | undefined;
  nowMs = 0;
  /** Another slot than it is told to. */
  beginsAt: Slot | undefined;
  readonly layer = new Stateless({
    self: 3,
    make: (_: Membership, after: Restored) => {
      this.made = after;
      this.inner = new FakeInner(membership, this.beginsAt ?? after.decidedThrough, () => ({
        decidedThrough: 0,
        through: () => undefined,
      }));
      return this.inner;
    },
    membership,
    restored,
    keptInputsMax: 10,
  });

  step(input: Input): readonly Effect[] {
    return this.layer.step(input, this.nowMs);
  }

  installs(slot: Slot): readonly Effect[] {
    return this.step({ kind: 'snapshot-installed', slot, membership });
  }

  /** Its own log gives what was asked for. */
  reads(fromSlot: Slot, through: Slot, from = 3): readonly Effect[] {
    const slots = Array.from({ length: through - fromSlot + 1 }, (_, i) => fromSlot + i);
    const known = { firstSlot: fromSlot, decidedThrough: 25 };
    const message = {
      kind: 'learn-reply',
      fromSlot,
      values: slots.map(valueOf),
      ...known,
    } as const;
    return this.step({ kind: 'message', from, message });
  }
}

const kindsOf = (effects: readonly Effect[]) => effects.map(({ kind }) => kind);

test('without a state it answers nobody, and says what it needs', () => {
  const s = new Stage();
  const inputs: Input[] = [
    {
      kind: 'message',
      from: 1,
      message: {
        kind: '1a',
        ballot: ballot(9),
        fromSlot: 1,
        freed: ballot(0),
        cookie: new Uint8Array(),
      },
    },
    { kind: 'message', from: 1, message: { kind: 'learn-request', fromSlot: 21, bytesMax: 100 } },
    { kind: 'message', from: 1, message: { kind: 'may-i', ballot: ballot(9) } },
    { kind: 'stand' },
    { kind: 'read', read: 1 },
    { kind: 'turn-end' },
    { kind: 'truncate', before: 22 },
  ];
  for (const input of inputs) expect(s.step(input), input.kind).toEqual([]);
  expect(s.step({ kind: 'tick' })).toEqual([{ kind: 'behind', need: 19, peer: 3 }]);
  const value = valueOf(1);
  expect(s.step({ kind: 'propose', value })).toEqual([
    { kind: 'reject', value, leader: undefined },
  ]);
  expect(s.layer.view).toMatchObject({
    executedThrough: 0,
    releasedThrough: 0,
    room: 0,
    voter: false,
  });
  expect([s.layer.isIdle, s.made]).toEqual([false, undefined]);
});

test('the layer makes no protocol before there is a state', () => {
  let made = 0;
  const make = () => {
    made += 1;
    return new FakeInner(membership, 25, () => ({ decidedThrough: 0, through: () => undefined }));
  };
  const about = { self: 3, below: () => 0 };
  const wrapped = snapshotEngineLayer(completeLayerOptions()).wrap(make, about);
  expect(wrapped(membership, restored).view).toMatchObject({ voter: false, executedThrough: 0 });
  expect(made).toBe(0);
  const { isStateless: _, ...whole } = restored;
  expect(wrapped(membership, whole).view.voter).toBe(true);
  expect(made).toBe(1);
});

test('behind a state it executes what its log has, then begins with all promises and votes', () => {
  const s = new Stage();
  const [installed, cut, serve] = s.installs(22);
  expect([installed, cut]).toEqual([
    { kind: 'installed', slot: 22 },
    { kind: 'truncate-log', before: 23 },
  ]);
  expect(serve).toMatchObject({ kind: 'serve', to: 3, fromSlot: 23, through: 25 });
  const first = s.reads(23, 24);
  expect(kindsOf(first)).toEqual(['execute', 'execute', 'serve']);
  expect(first[2]).toMatchObject({ fromSlot: 25, through: 25 });
  expect(kindsOf(s.reads(25, 25))).toEqual(['execute']);
  // What was handed to the state machine is not yet executed: nothing begins before that.
  expect(s.made).toBe(undefined);
  s.step({ kind: 'executed', through: 24 });
  expect(s.made).toBe(undefined);
  s.step({ kind: 'executed', through: 25 });
  const { isStateless: _, ...remembered } = restored;
  expect(s.made).toEqual({ ...remembered, firstSlot: 23 });
});

test('a state behind all that its log knows to be decided is begun with at once', () => {
  const s = new Stage();
  expect(kindsOf(s.installs(27))).toEqual(['installed', 'truncate-log']);
  expect(s.made).toMatchObject({
    promised: ballot(7),
    firstSlot: 28,
    decidedThrough: 27,
    leaseMs: 300,
  });
  expect(
    [s.made?.votes, s.made?.decided, s.made?.lost].map((known) => [...(known ?? []).keys()]),
  ).toEqual([[29], [28], []]);
});

test('the state right before its log will do, and so will the last that is decided', () => {
  for (const [slot, firstSlot] of [
    [19, 20],
    [25, 26],
  ] as const) {
    const s = new Stage();
    s.installs(slot);
    if (slot < 25) s.reads(slot + 1, 25);
    s.step({ kind: 'executed', through: 25 });
    expect(s.made).toMatchObject({ firstSlot, decidedThrough: 25 });
  }
});

test('what is read twice is executed once, and what reads nothing is read again', () => {
  const s = new Stage();
  s.installs(19);
  expect(s.step({ kind: 'tick' })).toEqual([]);
  s.nowMs += 1_000;
  expect(s.step({ kind: 'tick' })).toMatchObject([{ kind: 'serve', fromSlot: 20 }]);
  expect(s.reads(20, 22, 1)).toEqual([]);
  expect(kindsOf(s.reads(20, 22))).toEqual(['execute', 'execute', 'execute', 'serve']);
  expect(s.reads(20, 22)).toEqual([]);
});

test('what may not be lost is told to the protocol once it begins, in its order', () => {
  const s = new Stage();
  const kept: Input[] = [
    { kind: 'connection', with: 1, up: true },
    { kind: 'storage', full: true },
    { kind: 'read', read: 4 },
    { kind: 'layer-answer', channel: 77, answer: {} },
  ];
  for (const input of kept) s.step(input);
  s.step({ kind: 'tick' });
  s.installs(30);
  expect(s.inner?.inputs).toEqual(kept);
  s.step({ kind: 'tick' });
  expect([s.inner?.inputs.at(-1), s.layer.isIdle]).toEqual([{ kind: 'tick' }, true]);
});

test.runIf(CONTRACTS)('stateless-1 one state takes the place of none', () => {
  const s = new Stage();
  s.installs(19);
  expect(() => s.installs(24)).toThrow('stateless-1');
});

test.runIf(CONTRACTS)('stateless-3 the protocol begins behind what is executed (P7)', () => {
  const s = new Stage();
  s.beginsAt = 24;
  expect(() => s.installs(30)).toThrow('stateless-3');
});

test.runIf(CONTRACTS)('stateless-2 the state reaches the log (S6)', () => {
  const s = new Stage();
  expect(() => s.installs(18)).toThrow('stateless-2');
});
