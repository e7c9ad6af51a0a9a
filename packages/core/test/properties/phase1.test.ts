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

/** One acceptor's whole answer. */
interface Report {
  readonly reported: readonly Reported[];
  readonly firstSlot: Slot;
  readonly decidedThrough: Slot;
  readonly parts: number;
}

const report = fc
  .tuple(
    fc.subarray([1, 2, 3, 4, 5]).chain((slots) => fc.tuple(...slots.map(reportedAt))),
    fc.oneof(
      { weight: 4, arbitrary: fc.constant(1) },
      { weight: 1, arbitrary: fc.nat({ max: 3 }) },
    ),
    fc.oneof(
      { weight: 4, arbitrary: fc.constant(0) },
      { weight: 1, arbitrary: fc.nat({ max: 3 }) },
    ),
    fc.integer({ min: 1, max: 3 }),
  )
  .map(([reported, firstSlot, decidedThrough, parts]): Report => {
    return { reported, firstSlot: Math.max(1, firstSlot), decidedThrough, parts };
  });

/** Each member has two reports to choose from; which part arrives next is anybody's guess. */
const reports = fc.array(fc.tuple(report, report), { minLength: members, maxLength: members });
const arrivals = fc.array(
  fc.record({
    from: fc.integer({ min: 1, max: members }),
    second: fc.nat({ max: 9 }).map((n) => n >= 8),
    part: fc.nat({ max: 2 }),
  }),
  { maxLength: 40, size: 'max' },
);

function messageOf(
  { reported, firstSlot, decidedThrough, parts }: Report,
  number: number,
  part: number,
) {
  const share = Math.ceil(reported.length / parts);
  const change = { report: number, part, parts, firstSlot, decidedThrough };
  return phase1b(of, { ...change, reported: reported.slice(part * share, (part + 1) * share) });
}

/** P4, R7 and S3 by the letter. `told` is what whole promises say, by member. */
function allowed(told: ReadonlyMap<number, Report>, base: Slot): Adoption | undefined {
  const all = [...told.values()].flatMap((r) => r.reported).filter((r) => r.slot >= base);
  const last = Math.max(base - 1, ...all.map((r) => r.slot));
  const values = [];
  const decided = new Map();
  if (told.size < quorum) return undefined;
  for (let slot = base; slot <= last; slot += 1) {
    const here = all.filter((r) => r.slot === slot);
    const known = here.find((r) => r.state === 'decided');
    const votes = here.flatMap((r) => (r.state === 'voted' ? [r] : []));
    const highest = votes.toSorted((a, b) => compareBallots(a.ballot, b.ballot)).at(-1);
    const counting = [...told.values()].filter(({ reported }) => {
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

/** Which parts of which report of one member have come, one report at a time. */
class Arrived {
  readonly #parts = new Set<number>();
  #number = -1;

  add({ report: number, part, parts }: Phase1b): boolean {
    if (number !== this.#number) this.#parts.clear();
    this.#number = number;
    this.#parts.add(part);
    return this.#parts.size === parts;
  }
}

test(
  'what may be proposed is what whole promises of a quorum allow, in whatever order they come',
  () => {
    const adopted = { all: 0, some: 0 };
    fc.assert(
      fc.property(reports, arrivals, fc.nat({ max: 3 }), (given, order, released) => {
        const phase1 = new Phase1(of, new Quorum(group(members)), 1);
        const told = new Map<number, Report>();
        const arrived = new Map<number, Arrived>();
        let floor = 1;
        for (const { from, second, part } of order) {
          const [first, other] = given[from - 1] as [Report, Report];
          const chosen = told.get(from) ?? (second ? other : first);
          const message = messageOf(chosen, chosen === other ? 2 : 1, part % chosen.parts);
          floor = Math.max(floor, message.firstSlot, message.decidedThrough + 1);
          const parts = arrived.get(from) ?? new Arrived();
          arrived.set(from, parts);
          const isWhole = parts.add(message) && !told.has(from);
          expect(phase1.on1b(from, message)).toBe(isWhole);
          if (isWhole) told.set(from, chosen);
          const expected = allowed(told, Math.max(floor, released + 1));
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
