import fc, { type Arbitrary } from 'fast-check';
import { sealed } from '../../src/codec/checksum.ts';
import type { Ballot } from '../../src/paxos/ballot.ts';
import type { Message, Reported } from '../../src/paxos/messages.ts';
import type { Value } from '../../src/paxos/value.ts';

/** Small ones, powers of two and their neighbours, and any. */
function integer(max: number): Arbitrary<number> {
  const edges = [0, 1, 255, 256, 65_535, 65_536, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1];
  return fc.oneof(fc.constantFrom(...edges.filter((n) => n <= max)), fc.nat({ max }));
}

const u16 = integer(2 ** 16 - 1);
const u32 = integer(2 ** 32 - 1);
const u64 = integer(Number.MAX_SAFE_INTEGER);
const big64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const bytes = (maxLength: number) => fc.uint8Array({ maxLength });
const kind = <K extends string>(name: K): Arbitrary<K> => fc.constant(name);

export const ballot: Arbitrary<Ballot> = fc.record({
  configuration: u32,
  round: u32,
  proposer: u16,
});

const value: Arbitrary<Value> = fc
  .tuple(fc.constantFrom(1, 2, 3), bytes(300))
  .map(([first, rest]) => sealed(Uint8Array.of(first, ...rest)));

const reportedOf = (slot: number): Arbitrary<Reported> =>
  fc.oneof(
    fc.record({ slot: fc.constant(slot), state: kind('voted'), ballot, value }),
    fc.record({ slot: fc.constant(slot), state: kind('decided'), value }),
    fc.record({ slot: fc.constant(slot), state: kind('lost'), ballot }),
  );

const undefinedSlot = fc.constant(undefined);

/** Slots in order: where it begins, what it tells of, and what it leaves out if it tells of any. */
const phase1b: Arbitrary<Message> = fc
  .uniqueArray(u64, { minLength: 1, maxLength: 8 })
  .map((slots) => slots.toSorted((a, b) => a - b))
  .chain(([fromSlot = 0, ...slots]) => {
    const nextSlot = slots.length > 1 ? fc.constantFrom(undefined, slots.pop()) : undefinedSlot;
    const reported = fc.tuple(...slots.map(reportedOf));
    const rest = { ballot, nextSlot, firstSlot: u64, decidedThrough: u64, reported };
    return fc.record({ kind: kind('1b'), fromSlot: fc.constant(fromSlot), ...rest });
  });

export const message: Arbitrary<Message> = fc.oneof(
  fc.record({ kind: kind('1a'), ballot, fromSlot: u64, freed: ballot, cookie: bytes(200) }),
  phase1b,
  fc.record({
    kind: kind('2a'),
    ballot,
    base: u64,
    slot: u64,
    decidedThrough: u64,
    cookie: bytes(200),
    value,
  }),
  fc.record({ kind: kind('2b'), ballot, through: u64, payload: big64 }),
  fc.record({ kind: kind('nack'), ballot, promised: ballot }),
  fc.record({
    kind: kind('heartbeat'),
    ballot,
    base: u64,
    decidedThrough: u64,
    round: u64,
    leaseMs: u32,
  }),
  fc.record({ kind: kind('grant'), ballot, round: u64 }),
  fc.record({
    kind: kind('heartbeat-answer'),
    ballot,
    round: u64,
    executedThrough: u64,
    full: fc.boolean(),
  }),
  fc.record({ kind: kind('decided'), ballot, base: u64, decidedThrough: u64 }),
  fc.record({ kind: kind('may-i'), ballot }),
  fc.record({ kind: kind('you-may'), ballot }),
  fc.record({ kind: kind('stand-now'), ballot }),
  fc.record({ kind: kind('learn-request'), fromSlot: u64, bytesMax: u32 }),
  fc.record({
    kind: kind('learn-reply'),
    fromSlot: u64,
    firstSlot: u64,
    decidedThrough: u64,
    values: fc.array(value, { maxLength: 6 }),
  }),
  fc.record({ kind: kind('read-request'), number: u64 }),
  fc.record({ kind: kind('read-answer'), number: u64, slot: fc.option(u64, { nil: undefined }) }),
);
