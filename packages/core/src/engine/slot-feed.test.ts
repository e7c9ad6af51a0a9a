import { expect, test } from 'vitest';
import { sealed } from '../codec/checksum.ts';
import type { Slot } from '../paxos/slot.ts';
import type { Value } from '../paxos/value.ts';
import type { StoredValue } from '../ports/log-store.ts';
import { readSlot, type SlotRecord } from './records.ts';
import { RingReader, ringMemory, RingWriter } from './ring.ts';
import { SlotFeed } from './slot-feed.ts';

/** Four of them fill the ring. */
const valueOf = (slot: Slot): Value => sealed(new Uint8Array(900).fill(slot % 256));

function stage() {
  const memory = ringMemory(4_096);
  const reader = new RingReader(memory);
  const stored = new Map<Slot, Value>();
  const durable: (() => void)[] = [];
  const reads: Slot[] = [];
  const failures: unknown[] = [];
  const feed = new SlotFeed({
    ring: new RingWriter(memory, () => undefined),
    log: {
      read: async (from, to, bytesMax) => {
        reads.push(from);
        const found: StoredValue[] = [];
        for (let slot = from; slot <= to && 900 * found.length < bytesMax; slot += 1) {
          const value = stored.get(slot);
          if (value === undefined) break;
          found.push({ slot, ballot: undefined, value });
        }
        return found;
      },
    },
    readBytesMax: 2_000,
    whenDurable: (run) => durable.push(run),
    failed: (error) => failures.push(error),
  });
  const release = (slot: Slot): void => feed.release(slot, valueOf(slot));
  const take = (): SlotRecord | undefined => {
    let record: SlotRecord | undefined;
    reader.read((_, bytes) => (record = readSlot(bytes)));
    return record;
  };
  /** Everything that was released gets into the log, and is read from there. */
  const settle = async (): Promise<void> => {
    for (let slot = 1; slot <= feed.releasedThrough; slot += 1)
      if (!stored.has(slot)) stored.set(slot, valueOf(slot));
    for (const run of durable.splice(0)) run();
    for (let turns = 0; turns < 5; turns += 1) await Promise.resolve();
  };
  return { feed, durable, failures, reads, release, settle, stored, take };
}

test('slots go through the ring as they are released, and the log is not read', () => {
  const { feed, reads, release, take } = stage();
  feed.begin(0, 0);
  release(1);
  release(2);
  expect([take(), take(), take()]).toMatchObject([
    { slot: 1, live: true, value: valueOf(1) },
    { slot: 2, live: true },
    undefined,
  ]);
  expect(reads).toEqual([]);
});

test('behind a full ring nothing is kept, and everything comes in order from the log', async () => {
  // A state machine that stands still must not make its engine keep a group’s whole load.
  const { feed, reads, release, settle, take } = stage();
  feed.begin(0, 0);
  for (let slot = 1; slot <= 20; slot += 1) release(slot);
  expect(feed.sentThrough).toBeLessThan(5);
  expect(reads).toEqual([]);
  const slots: Slot[] = [];
  for (let turns = 0; turns < 50; turns += 1) {
    for (let record = take(); record !== undefined; record = take()) {
      expect(record.value).toEqual(valueOf(record.slot));
      slots.push(record.slot);
    }
    feed.goOn();
    await settle();
    // Released while the log is read.
    if (turns === 3) release(21);
  }
  expect(slots).toEqual(Array.from({ length: 21 }, (_, i) => i + 1));
  release(22);
  expect(take()).toMatchObject({ slot: 22 });
});

test('the log is read only once what was released is durable', () => {
  // Before, it may still show the value of an older vote: others would execute another one.
  const { durable, feed, reads, release, take } = stage();
  feed.begin(0, 0);
  for (let slot = 1; slot <= 6; slot += 1) release(slot);
  while (take() !== undefined);
  feed.goOn();
  feed.goOn();
  expect(reads).toEqual([]);
  expect(durable).toHaveLength(1);
  durable[0]?.();
  expect(reads).toEqual([feed.sentThrough + 1]);
});

test('what was read and does not fit is read again at the next call, not at once', async () => {
  // Half of the memory is free, but not in one piece. Reading again and again until there is room
  // would keep the engine's thread from everything else.
  const { feed, reads, release, settle, stored, take } = stage();
  feed.begin(0, 0);
  release(1);
  release(2);
  take();
  release(3);
  const large = sealed(new Uint8Array(1_860));
  feed.release(4, large);
  stored.set(4, large);
  feed.goOn();
  for (let turns = 0; turns < 20; turns += 1) await settle();
  expect(reads).toEqual([4]);
  take();
  take();
  feed.goOn();
  await settle();
  expect(take()).toMatchObject({ slot: 4, value: large });
});

test('what the log knew at the start is replayed, and is not live', async () => {
  const { feed, release, settle, stored, take } = stage();
  for (const slot of [1, 2]) stored.set(slot, valueOf(slot));
  feed.begin(0, 2);
  await settle();
  release(3);
  expect([take(), take(), take()].map((r) => [r?.slot, r?.live])).toEqual([
    [1, false],
    [2, false],
    [3, true],
  ]);
});

test('a decided slot that the log does not have ends the replica', async () => {
  const { durable, failures, feed } = stage();
  feed.begin(0, 1);
  for (const run of durable) run();
  for (let turns = 0; turns < 5; turns += 1) await Promise.resolve();
  expect(failures).toMatchObject([{ code: 'RSL_LOG_CORRUPT' }]);
});

test('when the application has a later state from elsewhere, it goes on behind that', async () => {
  const { feed, failures, release, settle, take } = stage();
  feed.begin(0, 0);
  for (let slot = 1; slot <= 9; slot += 1) release(slot);
  while (take() !== undefined);
  feed.goOn();
  feed.jump(20);
  release(21);
  // The read that was due is of slots before it; the next one is not.
  await settle();
  await settle();
  expect(take()).toMatchObject({ slot: 21, live: true, value: valueOf(21) });
  expect([feed.sentThrough, feed.releasedThrough]).toEqual([21, 21]);
  expect(failures).toEqual([]);
});

test('a read of what the log forgets after such a jump is no failure', async () => {
  const { feed, failures, durable, release, take } = stage();
  feed.begin(0, 0);
  for (let slot = 1; slot <= 9; slot += 1) release(slot);
  while (take() !== undefined);
  feed.goOn();
  expect(durable).toHaveLength(1);
  feed.jump(20);
  // The log has none of them.
  durable.shift()?.();
  for (let turns = 0; turns < 5; turns += 1) await Promise.resolve();
  release(21);
  expect(take()).toMatchObject({ slot: 21 });
  expect(durable).toEqual([]);
  expect(failures).toEqual([]);
});

test('an application with a later state than the log knows of gets what follows', () => {
  const { feed, release, take } = stage();
  feed.begin(7, 5);
  release(8);
  expect(take()).toMatchObject({ slot: 8, live: true });
});
