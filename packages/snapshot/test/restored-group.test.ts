// A backup becomes the beginning of another group, on whole replicas.
import fs from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { fileSnapshots } from '../src/index.ts';
import { restoreBackup } from '../src/offline/index.ts';
import { Group, until } from './group.ts';
import { KeyValues } from './key-values.ts';
import { temporaryDirectory } from './stage.ts';

const often = { everySlots: 1_000, everyBytes: 0, retainSlots: 0, spareSnapshots: 0, keep: 1 };

let directory: string;
let group: Group;

const directoryOf = (id: number, of = 'new'): string => path.join(directory, of, `${id}`);

const groupIn = (of: string): Group =>
  new Group({
    snapshots: often,
    machine: () => new KeyValues(),
    store: (id) => fileSnapshots(directoryOf(id, of)),
  });

const entriesOf = (id: number): string[] => (group.machines.get(id) as KeyValues).entries;

const put = (id: number, pair: string) => group.at(id).propose(Buffer.from(pair));

const settled = (): Promise<void> =>
  until('all are equal', () => new Set(group.ids.map((id) => entriesOf(id).join())).size === 1);

/** Of a group of its own, which has ended; returns the file of a backup. */
async function backedUp(): Promise<string> {
  group = await groupIn('old').formed();
  for (const pair of ['a=1', 'b=2', 'a=3']) await put(1, pair);
  const { where } = await group.layer(1).saveNow();
  await group.close();
  return where;
}

const restore = (id: number, backup: string) =>
  restoreBackup({ backup, to: directoryOf(id), group: 'tested', self: id });

const members = () => group.ids.map((id) => ({ id, addresses: { memory: `memory:${id}` } }));

beforeEach(() => {
  directory = temporaryDirectory();
});

afterEach(async () => {
  await group.close();
});

test('all members of a new group begin with the backup, and go on behind it', async () => {
  const backup = await backedUp();
  group = groupIn('new');
  const { founding } = await restore(1, backup);
  for (const id of [2, 3]) expect(await restore(id, backup)).toMatchObject({ founding });
  for (const id of group.ids) await group.start(id);
  expect(await group.at(1).bootstrap(members())).toBe('formed');
  await group.leader();
  expect(entriesOf(2)).toEqual(['a=3', 'b=2']);
  await put(2, 'c=4');
  await settled();
  expect(entriesOf(3)).toEqual(['a=3', 'b=2', 'c=4']);
  const first = { number: 1, firstSlot: founding.slot + 1, founding };
  for (const id of group.ids) {
    expect(group.at(id).executedThrough).toBeGreaterThan(founding.slot);
    // From its first slot on each has a snapshot that says whose it is.
    await until('it has saved', () => group.layer(id).list[0]?.membership.number === 1);
    expect(group.layer(id).list[0]?.membership).toMatchObject(first);
  }
});

test('it starts from the backup until it has saved something, and later from that', async () => {
  const backup = await backedUp();
  group = groupIn('new');
  for (const id of group.ids) await restore(id, backup);
  for (const id of group.ids) await group.start(id);
  for (const id of group.ids) group.layer(id).stopSaving();
  await group.at(1).bootstrap(members());
  await group.leader();
  await put(1, 'c=4');
  await settled();
  for (const round of ['from the backup', 'from a snapshot of its own']) {
    for (const id of group.ids) await group.stop(id);
    for (const id of group.ids) await group.start(id);
    if (round === 'from the backup') {
      for (const id of group.ids) expect(group.layer(id).list[0]?.membership.number).toBe(0);
    }
    await group.leader();
    await put(3, `${round}=1`);
    await settled();
    for (const id of group.ids) await group.layer(id).saveNow();
  }
  expect(entriesOf(1)).toEqual(
    ['a=3', 'b=2', 'c=4', 'from a snapshot of its own=1', 'from the backup=1'].sort(),
  );
});

test('whoever loses the backup and has saved nothing yet takes a peer’s state', async () => {
  const backup = await backedUp();
  group = groupIn('new');
  for (const id of group.ids) await restore(id, backup);
  for (const id of group.ids) await group.start(id);
  await group.at(1).bootstrap(members());
  await group.leader();
  await put(1, 'c=4');
  await settled();
  const { id } = await group.follower();
  await group.stop(id);
  fs.rmSync(directoryOf(id), { recursive: true });
  await group.start(id);
  await settled();
  expect(entriesOf(id)).toEqual(['a=3', 'b=2', 'c=4']);
});

test('members that begin differently form no group', async () => {
  const backup = await backedUp();
  group = groupIn('new');
  for (const id of [1, 2]) await restore(id, backup);
  for (const id of group.ids) await group.start(id);
  const formed = group.at(1).bootstrap(members());
  await expect(formed).rejects.toMatchObject({ code: 'RSL_ALREADY_FORMED' });
  await expect(formed).rejects.toThrow(/replica 3 has an empty state/);
});

test('a backup is not put beside a log that is of a group without it', async () => {
  const backup = await backedUp();
  group = await groupIn('new').formed();
  await put(1, 'x=1');
  await settled();
  await group.stop(3);
  await expect(restore(3, backup)).rejects.toMatchObject({ code: 'RSL_INVALID_OPTION' });
  const elsewhere = path.join(directory, 'elsewhere');
  await restoreBackup({ backup, to: elsewhere, group: 'tested', self: 3 });
  const other = new Group({ snapshots: often, store: () => fileSnapshots(elsewhere) });
  other.disks.set(3, group.disks.get(3) as never);
  await expect(other.start(3)).rejects.toMatchObject({ code: 'RSL_WRONG_STORE' });
});

test('a replica whose backup is damaged does not begin empty, nor later', async () => {
  const backup = await backedUp();
  group = groupIn('new');
  const { where } = await restore(1, backup);
  const bytes = fs.readFileSync(where);
  const at = bytes.indexOf('a=3');
  bytes.write('a=4', at);
  fs.writeFileSync(where, bytes);
  for (const _ of [1, 2]) {
    await expect(group.start(1)).rejects.toMatchObject({ code: 'RSL_SNAPSHOT_CORRUPT' });
  }
  expect(fs.readFileSync(where)).toEqual(bytes);
});
