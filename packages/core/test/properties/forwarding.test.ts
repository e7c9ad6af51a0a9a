import fc from 'fast-check';
import { expect, test } from 'vitest';
import { checkSegment } from '../../src/codec/segment.ts';
import type { Forward, ForwardAck } from '../../src/codec/host-codec.ts';
import { Forwarder, Intake } from '../../src/host/forwarding.ts';
import { Proposals } from '../../src/host/proposals.ts';
import { defaultLimits } from '../../src/limits.ts';
import { ballot } from '../paxos/fixture.ts';
import { patienceMs, runs } from './runs.ts';

const limits = {
  ...defaultLimits,
  batchCommandsMax: 3,
  forwardsInFlightMax: 3,
  forwardedBytesMax: 400,
};
const leader = 1;
const self = 2;
const epoch = 77;

/** What callers, the network and the leader do, in any order. */
type Action =
  | { readonly kind: 'propose'; readonly commands: number }
  | { readonly kind: 'pump'; readonly ms: number }
  | { readonly kind: 'deliver' | 'drop' | 'repeat'; readonly frame: number }
  | { readonly kind: 'acknowledge' | 'elect' }
  | { readonly kind: 'take'; readonly commands: number };

const one = <K extends string>(kind: K) => fc.constant(kind);
const frame = fc.nat({ max: 5 });
const count = fc.integer({ min: 1, max: 7 });
const actions = fc.array(
  fc.oneof<{ weight: number; arbitrary: fc.Arbitrary<Action> }[]>(
    { weight: 4, arbitrary: fc.record({ kind: one('propose'), commands: count }) },
    { weight: 5, arbitrary: fc.record({ kind: one('pump'), ms: fc.nat({ max: 900 }) }) },
    { weight: 10, arbitrary: fc.record({ kind: one('deliver'), frame }) },
    { weight: 2, arbitrary: fc.record({ kind: one('drop'), frame }) },
    { weight: 2, arbitrary: fc.record({ kind: one('repeat'), frame }) },
    { weight: 4, arbitrary: fc.record({ kind: one('acknowledge') }) },
    { weight: 3, arbitrary: fc.record({ kind: one('take'), commands: count }) },
    { weight: 1, arbitrary: fc.record({ kind: one('elect') }) },
  ),
  { maxLength: 120, size: 'max' },
);

/** A follower, a leader and a network that loses, repeats and reorders. */
class Stage {
  readonly proposals = new Proposals({ self, epoch, limits });
  readonly intake = new Intake(limits);
  /** By ballot, the sequences in the order in which its leader took them. */
  readonly taken = new Map<number, number[]>();
  #frames: (Forward | ForwardAck)[] = [];
  #round = 1;
  #nowMs = 0;
  proposed = 0;
  readonly #forwarder = new Forwarder(limits, this.proposals, (to, message) => {
    expect(to).toBe(leader);
    this.#frames.push(message as Forward);
  });

  constructor() {
    this.intake.begin(ballot(this.#round, leader));
  }

  run(action: Action): void {
    if (action.kind === 'propose') {
      const commands = Array.from({ length: action.commands }, () => new Uint8Array(8));
      const sink = { result() {}, error() {} };
      expect(this.proposals.add(commands, sink, Infinity)).toBe(this.proposed + 1);
      this.proposed += action.commands;
    }
    if (action.kind === 'pump') this.pump(action.ms);
    if (action.kind === 'deliver' || action.kind === 'drop' || action.kind === 'repeat') {
      const place = action.frame % Math.max(1, this.#frames.length);
      const frame = this.#frames[place];
      if (frame === undefined) return;
      if (action.kind !== 'repeat') this.#frames.splice(place, 1);
      if (action.kind !== 'drop') this.#deliver(frame);
    }
    if (action.kind === 'acknowledge') this.acknowledge();
    if (action.kind === 'take') this.take(action.commands);
    if (action.kind === 'elect') {
      this.#round += 1;
      this.intake.begin(ballot(this.#round, leader));
      expect(this.intake.isEmpty).toBe(true);
    }
    expect(this.intake.bytes).toBeLessThanOrEqual(limits.forwardedBytesMax);
  }

  pump(ms: number): void {
    this.#nowMs += ms;
    this.#forwarder.pump({ id: leader, ballot: ballot(this.#round, leader) }, this.#nowMs);
  }

  acknowledge(): void {
    this.intake.acknowledge((to, message) => {
      expect(to).toBe(self);
      this.#frames.push(message as ForwardAck);
    });
  }

  take(commandsMax: number): void {
    const of = this.#round;
    const sequences = this.taken.get(of) ?? [];
    this.taken.set(of, sequences);
    const segments = this.intake.take(commandsMax, 1e6).map((bytes) => checkSegment(bytes));
    const total = segments.reduce((sum, s) => sum + s.count, 0);
    expect(total <= commandsMax || segments.length === 1).toBe(true);
    for (const { origin, firstSequence, count: n, ...header } of segments) {
      expect([origin, header.epoch]).toEqual([self, epoch]);
      for (let i = 0; i < n; i += 1) sequences.push(firstSequence + i);
    }
  }

  /** Everything arrives from now on. */
  settle(): void {
    for (let turn = 0; turn < 400; turn += 1) {
      this.pump(300);
      for (const frame of this.#frames.splice(0)) this.#deliver(frame);
      this.take(1_000);
      this.acknowledge();
    }
  }

  #deliver(frame: Forward | ForwardAck): void {
    if (frame.kind === 'forward') this.intake.onForward(self, frame);
    else this.#forwarder.onAck(frame, this.#nowMs);
  }
}

test(
  'whatever the network does, a command is handed out once, and in order in each ballot',
  () => {
    fc.assert(
      fc.property(actions, (all) => {
        const stage = new Stage();
        for (const action of all) stage.run(action);
        stage.settle();
        const handed = [...stage.taken.values()].flat();
        // No ballot was executed, so nothing may be sent a second time: each at most once at all.
        expect(new Set(handed).size).toBe(handed.length);
        for (const sequences of stage.taken.values()) {
          expect(sequences).toEqual(sequences.toSorted((a, b) => a - b));
        }
        // What has not left for an earlier ballot is there in the end.
        expect(stage.proposals.queuedCount).toBe(0);
        if (stage.taken.size === 1 && !all.some((a) => a.kind === 'elect')) {
          expect(handed).toEqual(Array.from({ length: stage.proposed }, (_, i) => i + 1));
        }
      }),
      runs(701, 400),
    );
  },
  patienceMs,
);
