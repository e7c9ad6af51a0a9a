import { StorageError } from '@rsl/core';
import type { Port, SnapshotMeta, SnapshotStore, StateMachine } from '@rsl/core/protocol';
import { DigestMachine, MemoryShelf, memorySnapshots } from '@rsl/core/testing';
import { describe, expect, test } from 'vitest';
import { KeyValues } from './key-values.ts';
import { Stage, type StageOptions } from './keeper-stage.ts';

/** A replica with one snapshot, of about 30,000 bytes. */
async function source(shelf = new MemoryShelf(), options: StageOptions = {}) {
  const stage = await new Stage(new KeyValues()).start(shelf, options);
  await stage.run(20, (i) => `${i}=${'v'.repeat(1_500)}`);
  const { meta } = await stage.keeper.saveNow();
  return { stage, shelf, meta };
}

const contentOf = (shelf: MemoryShelf, { slot }: SnapshotMeta): Uint8Array =>
  (shelf.snapshots.get(slot) as { bytes: Uint8Array }).bytes;

const readOf = ({ digest }: SnapshotMeta, offset: number, bytesMax: number, ticket = 1) =>
  ({ kind: 'read', digest, offset, bytesMax, ticket }) as const;

const ready = async (): Promise<Stage<KeyValues>> =>
  new Stage(new KeyValues()).start(new MemoryShelf());

describe('read', () => {
  test('gives the bytes that were asked for, fewer only at the end', async () => {
    const { stage, shelf, meta } = await source();
    const content = contentOf(shelf, meta);
    for (const [offset, bytesMax] of [
      [0, 10],
      [9_999, 10_000],
      [meta.bytes - 5, 100],
    ] as const) {
      const { bytes, ticket } = await stage.answer(readOf(meta, offset, bytesMax, offset), 'read');
      expect(ticket).toBe(offset);
      expect(Buffer.compare(bytes, content.slice(offset, offset + bytesMax))).toBe(0);
    }
    await stage.close();
  });

  test('is answered in the order of the orders', async () => {
    const { stage, meta } = await source();
    for (let ticket = 1; ticket <= 9; ticket += 1) {
      stage.order(
        readOf(ticket % 3 === 0 ? { ...meta, digest: 'none' } : meta, ticket, 10, ticket),
      );
    }
    const heard = (): (number | undefined)[] =>
      stage.answers.flatMap((one) => ('ticket' in one ? [one.ticket] : []));
    await stage.until('all', () => heard().length === 9);
    expect(heard()).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(stage.answersOf('unreadable').map(({ ticket, code }) => [ticket, code])).toEqual(
      [3, 6, 9].map((ticket) => [ticket, 'RSL_SNAPSHOT_GONE']),
    );
    await stage.close();
  });

  test('what a peer reads stays readable until it is released, whatever goes', async () => {
    const { stage, meta } = await source(new MemoryShelf(), { keep: 1 });
    await stage.answer(readOf(meta, 0, 10), 'read');
    await stage.run(1);
    await stage.keeper.saveNow();
    expect(stage.slots).toEqual([21]);
    expect((await stage.answer(readOf(meta, 0, 10), 'read')).bytes.length).toBe(10);
    stage.order({ kind: 'release', digest: meta.digest });
    const { code } = await stage.answer(readOf(meta, 0, 10), 'unreadable');
    expect(code).toBe('RSL_SNAPSHOT_GONE');
    await stage.close();
  });

  test('so many snapshots are open to peers at a time, and no more', async () => {
    const { stage, meta } = await source(new MemoryShelf(), { keep: 3, readersMax: 1 });
    await stage.run(1);
    const { meta: other } = await stage.keeper.saveNow();
    await stage.answer(readOf(meta, 0, 10), 'read');
    const refused = await stage.answer(readOf(other, 0, 10), 'unreadable');
    expect(refused.code).toBe('RSL_OVERLOADED');
    stage.order({ kind: 'release', digest: meta.digest });
    await stage.answer(readOf(other, 0, 10), 'read');
    await stage.close();
  });

  test('one that turns out bad is condemned, and soon replaced by another', async () => {
    const { stage, shelf, meta } = await source();
    await stage.run(2);
    shelf.damage(meta.slot, 5);
    const { code } = await stage.answer(readOf(meta, 0, 10), 'unreadable');
    expect(code).toBe('RSL_SNAPSHOT_CORRUPT');
    await stage.until('another', () => stage.slots[0] === 22);
    expect(stage.slots).toEqual([22]);
    expect(stage.failures).toEqual([]);
    await stage.close();
  });
});

describe('copy', () => {
  test('is told how many bytes are there, is committed, and listed', async () => {
    const { stage: from, shelf, meta } = await source();
    const to = await ready();
    expect(await to.answer({ kind: 'copy', meta, ticket: 1 }, 'copying')).toMatchObject({
      bytes: 0,
    });
    const content = contentOf(shelf, meta);
    for (const end of [10_000, 20_000, meta.bytes]) {
      const bytes = content.slice(Math.max(0, end === meta.bytes ? 20_000 : end - 10_000), end);
      expect(await to.answer({ kind: 'write', bytes }, 'written')).toMatchObject({ bytes: end });
    }
    expect(await to.answer({ kind: 'commit' }, 'copied')).toMatchObject({ meta });
    expect(to.answersOf('snapshots').at(-1)?.snapshots).toEqual([meta]);
    for (const stage of [from, to]) await stage.close();
  });

  test('goes on where it was left, also after a restart', async () => {
    const { stage: from, shelf, meta } = await source();
    const content = contentOf(shelf, meta);
    const target = new MemoryShelf();
    const first = await new Stage(new KeyValues()).start(target);
    await first.answer({ kind: 'copy', meta, ticket: 1 }, 'copying');
    await first.answer({ kind: 'write', bytes: content.slice(0, 7_000) }, 'written');
    first.order({ kind: 'leave' });
    expect((await first.answer({ kind: 'copy', meta, ticket: 1 }, 'copying')).bytes).toBe(7_000);
    await first.answer({ kind: 'write', bytes: content.slice(7_000, 9_000) }, 'written');
    await first.close();
    const again = await new Stage(new KeyValues(), first.log).start(target);
    expect((await again.answer({ kind: 'copy', meta, ticket: 1 }, 'copying')).bytes).toBe(9_000);
    // The same once more, while it is open, changes nothing.
    expect((await again.answer({ kind: 'copy', meta, ticket: 1 }, 'copying')).bytes).toBe(9_000);
    for (const stage of [from, again]) await stage.close();
  });

  test('another one takes its place', async () => {
    const { stage: from, meta } = await source();
    const to = await ready();
    await to.answer({ kind: 'copy', meta, ticket: 1 }, 'copying');
    await to.answer({ kind: 'write', bytes: new Uint8Array(10) }, 'written');
    await from.run(1);
    const { meta: other } = await from.keeper.saveNow();
    expect((await to.answer({ kind: 'copy', meta: other, ticket: 1 }, 'copying')).bytes).toBe(0);
    await to.copyFrom(from, other);
    expect(to.slots).toEqual([21]);
    for (const stage of [from, to]) await stage.close();
  });

  test('bytes that are not those of the meta are never committed', async () => {
    const { stage: from, meta } = await source();
    const to = await ready();
    await to.answer({ kind: 'copy', meta, ticket: 1 }, 'copying');
    await to.answer({ kind: 'write', bytes: new Uint8Array(meta.bytes) }, 'written');
    const { code } = await to.answer({ kind: 'commit' }, 'copy-failed');
    expect(code).toBe('RSL_SNAPSHOT_CORRUPT');
    expect(to.slots).toEqual([]);
    expect((await to.answer({ kind: 'copy', meta, ticket: 1 }, 'copying')).bytes).toBe(0);
    for (const stage of [from, to]) await stage.close();
  });

  test('no room: it is said once, what was ordered before is dropped, and it goes on', async () => {
    const { stage: from, shelf, meta } = await source();
    const content = contentOf(shelf, meta);
    const target = new MemoryShelf();
    const to = await new Stage(new KeyValues()).start(target);
    to.order({ kind: 'copy', meta, ticket: 1 });
    target.bytesFree = 10_000;
    for (const at of [0, 8_000, 16_000]) {
      to.order({ kind: 'write', bytes: content.slice(at, at + 8_000) });
    }
    to.order({ kind: 'commit' });
    const { bytes } = await to
      .answer({ kind: 'copy', meta, ticket: 1 }, 'copying')
      .then(async (first) => {
        await to.until('both', () => to.answersOf('copying').length === 2);
        return to.answersOf('copying')[1] ?? first;
      });
    expect(bytes).toBe(8_000);
    expect(to.answersOf('copy-failed').map(({ code }) => code)).toEqual(['RSL_STORAGE_FULL']);
    expect(to.answersOf('written')).toHaveLength(1);
    expect(to.answersOf('copied')).toEqual([]);
    for (const stage of [from, to]) await stage.close();
  });
});

describe('install', () => {
  async function copied(machine: StateMachine = new KeyValues()) {
    const { stage: from, meta } = await source();
    const shelf = new MemoryShelf();
    const to = await new Stage(machine).start(shelf);
    await to.copyFrom(from, meta);
    await from.close();
    return { from, to, shelf, meta };
  }

  test('the state is that of the slot, with the membership of the slot after it (R8)', async () => {
    const { from, to, meta } = await copied();
    const answer = await to.answer({ kind: 'install', meta }, 'installed');
    expect(answer).toEqual({ kind: 'installed', slot: 20, membership: meta.membership });
    expect((to.machine as KeyValues).entries).toEqual(from.machine.entries);
    to.log.cut(21);
    to.execute('next=1');
    expect((await to.keeper.saveNow()).meta.slot).toBe(21);
    await to.close();
  });

  test('what cannot be read is condemned, and the state is as it was', async () => {
    const { to, shelf, meta } = await copied();
    to.execute('own=1');
    shelf.damage(meta.slot, 3);
    const { code } = await to.answer({ kind: 'install', meta }, 'install-failed');
    expect(code).toBe('RSL_SNAPSHOT_CORRUPT');
    expect((to.machine as KeyValues).entries).toEqual(['own=1']);
    expect([to.slots, to.failures]).toEqual([[], []]);
    const gone = await to.answer({ kind: 'install', meta }, 'install-failed');
    expect(gone.code).toBe('RSL_SNAPSHOT_GONE');
    expect((await to.keeper.saveNow()).meta.slot).toBe(1);
    await to.close();
  });

  test('a medium that cannot be read for a while costs no snapshot', async () => {
    // It may be the only one behind which the log goes on: older ones went when it came.
    const { to, shelf, meta } = await copied();
    shelf.readFailure = new StorageError('RSL_STORAGE_FAILED', 'not now');
    const { code } = await to.answer({ kind: 'install', meta }, 'install-failed');
    expect(code).toBe('RSL_STORAGE_FAILED');
    expect([to.slots, to.failures]).toEqual([[20], []]);
    shelf.readFailure = undefined;
    await to.answer({ kind: 'install', meta }, 'installed');
    await to.close();
  });

  test('half an install is none: whoever fails to load stops the replica', async () => {
    const machine = new DigestMachine();
    const { to, meta } = await copied(machine);
    to.order({ kind: 'install', meta });
    await to.until('failed', () => to.failures.length > 0);
    expect(to.failures).toMatchObject([{ code: 'RSL_LOAD_FAILED' }]);
    expect(to.answersOf('installed')).toEqual([]);
    expect(to.answersOf('install-failed')).toEqual([]);
    await to.close();
  });

  test('a save that is under way is given up for it; who waits gets a later one', async () => {
    const { to, meta } = await copied();
    to.execute('own=1');
    const saved = to.keeper.saveNow();
    await to.answer({ kind: 'install', meta }, 'installed');
    expect((await saved).meta.slot).toBe(20);
    await to.close();
  });
});

describe('close', () => {
  test('whoever waits for a save is told, and nothing is answered any more', async () => {
    const stage = await ready();
    const saved = stage.keeper.saveNow();
    const heard = expect(saved).rejects.toMatchObject({ code: 'RSL_CLOSED' });
    await stage.close();
    await heard;
    const answers = stage.answers.length;
    stage.order({ kind: 'commit' });
    stage.order(readOf({ digest: 'x' } as SnapshotMeta, 0, 1));
    await stage.close();
    expect(stage.answers.length).toBe(answers);
    await expect(stage.keeper.saveNow()).rejects.toMatchObject({ code: 'RSL_CLOSED' });
  });

  test('what is being saved leaves nothing, what is being copied rests', async () => {
    const { stage: from, meta } = await source();
    const shelf = new MemoryShelf();
    const to = await new Stage(new KeyValues()).start(shelf);
    await to.answer({ kind: 'copy', meta, ticket: 1 }, 'copying');
    await to.answer({ kind: 'write', bytes: new Uint8Array(100) }, 'written');
    to.execute('a=1');
    const saved = to.keeper.saveNow();
    const heard = expect(saved).rejects.toMatchObject({ code: 'RSL_CLOSED' });
    await to.close();
    await heard;
    expect([...shelf.snapshots.keys()]).toEqual([]);
    expect(shelf.left?.bytes.length).toBe(100);
    await from.close();
  });
});

/** A store on which the next discard and condemn fail. */
function stubborn(shelf: MemoryShelf): Port<SnapshotStore> {
  return {
    open: async (context) => {
      const store = await memorySnapshots(shelf).open(context);
      const fail = async (): Promise<void> => {
        throw new Error('this medium is read-only now');
      };
      return Object.assign(store, { discard: fail, condemn: fail });
    },
  };
}

test('a medium that removes nothing is warned of, and stops nothing', async () => {
  const shelf = new MemoryShelf();
  const options = { keep: 1, store: stubborn(shelf) };
  const stage = await new Stage(new DigestMachine()).start(shelf, options);
  for (let i = 0; i < 3; i += 1) {
    stage.execute(`${i}`);
    await stage.keeper.saveNow();
  }
  expect(stage.slots).toEqual([3, 2, 1]);
  shelf.damage(3, 1);
  const meta = stage.keeper.snapshots[0] as SnapshotMeta;
  await stage.answer(readOf(meta, 0, 1), 'unreadable');
  await stage.until('warned', () => stage.warnings.length >= 3);
  expect(stage.failures).toEqual([]);
  await stage.close();
});

test('what governs the slot behind a stop is waited for (R8)', async () => {
  const { stopValue, nextMembership } = afterStop();
  const stage = await new Stage(new DigestMachine()).start(new MemoryShelf());
  stage.execute('a');
  stage.lone.executeValue(stopValue);
  const saved = stage.keeper.saveNow();
  await stage.run(0);
  expect(stage.slots).toEqual([]);
  stage.govern(nextMembership);
  expect((await saved).meta).toMatchObject({ slot: 2, membership: nextMembership });
  await stage.close();
});

function afterStop() {
  const bytes = Uint8Array.of(2);
  const stopValue = { bytes, checksum: 0x3c0c8ea1 };
  const nextMembership = {
    group: 'feedfacefeedface',
    number: 2,
    firstSlot: 3,
    members: [],
    previous: [],
  };
  return { stopValue, nextMembership };
}

test('a state machine that cannot be saved is warned of, and saved later', async () => {
  let isBroken = true;
  const machine = new DigestMachine();
  const save = machine.save.bind(machine);
  machine.save = () => {
    if (isBroken) throw new Error('not now');
    return save();
  };
  const stage = await new Stage(machine).start(new MemoryShelf(), {
    everySlots: 5,
    saveAgainMs: 10,
  });
  await stage.run(6);
  expect(stage.progress.map(({ kind }) => kind)).toEqual(['save-failed']);
  isBroken = false;
  stage.clock.ms += 10;
  await stage.run(1);
  await stage.until('saved', () => stage.slots[0] === 7);
  await stage.close();
});

test('a listener that throws changes nothing', async () => {
  const onProgress = (): void => {
    throw new Error('of the listener');
  };
  const stage = await new Stage(new DigestMachine()).start(new MemoryShelf(), { onProgress });
  stage.execute('a');
  expect((await stage.keeper.saveNow()).meta.slot).toBe(1);
  expect(stage.warnings.length).toBeGreaterThan(0);
  await stage.close();
});
