import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Acceptor } from '../../src/paxos/acceptor.ts';
import type { Ballot } from '../../src/paxos/ballot.ts';
import type { Effect } from '../../src/paxos/effect.ts';
import { Executor } from '../../src/paxos/executor.ts';
import { Learner } from '../../src/paxos/learner.ts';
import type { Reported } from '../../src/paxos/messages.ts';
import { Outbox } from '../../src/paxos/outbox.ts';
import type { Slot } from '../../src/paxos/slot.ts';
import type { Vote } from '../../src/paxos/vote.ts';
import * as fixture from '../paxos/fixture.ts';
import { AcceptorModel, type Answer } from './acceptor-model.ts';
import { patienceMs, runs } from './runs.ts';

const self = 2;
const voteAheadSlotsMax = 6;
const partBytesMax = 7;
/** Both values of a slot have the same length, so that only the checksum tells them apart. */
const valueOf = (slot: Slot, other: boolean) =>
  fixture.batch(`${other ? 'other' : 'value'}${slot}`);
const baseOf = ({ round }: Ballot): Slot => 1 + (round % 3);

type Action =
  | { readonly kind: '1a'; readonly ballot: Ballot; readonly fromSlot: Slot }
  | {
      readonly kind: '2a';
      readonly ballot: Ballot;
      readonly ahead: number;
      readonly other: boolean;
    }
  | { readonly kind: 'stand' | 'acknowledge' | 'release' }
  | { readonly kind: 'learn'; readonly ahead: number }
  | { readonly kind: 'truncate' | 'restart'; readonly back: number };

const one = <K extends string>(kind: K) => fc.constant(kind);
const ballot = fc
  .tuple(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 3 }))
  .map(([round, proposer]) => fixture.ballot(round, proposer));
const ahead = fc.integer({ min: -1, max: 7 });
const actions = fc.array(
  fc.oneof(
    {
      weight: 3,
      arbitrary: fc.record({ kind: one('1a'), ballot, fromSlot: fc.integer({ min: 1, max: 5 }) }),
    },
    {
      weight: 10,
      arbitrary: fc.record({
        kind: one('2a'),
        ballot,
        ahead,
        other: fc.nat({ max: 5 }).map((n) => n === 5),
      }),
    },
    { weight: 1, arbitrary: fc.record({ kind: one('stand') }) },
    { weight: 1, arbitrary: fc.record({ kind: one('acknowledge') }) },
    { weight: 3, arbitrary: fc.record({ kind: one('learn'), ahead }) },
    { weight: 2, arbitrary: fc.record({ kind: one('release') }) },
    { weight: 1, arbitrary: fc.record({ kind: one('truncate'), back: fc.nat({ max: 2 }) }) },
    { weight: 1, arbitrary: fc.record({ kind: one('restart'), back: fc.nat({ max: 3 }) }) },
  ),
  { maxLength: 60, size: 'max' },
);

/** The acceptor beside its model. */
class Pair {
  readonly model = new AcceptorModel(voteAheadSlotsMax);
  readonly #out = new Outbox();
  #learner: Learner;
  #acceptor: Acceptor;

  constructor() {
    this.#learner = this.#newLearner();
    this.#acceptor = this.#newAcceptor();
  }

  run(action: Action): void {
    const { model } = this;
    if (action.kind === '1a') this.#on1a(action.ballot, action.fromSlot);
    if (action.kind === '2a') this.#on2a(action);
    if (action.kind === 'stand') this.#stand();
    if (action.kind === 'acknowledge') this.#acknowledge();
    if (action.kind === 'learn') {
      const slot = Math.max(1, model.released + action.ahead);
      if (model.isDecided(slot)) return;
      model.learned.set(slot, valueOf(slot, false));
      this.#learner.decide(slot, valueOf(slot, false));
      this.#acceptor.forget(slot);
    }
    if (action.kind === 'release') {
      this.#learner.release(this.#acceptor.votes, this.#out);
      this.#out.take();
      this.#acceptor.forgetReleased();
      for (let slot = model.released + 1; model.learned.has(slot); slot += 1) {
        model.released = slot;
        model.atHand.set(slot, valueOf(slot, false));
      }
    }
    if (action.kind === 'truncate') {
      const before = Math.max(1, model.released + 1 - action.back);
      this.#acceptor.truncate(before);
      model.firstSlot = Math.max(model.firstSlot, before);
    }
    if (action.kind === 'restart') this.#restart(action.back);
    expect(this.#acceptor.promised).toEqual(model.promised);
    expect(this.#acceptor.firstSlot).toBe(model.firstSlot);
  }

  #on1a(of: Ballot, fromSlot: Slot): void {
    const promised = this.model.promised;
    const given = this.#acceptor.on1a(of.proposer, fixture.phase1a(of, fromSlot), this.#out);
    const effects = this.#out.take();
    const order = of.round - promised.round || of.proposer - promised.proposer;
    expect(given).toBe(order >= 0);
    if (order < 0) {
      const nack = { kind: 'nack', ballot: of, promised };
      expect(effects).toEqual([{ kind: 'send', to: of.proposer, message: nack }]);
      return;
    }
    expect(fixture.recordsOf(effects)).toEqual(order > 0 ? [{ kind: 'promise', ballot: of }] : []);
    this.model.records.push(...fixture.recordsOf(effects));
    this.#expect1b(effects, of, fromSlot);
    expect(fixture.sentOf(effects)).toEqual([]);
  }

  #expect1b(effects: readonly Effect[], of: Ballot, fromSlot: Slot): void {
    const { released, firstSlot } = this.model;
    const [told, ...more] = fixture.only(fixture.heldOf(effects, of.proposer), '1b');
    if (told === undefined) throw new Error('a promise without a 1b');
    expect(more).toEqual([]);
    expect(told).toMatchObject({ ballot: of, fromSlot, firstSlot, decidedThrough: released });
    const known = this.model.reported(fromSlot);
    expect(told.reported).toEqual(known.slice(0, told.reported.length));
    expect(told.nextSlot).toBe(known[told.reported.length]?.slot);
    // As much as fits, and at least one slot.
    expect(bytesOf(told.reported) <= partBytesMax || told.reported.length === 1).toBe(true);
    if (told.nextSlot === undefined) return;
    expect(bytesOf(known.slice(0, told.reported.length + 1))).toBeGreaterThan(partBytesMax);
  }

  #on2a({ ballot: of, ahead: by, other }: Extract<Action, { kind: '2a' }>): void {
    const slot = Math.max(baseOf(of), this.model.released + by);
    const change = { base: baseOf(of) };
    const message = fixture.phase2a(of, slot, valueOf(slot, other), change);
    const answer = this.model.answerTo(message);
    this.#acceptor.on2a(of.proposer, message, this.#out);
    const effects = this.#out.take();
    if (answer === 'vote and 2b') {
      const { value } = message;
      const record = { kind: 'vote', slot, vote: { ballot: of, value } } as const;
      expect(fixture.recordsOf(effects)).toEqual([record]);
      this.model.records.push(record);
    } else {
      expect(fixture.recordsOf(effects)).toEqual([]);
    }
    expect(answerOf(effects)).toBe(answer === 'vote and 2b' ? '2b' : answer);
    if (answer.endsWith('2b')) this.#expect2b(effects, of);
  }

  #expect2b(effects: readonly Effect[], of: Ballot): void {
    const through = this.model.watermark(of, baseOf(of));
    expect(fixture.heldOf(effects)).toEqual([fixture.phase2b(of, through)]);
    expect(fixture.heldOf(effects, of.proposer)).toHaveLength(1);
  }

  #stand(): void {
    const own = { ...this.model.promised, configuration: 1, proposer: self };
    const of = { ...own, round: own.round + 1 };
    const asked = fixture.phase1a(of, this.model.released + 1);
    this.#acceptor.stand(asked, [1, 3], this.#out);
    const effects = this.#out.take();
    expect(fixture.recordsOf(effects)).toEqual([{ kind: 'promise', ballot: of }]);
    this.model.records.push(...fixture.recordsOf(effects));
    for (const id of [1, 3]) expect(fixture.heldOf(effects, id)).toEqual([asked]);
    const reported = this.model.reported(asked.fromSlot);
    expect(fixture.only(fixture.heldOf(effects, self), '1b')).toMatchObject([
      { ballot: of, fromSlot: asked.fromSlot, nextSlot: undefined, reported },
    ]);
  }

  #acknowledge(): void {
    const of = this.model.promised;
    if (of.round === 0) return;
    this.#acceptor.acknowledge(of, baseOf(of), this.#out);
    this.#expect2b(this.#out.take(), of);
  }

  /** The newest `back` released slots were not yet recorded as such. */
  #restart(back: number): void {
    const { model } = this;
    model.released = Math.max(0, model.firstSlot - 1, model.released - back);
    model.atHand.clear();
    this.#learner = this.#newLearner();
    this.#acceptor = this.#newAcceptor();
  }

  #newLearner(): Learner {
    const { released, learned } = this.model;
    const kept = new Map([...learned].filter(([slot]) => slot > released));
    return new Learner(new Executor(fixture.group(3), released), kept, 1e6);
  }

  #newAcceptor(): Acceptor {
    const { model } = this;
    const votes = new Map<Slot, Vote>();
    for (const record of model.records) {
      if (record.kind === 'vote' && !model.isDecided(record.slot))
        votes.set(record.slot, record.vote);
    }
    return new Acceptor({
      self,
      firstSlot: model.firstSlot,
      promised: model.promised,
      configuration: 1,
      votes,
      lost: new Map(),
      voteAheadSlotsMax,
      partBytesMax,
      learner: this.#learner,
    });
  }
}

const bytesOf = (reported: readonly Reported[]): number =>
  reported.reduce((sum, r) => sum + (r.state === 'lost' ? 0 : r.value.bytes.length), 0);

function answerOf(effects: readonly Effect[]): Answer {
  if (fixture.alarmsOf(effects).length > 0) return 'alarm';
  const all = [...fixture.sentOf(effects), ...fixture.heldOf(effects)];
  expect(all.length).toBeLessThanOrEqual(1);
  const [message] = all;
  return message === undefined ? 'nothing' : (message.kind as Answer);
}

test(
  'an acceptor answers as one that keeps every record and forgets nothing',
  () => {
    fc.assert(
      fc.property(actions, (all) => {
        const pair = new Pair();
        for (const action of all) pair.run(action);
      }),
      runs(101, 1_000),
    );
  },
  patienceMs,
);
