// Story 6 of the package, on whole replicas: what was kept is bad, and the log was cut (S6).
import { afterEach, expect, test } from 'vitest';
import { Group, until } from './group.ts';

let group: Group;

afterEach(async () => {
  await group.close();
});

const options = {
  everySlots: 20,
  everyBytes: 0,
  retainSlots: 5,
  spareSnapshots: 0,
  askMs: 20,
  gatherMs: 20,
  askAgainMs: 20,
  stallMs: 100,
  giveUpMs: 200,
  saveAgainMs: 50,
};

/** A group whose logs are cut; one of it is down, and none of its snapshots is good any more. */
async function allBad(lose: (slots: Map<number, unknown>, id: number) => void): Promise<number> {
  group = await new Group({ snapshots: options }).formed();
  await group.work(90);
  await group.settled();
  await until('all have cut their logs', () =>
    group.ids.every((id) => group.at(id).status().firstSlot > 1),
  );
  const { id } = await group.follower();
  await group.stop(id);
  lose(group.shelf(id).snapshots, id);
  return id;
}

const damageAll = (slots: Map<number, unknown>, id: number): void => {
  for (const slot of slots.keys()) group.shelf(id).damage(slot, 5);
};

const cutOff = (id: number): void => {
  group.arrives = (from, to) => from !== id && to !== id;
};

/** While nobody gives it a state it says nothing: an empty one would be wrong. */
async function isSilent(id: number): Promise<void> {
  const replica = group.at(id);
  for (const level of ['local', { atLeast: 0 }] as const) {
    const reading = replica.barrier(level, { timeoutMs: 50 });
    await expect(reading).rejects.toMatchObject({ code: 'RSL_SLOT_NOT_REACHED' });
  }
  expect(replica.status()).toMatchObject({ state: 'newcomer', executedThrough: 0 });
  expect(group.digest(id)).toBe(0);
}

test('all bad: a peer gives one, the log behind it is executed, and it votes', async () => {
  const id = await allBad(damageAll);
  // It is asked and told everything, but for the bytes of snapshots and logs.
  group.arrives = (_, to, lane) => to !== id || lane === 'votes';
  await group.start(id);
  await until('it takes part', () => group.at(id).status().state === 'newcomer');
  await isSilent(id);
  group.arrives = () => true;
  await group.settled();
  await until('it follows', () => group.at(id).status().state === 'follower');
  // It is needed for a quorum from here on.
  const leader = await group.leader();
  const other = [...group.replicas.keys()].find((each) => each !== id && each !== leader.id);
  await group.stop(other as number);
  await leader.propose(new Uint8Array(16));
  await group.settled();
});

test('the next start finds what was fetched, and the log behind it', async () => {
  const id = await allBad(damageAll);
  const replica = await group.start(id);
  await group.settled();
  await until('it is cut', () => replica.status().firstSlot > 1);
  const { executedThrough } = replica;
  await group.stop(id);
  cutOff(id);
  const again = await group.start(id);
  expect(again.executedThrough).toBeGreaterThan(executedThrough - options.everySlots);
  group.arrives = () => true;
  await group.settled();
});

test('the directory is lost and the log was cut: the same', async () => {
  const id = await allBad((slots) => slots.clear());
  await group.start(id);
  await group.settled();
});

test('the newest is bad, and older ones end before the log begins: a peer’s is taken', async () => {
  const id = await allBad((slots, own) => {
    const [newest = 0] = [...slots.keys()].sort((a, b) => b - a);
    expect(slots.size).toBeGreaterThan(1);
    group.shelf(own).damage(newest, 5);
  });
  await group.start(id);
  await group.settled();
});

test('peers have nothing either: it asks on and says so, and never starts empty', async () => {
  const told: string[] = [];
  const id = await allBad(damageAll);
  const others = [...group.replicas.keys()];
  for (const other of others) {
    group.layer(other).stopSaving();
    group.shelf(other).snapshots.clear();
  }
  group.onProgress = ({ kind }) => void told.push(kind);
  const replica = await group.start(id);
  await until('it has said so twice', () => told.filter((kind) => kind === 'unserved').length > 1);
  expect(told[0]).toBe('condemned');
  expect(told).toContain('stateless');
  await isSilent(id);
  expect(replica.executedThrough).toBe(0);
  // Nobody writes: they save because it asks.
  for (const other of others) group.layer(other).allowSaving();
  await group.settled();
});
