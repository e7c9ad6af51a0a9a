// Story 3 of the package, on whole replicas: from far behind, while connections break and die.
import { afterEach, expect, test } from 'vitest';
import { Group, until } from './group.ts';
import { KeyValues } from './key-values.ts';

let group: Group;

afterEach(async () => {
  await group.close();
});

const keys = 300;
const value = 'v'.repeat(8 * 1024);
const command = (i: number): Uint8Array => Buffer.from(`key${i % keys}=${i} ${value}`);
const contentOf = (id: number): string =>
  JSON.stringify((group.machines.get(id) as KeyValues).entries);

const options = {
  everySlots: 100,
  everyBytes: 0,
  retainSlots: 5,
  spareSnapshots: 0,
  askMs: 50,
  gatherMs: 50,
  askAgainMs: 50,
  stallMs: 100,
  giveUpMs: 1_000,
  chunkBytes: 16 * 1024,
  windowChunks: 4,
  // Slow enough for all that is to happen meanwhile.
  bytesPerSecondMax: 1_500_000,
};

/** A group of three, two of which have gone on without the third, and keep nothing for it. */
async function farBehind(): Promise<number> {
  // A leader teaches from memory what its log has lost: here it remembers little.
  const limits = { cacheBytesMax: 64 * 1024 };
  const machine = (): KeyValues => new KeyValues();
  group = await new Group({ machine, limits, snapshots: options }).formed();
  const { id } = await group.follower();
  const through = group.at(id).executedThrough;
  await group.stop(id);
  const running = [...group.replicas.values()];
  for (let i = 0; i < 2 * keys; i += 1) await running[0]?.propose(command(i));
  await until('nobody keeps its next slot', () =>
    running.every((replica) => replica.status().firstSlot > through + 1),
  );
  return id;
}

test('from far behind it goes on after cuts, its restart and the death of a source', async () => {
  const id = await farBehind();
  const here = (): number => group.shelf(id).left?.bytes.length ?? 0;
  const copying = group.shelf(id);
  await group.start(id);
  for (const bytes of [300_000, 600_000, 900_000]) {
    await until(`${bytes} bytes`, () => here() >= bytes);
    const { left } = copying;
    let lost = 0;
    group.arrives = (from, to) => {
      const isCut = from === id || to === id;
      lost += isCut ? 1 : 0;
      return !isCut;
    };
    await until('its frames are missed', () => lost >= 50);
    group.arrives = () => true;
    expect(copying.left?.meta).toEqual(left?.meta);
    expect(here()).toBeGreaterThanOrEqual(bytes);
  }

  const left = copying.left?.meta;
  const bytes = here();
  expect(bytes).toBeGreaterThan(0);
  await group.stop(id);
  await group.start(id);
  await until('it goes on', () => here() > bytes || copying.snapshots.size > 0);
  if (copying.left !== undefined) expect(copying.left.meta).toEqual(left);
  // If that was the only one to have it, another one is copied.
  const others = [...group.replicas.keys()].filter((other) => other !== id);
  await group.stop(others[0] as number);

  await until('both are equal', () => contentOf(id) === contentOf(others[1] as number));
  expect(contentOf(id).length).toBeGreaterThan(keys * value.length);
}, 60_000);
