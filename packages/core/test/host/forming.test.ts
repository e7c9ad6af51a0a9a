import { expect, test } from 'vitest';
import type { HostMessage } from '../../src/codec/host-codec.ts';
import { groupIdOf } from '../../src/codec/membership-codec.ts';
import { Forming, type FormingMessage } from '../../src/host/forming.ts';
import type { LogRecord } from '../../src/paxos/log-record.ts';
import type { Founding, Membership } from '../../src/paxos/membership.ts';
import { group, member, storeOf } from '../paxos/fixture.ts';

const name = 'tested';
const addresses = [1, 2, 3].map((id) => ({ id, addresses: {} }));
const setOf = (...ids: number[]): Membership => {
  const members = ids.map((id) => ({ ...member(id), addresses: {} }));
  return { ...group(3), members, group: groupIdOf(name, members) };
};
const all = setOf(1, 2, 3);

const backup = { slot: 41, digest: 'ab'.repeat(32) };
/** The same members, beginning with the state of a backup. */
const founded = {
  ...all,
  firstSlot: 42,
  founding: backup,
  group: groupIdOf(name, all.members, backup),
};

/** Replica 1, connected to 2 and 3, which the test plays; its writes last until they are let go. */
function stage(membership?: Membership, agreed?: Membership, on?: Founding) {
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
  if (on !== undefined) forming.foundOn(on);
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
function bootstrapping(on?: Founding) {
  const at = stage(undefined, undefined, on);
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

test('a group that is formed on a backup begins behind its slot, and says so', async () => {
  const { formed, hear, letGo, result, writes } = bootstrapping(backup);
  for (const from of [2, 3]) hear(from, { kind: 'accepted', group: founded.group });
  expect(writes.map(({ record }) => record)).toEqual([
    { kind: 'configuration', membership: founded },
  ]);
  letGo();
  expect(formed).toEqual([founded]);
  expect(await result).toBe('formed');
});

test('all first members have the same state, or none, or it is no group (S10)', () => {
  const other = { ...backup, digest: 'cd'.repeat(32) };
  for (const [has, asked] of [
    [undefined, founded],
    [backup, all],
    [other, founded],
  ] as const) {
    const { hear, said, writes } = stage(undefined, undefined, has);
    hear(2, { kind: 'form', membership: asked });
    expect([said('refused'), writes]).toEqual([[2], []]);
  }
  const { hear, letGo, said } = stage(undefined, undefined, backup);
  hear(2, { kind: 'form', membership: founded });
  letGo();
  expect(said('accepted')).toEqual([2]);
});

test('a first set that begins elsewhere than behind its state is none (S10)', () => {
  for (const firstSlot of [1, 41, 43]) {
    const { hear, said } = stage(undefined, undefined, backup);
    hear(2, { kind: 'form', membership: { ...founded, firstSlot } });
    expect(said('refused')).toEqual([2]);
  }
});

test('who has the state of a backup goes on in no group that began otherwise', () => {
  const elsewhere = { ...all, members: all.members.slice(1) };
  const without = { ...elsewhere, group: groupIdOf(name, elsewhere.members) };
  const on = { ...elsewhere, firstSlot: 42, founding: backup };
  const within = { ...on, group: groupIdOf(name, on.members, backup) };
  for (const [has, told, takes] of [
    [backup, without, false],
    [backup, { ...without, number: 2 }, false],
    [backup, within, true],
    [undefined, within, true],
  ] as const) {
    const { formed, hear, letGo } = stage(undefined, undefined, has);
    hear(2, { kind: 'formed', membership: told });
    letGo();
    expect(formed).toEqual(takes ? [told] : []);
  }
});

test('a group that was formed on a backup says so again to whoever forms it again', () => {
  const { hear, said } = stage(founded, founded);
  hear(2, { kind: 'form', membership: founded });
  expect([said('accepted'), said('refused')]).toEqual([[2], []]);
});
