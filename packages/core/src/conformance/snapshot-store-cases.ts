/**
 * The SnapshotStore kit: one case for each sentence of the port, with its words. A case calls
 * `open` twice to mean "restart"; every case needs a medium of its own that is empty at first.
 */
import assert from 'node:assert/strict';
import type { SnapshotStore } from '../ports/snapshot-store.ts';
import type { ConformanceCase } from './case.ts';
import {
  aboutOf,
  bytesOf,
  committed,
  contentOf,
  failsWith,
  metaFor,
  type OpenFullSnapshotStore,
  type OpenSnapshotStore,
  slotsOf,
  writtenTo,
} from './snapshot-store-stage.ts';

const newCases: readonly ConformanceCase<OpenSnapshotStore>[] = [
  {
    name: 'a new store has no snapshot',
    async run(open) {
      assert.deepEqual(await (await open()).list(), []);
    },
  },
  {
    name: 'list: the committed snapshots, the newest slot first, also after a restart',
    async run(open) {
      const store = await open();
      for (const slot of [2, 9, 4]) await committed(store, slot, 1_000 + slot);
      assert.deepEqual(slotsOf(await store.list()), [9, 4, 2]);
      const before = await store.list();
      await store.close();
      assert.deepEqual(await (await open()).list(), before);
    },
  },
  {
    name: 'a meta tells its slot, membership, layout, the bytes of its content and their SHA-256',
    async run(open) {
      const store = await open();
      for (const bytes of [0, 1, 100_000]) {
        const meta = await committed(store, bytes + 1, bytes);
        assert.deepEqual(meta, metaFor(bytes + 1, bytes));
      }
    },
  },
  {
    name: 'where: where a committed snapshot is, for people; each in its own place',
    async run(open) {
      const store = await open();
      const metas = [await committed(store, 1, 10), await committed(store, 2, 10)];
      const places = metas.map((meta) => store.where(meta));
      assert.ok(places.every((place) => place.length > 0));
      assert.equal(new Set(places).size, 2);
    },
  },
  {
    name: 'create: visible once it is committed, and not before',
    async run(open) {
      const store = await open();
      const writer = await store.create(aboutOf(3));
      await writtenTo(writer, bytesOf(50_000));
      assert.deepEqual(await store.list(), []);
      await writer.commit();
      assert.deepEqual(slotsOf(await store.list()), [3]);
    },
  },
  {
    name: 'create: takes the place of one of the same slot',
    async run(open) {
      const store = await open();
      await committed(store, 3, 100);
      const meta = await committed(store, 3, 200);
      assert.deepEqual(await store.list(), [meta]);
      assert.deepEqual(await contentOf(store, meta), bytesOf(200));
    },
  },
  {
    name: 'create: one at a time, RSL_INVALID_OPTION while another is being written',
    async run(open) {
      const store = await open();
      const writer = await store.create(aboutOf(1));
      await failsWith('RSL_INVALID_OPTION', store.create(aboutOf(2)));
      await writer.abort();
      await committed(store, 2, 10);
    },
  },
  {
    name: 'abort: nothing of it stays; after commit, and a second time, it does nothing',
    async run(open) {
      const store = await open();
      const writer = await store.create(aboutOf(5));
      await writtenTo(writer, bytesOf(5_000));
      await writer.abort();
      await writer.abort();
      assert.deepEqual(await store.list(), []);
      const other = await store.create(aboutOf(6));
      await other.commit();
      await other.abort();
      assert.deepEqual(slotsOf(await store.list()), [6]);
    },
  },
  {
    name: 'leave: of a new one, as abort',
    async run(open) {
      const store = await open();
      const writer = await store.create(aboutOf(5));
      await writtenTo(writer, bytesOf(5_000));
      await writer.leave();
      assert.deepEqual(await store.list(), []);
      const again = await store.create(aboutOf(5));
      assert.equal(again.bytes, 0);
      await again.abort();
    },
  },
  {
    name: 'write: any number of bytes at a time',
    async run(open) {
      const store = await open();
      const content = bytesOf(300_000);
      const writer = await store.create(aboutOf(1));
      let at = 0;
      for (const length of [0, 1, 65_535, 65_536, 1, 100_000, 300_000]) {
        assert.equal(writer.bytes, at);
        await writer.write(content.slice(at, at + length));
        at = Math.min(content.length, at + length);
      }
      const meta = await writer.commit();
      assert.equal(meta.bytes, content.length);
      assert.deepEqual(await contentOf(store, meta), content);
    },
  },
];

const copyCases: readonly ConformanceCase<OpenSnapshotStore>[] = [
  {
    name: 'copy: becomes the snapshot that somebody else has',
    async run(open) {
      const store = await open();
      const meta = metaFor(7, 200_000);
      const writer = await store.copy(meta);
      assert.equal(writer.bytes, 0);
      await writtenTo(writer, bytesOf(200_000));
      assert.deepEqual(await store.list(), []);
      assert.deepEqual(await writer.commit(), meta);
      assert.deepEqual(await store.list(), [meta]);
    },
  },
  {
    name: 'copy: goes on after the verified bytes that an earlier one of the very same left',
    async run(open) {
      const meta = metaFor(7, 3_000_000);
      const content = bytesOf(3_000_000);
      let store = await open();
      const first = await store.copy(meta);
      await writtenTo(first, content.slice(0, 2_500_000));
      await first.leave();
      await store.close();
      store = await open();
      const second = await store.copy(meta);
      assert.ok(second.bytes > 0 && second.bytes <= 2_500_000, `${second.bytes}`);
      await writtenTo(second, content.slice(second.bytes));
      assert.deepEqual(await second.commit(), meta);
      assert.deepEqual(await contentOf(store, meta), content);
    },
  },
  {
    name: 'left: of which one a copy has left bytes for a later one to go on with',
    async run(open) {
      const meta = metaFor(7, 3_000_000);
      let store = await open();
      assert.equal(await store.left(), undefined);
      const first = await store.copy(meta);
      await writtenTo(first, bytesOf(2_500_000));
      await first.leave();
      await store.close();
      store = await open();
      assert.deepEqual(await store.left(), { slot: 7, digest: meta.digest });
      await (await store.copy(meta)).abort();
      assert.equal(await store.left(), undefined);
    },
  },
  {
    name: 'copy: what another one left is removed',
    async run(open) {
      const store = await open();
      const first = await store.copy(metaFor(7, 3_000_000));
      await writtenTo(first, bytesOf(2_500_000));
      await first.leave();
      await (await store.copy(metaFor(8, 10))).abort();
      const again = await store.copy(metaFor(7, 3_000_000));
      assert.equal(again.bytes, 0);
      await again.abort();
    },
  },
  {
    name: 'copy: one at a time, beside one of create',
    async run(open) {
      const store = await open();
      const created = await store.create(aboutOf(2));
      const copied = await store.copy(metaFor(3, 10));
      await failsWith('RSL_INVALID_OPTION', store.copy(metaFor(4, 10)));
      await copied.abort();
      await created.abort();
      await (await store.copy(metaFor(4, 10))).abort();
    },
  },
  {
    name: 'commit: a copy that is not its meta’s rejects with RSL_SNAPSHOT_CORRUPT, and is removed',
    async run(open) {
      const store = await open();
      const meta = metaFor(7, 1_000);
      const content = bytesOf(1_000);
      const changed = content.slice();
      changed[500] = (changed[500] as number) ^ 1;
      for (const wrong of [changed, content.slice(1), new Uint8Array(0)]) {
        const writer = await store.copy(meta);
        assert.equal(writer.bytes, 0);
        await writtenTo(writer, wrong);
        await failsWith('RSL_SNAPSHOT_CORRUPT', writer.commit());
        assert.deepEqual(await store.list(), []);
      }
      const writer = await store.copy(meta);
      await writtenTo(writer, content);
      assert.deepEqual(await writer.commit(), meta);
    },
  },
];

const readCases: readonly ConformanceCase<OpenSnapshotStore>[] = [
  {
    name: 'read: at least one byte and at most bytesMax from offset on, none at the end',
    async run(open) {
      const store = await open();
      const meta = await committed(store, 1, 100_000);
      const content = bytesOf(100_000);
      const reader = await store.open(meta);
      assert.deepEqual(reader.meta, meta);
      for (const [offset, bytesMax] of [
        [0, 1],
        [99_999, 5],
        [12_345, 50_000],
        [65_535, 2],
      ] as const) {
        const bytes = await reader.read(offset, bytesMax);
        assert.ok(bytes.length >= 1 && bytes.length <= bytesMax);
        assert.deepEqual(plain(bytes), content.slice(offset, offset + bytes.length));
      }
      assert.equal((await reader.read(100_000, 10)).length, 0);
      assert.equal((await reader.read(100_001, 10)).length, 0);
      await reader.verify();
      await reader.close();
    },
  },
  {
    name: 'open: RSL_SNAPSHOT_GONE if it is not, or not any more, among the committed ones',
    async run(open) {
      const store = await open();
      const first = await committed(store, 1, 10);
      await failsWith('RSL_SNAPSHOT_GONE', store.open(metaFor(2, 10)));
      const second = await committed(store, 1, 11);
      await failsWith('RSL_SNAPSHOT_GONE', store.open(first));
      await store.discard(2);
      await failsWith('RSL_SNAPSHOT_GONE', store.open(second));
    },
  },
  {
    name: 'a reader: stays readable whatever is discarded or takes its place, until it is closed',
    async run(open) {
      const store = await open();
      const meta = await committed(store, 1, 600_000);
      const reader = await store.open(meta);
      await committed(store, 1, 10);
      const other = await store.open((await store.list())[0] as typeof meta);
      await store.discard(5);
      assert.deepEqual(await store.list(), []);
      await reader.verify();
      assert.deepEqual(plain(await reader.read(1_000, 10)), bytesOf(600_000).slice(1_000, 1_010));
      await other.verify();
      await reader.close();
      await reader.close();
      await other.close();
    },
  },
  {
    name: 'discard: removes the snapshots of slots below, also after a restart',
    async run(open) {
      const store = await open();
      for (const slot of [1, 2, 3]) await committed(store, slot, 10);
      await store.discard(3);
      assert.deepEqual(slotsOf(await store.list()), [3]);
      await store.discard(1);
      await store.close();
      assert.deepEqual(slotsOf(await (await open()).list()), [3]);
    },
  },
  {
    name: 'condemn: not listed any more, not after a restart either; others stay',
    async run(open) {
      const store = await open();
      for (const slot of [1, 2, 3]) await committed(store, slot, 10);
      for (const slot of [3, 2]) await store.condemn(metaFor(slot, 10));
      await store.condemn(metaFor(1, 11));
      assert.deepEqual(slotsOf(await store.list()), [1]);
      await store.close();
      assert.deepEqual(slotsOf(await (await open()).list()), [1]);
    },
  },
  {
    name: 'close: aborts what is being written, closes what is read; a second call does nothing',
    async run(open) {
      const store = await open();
      const meta = await committed(store, 1, 10);
      await store.open(meta);
      await writtenTo(await store.create(aboutOf(2)), bytesOf(10));
      await store.close();
      await store.close();
      const again = await open();
      assert.deepEqual(await again.list(), [meta]);
      await committed(again, 2, 10);
    },
  },
];

/** One case for each sentence of the port `SnapshotStore`. */
export const snapshotStoreCases: readonly ConformanceCase<OpenSnapshotStore>[] = [
  ...newCases,
  ...copyCases,
  ...readCases,
].map(withClosing);

/** For media that can be made full. */
export const fullSnapshotStoreCases: readonly ConformanceCase<OpenFullSnapshotStore>[] = [
  {
    name: 'RSL_STORAGE_FULL: old ones stay as they were, and with room it can be written (S5)',
    async run(open) {
      const { fill, free, store } = await open();
      const meta = await committed(store, 1, 1_000);
      fill();
      const writer = await store.create(aboutOf(2));
      const write = async (): Promise<unknown> => {
        await writtenTo(writer, bytesOf(5_000_000));
        return writer.commit();
      };
      await failsWith('RSL_STORAGE_FULL', write());
      await writer.abort();
      assert.deepEqual(await store.list(), [meta]);
      assert.deepEqual(await contentOf(store, meta), bytesOf(1_000));
      free();
      await committed(store, 2, 5_000_000);
      await store.close();
    },
  },
];

const plain = (bytes: Uint8Array): Uint8Array => Uint8Array.from(bytes);

/** Closes what a case leaves open, also when it fails. */
function withClosing(
  theCase: ConformanceCase<OpenSnapshotStore>,
): ConformanceCase<OpenSnapshotStore> {
  return {
    name: theCase.name,
    async run(open) {
      const stores: SnapshotStore[] = [];
      try {
        await theCase.run(async () => {
          const store = await open();
          stores.push(store);
          return store;
        });
      } finally {
        for (const store of stores) await store.close();
      }
    },
  };
}
