import { type Effect, type Membership, noOp } from '@rsl/core/protocol';
import { expect, test } from 'vitest';
import { Telling } from './telling.ts';

const membershipOf = (number: number): Membership => ({
  group: 'feedfacefeedface',
  number,
  firstSlot: 1,
  members: [],
  previous: [],
});

const [one, two] = [membershipOf(1), membershipOf(2)];
const stop = { bytes: Uint8Array.of(2), checksum: 0 };
const execute = (slot: number, membership: Membership, value = noOp): Effect => ({
  kind: 'execute',
  slot,
  value,
  membership,
});
const ballot = { configuration: 1, round: 1, proposer: 1 };

test('what governs is said before the first slot, and before the first of another (R8)', () => {
  const telling = new Telling();
  const governs = (from: number, membership: Membership) => ({ kind: 'governs', from, membership });
  expect(telling.before(execute(5, one))).toEqual(governs(5, one));
  expect(telling.before(execute(6, one))).toBeUndefined();
  expect(telling.before(execute(7, two))).toEqual(governs(7, two));
  expect(telling.before(execute(8, two))).toBeUndefined();
});

test('behind a stop it is said anew, whatever it is', () => {
  const telling = new Telling();
  telling.before(execute(1, one));
  expect(telling.before(execute(2, one, stop))).toBeUndefined();
  expect(telling.before(execute(3, one))).toEqual({ kind: 'governs', from: 3, membership: one });
});

test('leading is said when it changes', () => {
  const telling = new Telling();
  const following: Effect = { kind: 'following', leader: undefined };
  const heard = [following, { kind: 'leading', ballot } as const, following, following].map(
    (effect) => telling.before(effect),
  );
  const leads = (is: boolean) => ({ kind: 'leads', leads: is });
  expect(heard).toEqual([undefined, leads(true), leads(false), undefined]);
  expect(telling.before({ kind: 'truncate-log', before: 3 })).toBeUndefined();
});
