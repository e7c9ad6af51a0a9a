import { bytesOf } from './content.ts';
import type { SnapshotStore, SnapshotWriter } from '@rsl/core/protocol';
import { SeededRandom } from '@rsl/core/testing';
import { describe, expect, test } from 'vitest';
import { aboutOf, metaFor } from './content.ts';
import { type Image, PlayedMedium } from './played-medium.ts';
import { openOn } from './stage.ts';

const options = { chunkBytes: 512 };
const lengths = [700, 5_000, 1_024];

/** What a program knows of a store that it writes to: which snapshots must and may be there. */
interface Known {
  must: ReadonlyMap<number, number>;
  may: ReadonlyMap<number, number>;
}

/** Commits, replaces, copies, condemns, discards; tells after each call what there may be. */
async function live(medium: PlayedMedium, onCall: (call: string, known: Known) => void) {
  const known: Known = { must: new Map(), may: new Map() };
  medium.onCall = (call) => onCall(call, { must: new Map(known.must), may: new Map(known.may) });
  const store = await openOn(medium, '/data', options);
  const commit = async (slot: number, length: number, writer: SnapshotWriter): Promise<void> => {
    const content = bytesOf(length);
    for (let at = writer.bytes; at < length; at += 300) {
      await writer.write(content.slice(at, at + 300));
    }
    const before = known.must.get(slot);
    known.may = new Map([[slot, length]]);
    // One that is replaced is there until the other is.
    known.must = new Map([...known.must].filter(([one]) => one !== slot));
    if (before !== undefined)
      known.may = new Map([
        [slot, length],
        [-slot, before],
      ]);
    await writer.commit();
    known.must = new Map([...known.must, [slot, length]]);
    known.may = new Map();
  };
  for (const [i, length] of lengths.entries()) {
    await commit(i + 1, length, await store.create(aboutOf(i + 1)));
  }
  await commit(3, 2_000, await store.create(aboutOf(3)));
  await commit(9, 3_000, await store.copy(metaFor(9, 3_000)));
  const left = await store.copy(metaFor(12, 4_000));
  await left.write(bytesOf(4_000).slice(0, 2_222));
  await left.leave();
  await commit(12, 4_000, await store.copy(metaFor(12, 4_000)));
  // Until the call has ended it may be there; from then on no crash brings it back.
  known.must = new Map([...known.must].filter(([slot]) => slot !== 9));
  known.may = new Map([[9, 3_000]]);
  await store.condemn(metaFor(9, 3_000));
  known.may = new Map([...known.must].filter(([slot]) => slot < 3));
  known.must = new Map([...known.must].filter(([slot]) => slot >= 3));
  await store.discard(3);
  await store.close();
}

async function foundIn(store: SnapshotStore): Promise<Map<number, number>> {
  const found = new Map<number, number>();
  for (const meta of await store.list()) {
    const reader = await store.open(meta);
    await reader.verify();
    await reader.close();
    found.set(meta.slot, meta.bytes);
  }
  return found;
}

describe('a crash after any call of the medium', () => {
  test('leaves the committed snapshots as they were, and no other visible', async () => {
    const random = new SeededRandom(1);
    const cases: { image: Image; known: Known }[] = [];
    const medium = new PlayedMedium();
    await live(medium, (call, known) => {
      for (const image of medium.images(call, (below) => random.below(below))) {
        cases.push({ image, known });
      }
    });
    expect(cases.length).toBeGreaterThan(400);
    for (const { image, known } of cases) {
      const after = new PlayedMedium(image.files);
      const store = await openOn(after, '/data', options);
      const found = await foundIn(store);
      for (const [slot, length] of known.must) expect(found.get(slot), image.after).toBe(length);
      for (const [slot, length] of found) {
        const allowed = [known.must.get(slot), known.may.get(slot), known.may.get(-slot)];
        expect(allowed, `${image.after}, slot ${slot}`).toContain(length);
      }
      // And it goes on from there.
      const writer = await store.create(aboutOf(20));
      await writer.write(bytesOf(600));
      await writer.commit();
      const copy = await store.copy(metaFor(12, 4_000));
      await copy.write(bytesOf(4_000).slice(copy.bytes));
      await copy.commit();
      expect((await foundIn(store)).get(20)).toBe(600);
      await store.close();
    }
  });
});
