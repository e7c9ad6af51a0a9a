import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Ballot, compareBallots } from '../../src/paxos/ballot.ts';
import type { Phase1b, Reported } from '../../src/paxos/messages.ts';
import type { Adoption } from '../../src/paxos/adoption.ts';
import { Phase1 } from '../../src/paxos/phase1.ts';
import { Quorum } from '../../src/paxos/quorum.ts';
import type { Slot } from '../../src/paxos/slot.ts';
import { noOp } from '../../src/paxos/value.ts';
import { ballot, batch, group, phase1b } from '../paxos/fixture.ts';
import { patienceMs, runs } from './runs.ts';

const of = ballot(9, 1);
const members = 5;
const quorum = 3;

// One value for a slot and ballot (P3), and one decided value for a slot.
const roundOf = fc.integer({ min: 1, max: 3 });
const reportedAt = (slot: Slot) =>
  fc.oneof(
    { weight: 4, arbitrary: roundOf.map((n): Reported => vote(slot, ballot(n, 2))) },
    {
      weight: 1,
      arbitrary: fc.constant<Reported>({ slot, state: 'decided', value: batch(`d${slot}`) }),
    },
    {
      weight: 2,
      arbitrary: roundOf.map((n): Reported => ({ slot, state: 'lost', ballot: ballot(n, 2) })),
    },
  );
const vote = (slot: Slot, at: Ballot): Reported => ({
  slot,
  state: 'voted',
  ballot: at,
  value: batch(`v${slot}.${at.round}`),
});

/** What one acceptor knows; it never votes below the ballot again, so it stays true. */
const known = fc.subarray([1, 2, 3, 4, 5]).chain((slots) => fc.tuple(...slots.map(reportedAt)));
const acceptors = fc.array(known, { minLength: members, maxLength: members });

const mostlyNone = fc.oneof(
  { weight: 6, arbitrary: fc.constant(0) },
  { weight: 1, arbitrary: fc.nat({ max: 3 }) },
);

/** A part comes: the one that is waited for, or any other. Meanwhile slots may be released. */
const arrivals = fc.array(
  fc.record({
    from: fc.integer({ min: 1, max: members }),
    elsewhere: fc.oneof(
      { weight: 4, arbitrary: fc.constant(undefined) },
      { weight: 1, arbitrary: fc.integer({ min: 1, max: 6 }) },
    ),
    count: fc.integer({ min: 1, max: 3 }),
    truncated: mostlyNone,
    released: mostlyNone,
  }),
  { maxLength: 40, size: 'max' },
);

type Arrival = typeof arrivals extends fc.Arbitrary<readonly (infer A)[]> ? A : never;

/** One acceptor, and what the proposer has heard of it in parts that follow each other. */
class Member {
  readonly told: Reported[] = [];
  next: Slot | undefined = 1;
  #firstSlot = 1;
  #decidedThrough = 0;
  readonly #known: readonly Reported[];

  constructor(all: readonly Reported[]) {
    this.#known = all;
  }

  say({ elsewhere, count, truncated, released }: Arrival): Phase1b {
    this.#firstSlot = Math.max(this.#firstSlot, truncated);
    this.#decidedThrough = Math.max(this.#decidedThrough, released);
    const fromSlot = elsewhere ?? this.next ?? 1;
    const first = Math.max(fromSlot, this.#decidedThrough + 1);
    const left = this.#known.filter(({ slot }) => slot >= first);
    const reported = left.slice(0, count);
    return phase1b(of, {
      fromSlot,
      nextSlot: left[count]?.slot,
      firstSlot: this.#firstSlot,
      decidedThrough: this.#decidedThrough,
      reported,
    });
  }

  /** True if it follows what was heard. */
  hear({ fromSlot, nextSlot, reported }: Phase1b): boolean {
    if (fromSlot !== this.next) return false;
    this.told.push(...reported);
    this.next = nextSlot;
    return true;
  }
}

/** P4, R7 and S3 by the letter. `told` is what whole promises say. */
function allowed(told: readonly (readonly Reported[])[], base: Slot): Adoption | undefined {
  const all = told.flat().filter((r) => r.slot >= base);
  const last = Math.max(base - 1, ...all.map((r) => r.slot));
  const values = [];
  const decided = new Map();
  if (told.length < quorum) return undefined;
  for (let slot = base; slot <= last; slot += 1) {
    const here = all.filter((r) => r.slot === slot);
    const known = here.find((r) => r.state === 'decided');
    const votes = here.flatMap((r) => (r.state === 'voted' ? [r] : []));
    const highest = votes.toSorted((a, b) => compareBallots(a.ballot, b.ballot)).at(-1);
    const counting = told.filter((reported) => {
      const own = reported.find((r) => r.slot === slot);
      if (own?.state !== 'lost' || known !== undefined) return true;
      return highest !== undefined && compareBallots(highest.ballot, own.ballot) >= 0;
    });
    if (counting.length < quorum) return undefined;
    values.push(known?.value ?? highest?.value ?? noOp);
    if (known !== undefined) decided.set(slot, known.value);
  }
  return { base, values, decided };
}

test(
  'what may be proposed is what whole promises of a quorum allow, in whatever order they come',
  () => {
    const adopted = { all: 0, some: 0 };
    fc.assert(
      fc.property(acceptors, arrivals, fc.nat({ max: 3 }), (given, order, released) => {
        const phase1 = new Phase1(of, new Quorum(group(members)), 1);
        const heard = given.map((all) => new Member(all));
        let floor = 1;
        for (const arrival of order) {
          const member = heard[arrival.from - 1] as Member;
          const message = member.say(arrival);
          const isNew = member.hear(message);
          expect(phase1.on1b(arrival.from, message)).toBe(isNew);
          expect(phase1.nextSlotOf(arrival.from)).toBe(member.next);
          if (isNew) floor = Math.max(floor, message.firstSlot, message.decidedThrough + 1);
          const whole = heard.filter(({ next }) => next === undefined).map(({ told }) => told);
          const expected = allowed(whole, Math.max(floor, released + 1));
          expect(phase1.adoption(released)).toEqual(expected);
          adopted.all += 1;
          if ((expected?.values.length ?? 0) > 0) adopted.some += 1;
        }
      }),
      runs(111, 1_000),
    );
    expect(adopted.some / adopted.all, 'enough of them adopt something').toBeGreaterThan(0.1);
  },
  patienceMs,
);
