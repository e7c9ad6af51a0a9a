import fc from 'fast-check';
import { expect, test } from 'vitest';
import { LeaderReads } from '../../src/paxos/leader-reads.ts';
import { Outbox } from '../../src/paxos/outbox.ts';
import { Quorum } from '../../src/paxos/quorum.ts';
import { Reads } from '../../src/paxos/reads.ts';
import { ballot, group } from '../paxos/fixture.ts';
import { patienceMs, runs } from './runs.ts';

const members = 5;
const one = <K extends string>(kind: K) => fc.constant(kind);

type LeaderAction =
  | { readonly kind: 'ask' | 'begin' | 'beat' | 'confirm' }
  | { readonly kind: 'answer'; readonly from: number; readonly back: number };

const leaderActions = fc.array(
  fc.oneof<{ weight: number; arbitrary: fc.Arbitrary<LeaderAction> }[]>(
    { weight: 3, arbitrary: fc.record({ kind: one('ask') }) },
    { weight: 3, arbitrary: fc.record({ kind: one('begin') }) },
    { weight: 2, arbitrary: fc.record({ kind: one('beat') }) },
    { weight: 3, arbitrary: fc.record({ kind: one('confirm') }) },
    {
      weight: 8,
      arbitrary: fc.record({
        kind: one('answer'),
        from: fc.integer({ min: 2, max: members }),
        back: fc.nat({ max: 3 }),
      }),
    },
  ),
  { maxLength: 80, size: 'max' },
);

test(
  'a read is granted only by a quorum that answered a heartbeat sent after it was asked',
  () => {
    fc.assert(
      fc.property(leaderActions, (all) => {
        const reads = new LeaderReads(1, new Quorum(group(members)), 0);
        /** The number of the last heartbeat before each read was asked. */
        const askedAfter = new Map<number, number>();
        const answered = new Map<number, number>();
        const granted = new Set<number>();
        let sent = 0;
        let number = 0;
        let target = 0;
        for (const action of all) {
          if (action.kind === 'ask') {
            number += 1;
            askedAfter.set(number, sent);
            reads.ask({ from: 2, number });
          }
          if (action.kind === 'begin' && reads.begin(target + 1)) {
            target += 1;
            sent = reads.nextRound(sent);
          }
          if (action.kind === 'beat') sent = reads.nextRound(sent);
          if (action.kind === 'answer' && sent > action.back) {
            const round = sent - action.back;
            answered.set(action.from, Math.max(round, answered.get(action.from) ?? 0));
            reads.onAnswer(action.from, round);
          }
          const confirmed = action.kind === 'confirm' ? reads.confirmed() : undefined;
          for (const read of confirmed?.asked ?? []) {
            const since = askedAfter.get(read.number) ?? Infinity;
            const voters = [...answered.values()].filter((round) => round > since).length + 1;
            expect(voters, `read ${read.number}`).toBeGreaterThan(members / 2);
            expect(granted.has(read.number), 'once').toBe(false);
            granted.add(read.number);
            expect(confirmed?.target).toBeGreaterThan(0);
          }
        }
        const left = reads.drain().map((read) => read.number);
        expect([...granted, ...left].toSorted((a, b) => a - b)).toEqual([...askedAfter.keys()]);
      }),
      runs(141, 600),
    );
  },
  patienceMs,
);

type Action =
  | { readonly kind: 'add' | 'elect' }
  | { readonly kind: 'forget'; readonly back: number }
  | { readonly kind: 'due'; readonly ms: number }
  | { readonly kind: 'answer'; readonly back: number; readonly slot: number | undefined }
  | { readonly kind: 'release'; readonly slots: number };

const actions = fc.array(
  fc.oneof<{ weight: number; arbitrary: fc.Arbitrary<Action> }[]>(
    { weight: 5, arbitrary: fc.record({ kind: one('add') }) },
    { weight: 1, arbitrary: fc.record({ kind: one('elect') }) },
    { weight: 1, arbitrary: fc.record({ kind: one('forget'), back: fc.nat({ max: 5 }) }) },
    { weight: 6, arbitrary: fc.record({ kind: one('due'), ms: fc.nat({ max: 400 }) }) },
    {
      weight: 6,
      arbitrary: fc.record({
        kind: one('answer'),
        back: fc.nat({ max: 2 }),
        slot: fc.option(fc.nat({ max: 12 }), { nil: undefined, freq: 5 }),
      }),
    },
    { weight: 4, arbitrary: fc.record({ kind: one('release'), slots: fc.nat({ max: 4 }) }) },
  ),
  { maxLength: 80, size: 'max' },
);

/** The reads of a replica's callers, with the requests that may speak for each. */
class Stage {
  readonly #reads = new Reads(300, 1_000);
  readonly #askedAt = new Map<number, number>();
  /** Requests in their order: what was waiting when each left, and what it was answered. */
  readonly #requests: { readonly number: number; readonly reads: number; slot?: number }[] = [];
  readonly #ready = new Set<number>();
  readonly #forgotten = new Set<number>();
  #count = 0;
  #round = 1;
  #nowMs = 0;
  #executed = 0;

  run(action: Action): void {
    if (action.kind === 'add') {
      this.#count += 1;
      this.#askedAt.set(this.#count, this.#requests.length);
      this.#reads.add(this.#count);
    }
    if (action.kind === 'elect') this.#round += 1;
    if (action.kind === 'forget' && this.#count > action.back) {
      this.#forgotten.add(this.#count - action.back);
      this.#reads.forget(this.#count - action.back);
    }
    if (action.kind === 'due') this.due(action.ms);
    if (action.kind === 'answer') {
      const request = this.#requests.at(-1 - action.back);
      if (request === undefined) return;
      if (action.slot !== undefined) request.slot ??= action.slot;
      this.#reads.onAnswer(request.number, action.slot);
    }
    if (action.kind === 'release') this.release(action.slots);
  }

  due(ms: number): number | undefined {
    this.#nowMs += ms;
    const number = this.#reads.due({ id: 2, ballot: ballot(this.#round, 2) }, this.#nowMs);
    if (number === undefined) return undefined;
    expect(
      this.#requests.some((r) => r.number === number),
      'a new number',
    ).toBe(false);
    this.#requests.push({ number, reads: this.#count });
    return number;
  }

  /** A read may be served after a slot that was named to a request which left after it came. */
  release(slots: number): void {
    this.#executed += slots;
    const out = new Outbox();
    this.#reads.release(this.#executed, out);
    for (const effect of out.take()) {
      if (effect.kind !== 'read-ready') throw new Error(effect.kind);
      const { read } = effect;
      expect(this.#ready.has(read) || this.#forgotten.has(read), `${read} once`).toBe(false);
      this.#ready.add(read);
      const speaking = this.#requests.slice(this.#askedAt.get(read) ?? Infinity);
      const allowed = speaking.some((r) => r.slot !== undefined && r.slot <= this.#executed);
      expect(allowed, `read ${read} at ${this.#executed}`).toBe(true);
    }
  }

  /** The leader stays and answers: nobody waits for ever. */
  settle(): void {
    for (let turn = 0; turn < 5; turn += 1) {
      const number = this.due(301);
      const request = this.#requests.at(-1);
      if (number !== undefined && request !== undefined) {
        request.slot = this.#executed;
        this.#reads.onAnswer(number, this.#executed);
      }
      this.release(20);
    }
    const open = [...this.#askedAt.keys()].filter((read) => !this.#forgotten.has(read));
    expect(open.filter((read) => !this.#ready.has(read))).toEqual([]);
  }
}

test(
  'a read is served only after a slot named to a request that left after the read came',
  () => {
    fc.assert(
      fc.property(actions, (all) => {
        const stage = new Stage();
        for (const action of all) stage.run(action);
        stage.settle();
      }),
      runs(142, 800),
    );
  },
  patienceMs,
);
