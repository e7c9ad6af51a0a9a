import { expect, test } from 'vitest';
import type { HostMessage } from '../../src/codec/host-codec.ts';
import { groupIdOf } from '../../src/codec/membership-codec.ts';
import { Forming, type FormingMessage } from '../../src/host/forming.ts';
import type { LogRecord } from '../../src/paxos/log-record.ts';
import type { Membership } from '../../src/paxos/membership.ts';
import { group, member, storeOf } from '../paxos/fixture.ts';

const name = 'tested';
const addresses = [1, 2, 3].map((id) => ({ id, addresses: {} }));
const setOf = (...ids: number[]): Membership => {
  const members = ids.map((id) => ({ ...member(id), addresses: {} }));
  return { ...group(3), members, group: groupIdOf(name, members) };
};
const all = setOf(1, 2, 3);

/** Replica 1, connected to 2 and 3, which the test plays; its writes last until they are let go. */
function stage(membership?: Membership, agreed?: Membership) {
  const sent: { to: number; message: HostMessage }[] = [];
  const writes: { record: LogRecord; then: () => void }[] = [];
  const formed: Membership[] = [];
  const contradictions = { count: 0 };
  const forming = new Forming(
    {
      name,
      self: { id: 1, store: storeOf(1) },
      connected: () => [2, 3].map((id) => ({ id, store: storeOf(id) })),
      send: (to, message) => sent.push({ to, message }),
      persist: (record, then) => writes.push({ record, then }),
      peers: () => {},
      formed: (one) => formed.push(one),
      contradicted: () => void (contradictions.count += 1),
    },
    membership,
    agreed,
  );
  const hear = (from: number, message: FormingMessage, store = storeOf(from)): void =>
    forming.onMessage({ id: from, store }, message);
  const letGo = (): void => {
    for (const { then } of writes.splice(0)) then();
  };
  const said = (kind: HostMessage['kind']): number[] =>
    sent.filter(({ message }) => message.kind === kind).map(({ to }) => to);
  return { contradictions, forming, formed, hear, letGo, said, writes };
}

/** Replica 1 has been told to form the group, and agrees to it itself. */
function bootstrapping() {
  const at = stage();
  const result = at.forming.bootstrap(addresses, 10_000);
  at.forming.onTick(0, 100);
  at.letGo();
  return { ...at, result };
}

test('a group is formed when all have accepted, not a quorum of them (S10)', async () => {
  // Two of three could form it; the third might have agreed to another set with other stores.
  const { formed, hear, letGo, result } = bootstrapping();
  hear(2, { kind: 'accepted', group: all.group });
  letGo();
  expect(formed).toEqual([]);
  hear(3, { kind: 'accepted', group: all.group });
  letGo();
  expect(formed).toEqual([all]);
  expect(await result).toBe('formed');
});

test('who accepts is the store that is named, not whoever has its id (S2, S10)', () => {
  const { formed, hear, letGo } = bootstrapping();
  hear(2, { kind: 'accepted', group: all.group });
  hear(3, { kind: 'accepted', group: all.group }, storeOf(9));
  letGo();
  expect(formed).toEqual([]);
});

test('a set is accepted once that is durable (P2, S10)', () => {
  const { hear, letGo, said } = stage();
  hear(2, { kind: 'form', membership: all });
  expect(said('accepted')).toEqual([]);
  letGo();
  expect(said('accepted')).toEqual([2]);
  // It says so again whenever it is asked.
  hear(2, { kind: 'form', membership: all });
  expect(said('accepted')).toEqual([2, 2]);
});

test('a store accepts one set in its life (S10)', () => {
  const { hear, said } = stage(undefined, setOf(1, 2, 4));
  hear(2, { kind: 'form', membership: all });
  expect(said('accepted')).toEqual([]);
  expect(said('refused')).toEqual([2]);
});

test('a set of another name, or without this very store, is refused (S2, S10)', () => {
  const { hear, said, writes } = stage();
  const foreign = { ...all, group: groupIdOf('another', all.members) };
  hear(2, { kind: 'form', membership: foreign });
  hear(2, { kind: 'form', membership: setOf(2, 3) });
  const others = [{ ...member(1), store: storeOf(9), addresses: {} }, ...all.members.slice(1)];
  hear(2, {
    kind: 'form',
    membership: { ...all, members: others, group: groupIdOf(name, others) },
  });
  expect(said('refused')).toEqual([2, 2, 2]);
  expect(writes).toEqual([]);
});

test('a first set that names this store and was not accepted by it is none (S10)', () => {
  // Only an older copy of a store forgets what it has accepted (S2a).
  const { contradictions, hear, letGo, formed } = stage();
  hear(2, { kind: 'formed', membership: all });
  letGo();
  expect(formed).toEqual([]);
  expect(contradictions.count).toBe(1);
});

test('who has agreed to one set is not impressed by another one that names its store', () => {
  const { contradictions, hear, letGo, formed } = stage(undefined, setOf(1, 2, 4));
  hear(2, { kind: 'formed', membership: all });
  letGo();
  expect([formed, contradictions.count]).toEqual([[], 0]);
});

test('a group that was formed is announced once that is durable (P2, R4)', () => {
  const { hear, letGo, said } = bootstrapping();
  for (const from of [2, 3]) hear(from, { kind: 'accepted', group: all.group });
  expect(said('formed')).toEqual([]);
  letGo();
  expect(said('formed')).toEqual([2, 3]);
});

test('who has agreed to one set does not form another (S10)', async () => {
  const { forming } = stage(undefined, setOf(1, 2, 4));
  let outcome: unknown = 'open';
  const note = (told: unknown): void => void (outcome = told);
  void forming.bootstrap(addresses, 10_000).then(note, note);
  forming.onTick(0, 100);
  await new Promise((resolve) => setImmediate(resolve));
  expect(outcome).toMatchObject({ code: 'RSL_ALREADY_FORMED' });
});
