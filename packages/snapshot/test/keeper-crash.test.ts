import type { Slot, SnapshotMeta, Value } from '@rsl/core/protocol';
import {
  DigestMachine,
  type LoneLog,
  LoneMachine,
  MemoryShelf,
  SeededRandom,
} from '@rsl/core/testing';
import { expect, test } from 'vitest';
import { Stage } from './keeper-stage.ts';
import { type Image, PlayedMedium } from './played-medium.ts';
import { openOn } from './stage.ts';

const options = { chunkBytes: 512 };
const storeOn = (medium: PlayedMedium) => ({ open: () => openOn(medium, '/data', options) });

/** What is left of a replica: its medium, and its log. */
interface Crash {
  readonly image: Image;
  readonly log: LoneLog;
}

/** A digest of its own, and so much beside it that a snapshot has many chunks. */
class LargeMachine extends DigestMachine {
  override save(): Uint8Array[] {
    const filler = Buffer.alloc(3_000, `${this.digest}`);
    return [...super.save(), Buffer.from('\n'), filler];
  }

  override async load(chunks: AsyncIterable<Uint8Array>): Promise<void> {
    const parts: Uint8Array[] = [];
    for await (const chunk of chunks) parts.push(chunk);
    const [head = '', filler] = Buffer.concat(parts).toString().split('\n');
    await super.load(bytesOf(head));
    // Every byte is there, and of this snapshot.
    if (filler !== Buffer.alloc(3_000, `${this.digest}`).toString()) throw new Error('torn');
  }
}

async function* bytesOf(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text);
}

/** What a group has decided, and the digest after each slot. */
async function group(slots: number): Promise<{ values: Value[]; digests: number[] }> {
  const machine = new LargeMachine();
  const lone = new LoneMachine(machine);
  const digests = [0];
  for (let slot = 1; slot <= slots; slot += 1) {
    lone.execute(`command ${slot}`);
    digests.push(machine.digest);
  }
  const values = (await lone.log.read(1, slots)).map(({ value }) => value);
  return { values, digests };
}

/** A snapshot of the group's, at a peer. */
async function peerAt(
  slot: Slot,
  values: readonly Value[],
): Promise<[Stage<LargeMachine>, SnapshotMeta]> {
  const peer = await new Stage(new LargeMachine()).start(new MemoryShelf());
  peer.govern(peer.membership);
  for (const value of values.slice(0, slot)) peer.lone.executeValue(value);
  return [peer, (await peer.keeper.saveNow()).meta];
}

/** A life: it saves and discards, is left behind, copies, installs, goes on and saves again. */
async function live(
  values: readonly Value[],
  crashed: (after: string, stage: Stage<LargeMachine>) => void,
  medium: PlayedMedium,
) {
  const stage = new Stage(new LargeMachine());
  medium.onCall = (call) => crashed(call, stage);
  await stage.start(new MemoryShelf(), { store: storeOn(medium), everySlots: 6, keep: 2 });
  stage.govern(stage.membership);
  const cut = (before: Slot): void => {
    stage.log.cut(before);
    crashed(`cut before ${before}`, stage);
  };
  let heard = 0;
  const run = async (through: Slot): Promise<void> => {
    while (stage.log.lastSlot < through) {
      stage.lone.executeValue(values[stage.log.lastSlot] as Value);
      await stage.run(0);
      const told = stage.answersOf('snapshots');
      // As early as the layer ever may: what the newest durable snapshot covers.
      const newest = told.at(-1)?.snapshots[0]?.slot ?? 0;
      if (told.length > heard) cut(newest + 1);
      heard = told.length;
      for (let i = 0; i < 30; i += 1)
        await new Promise<void>((resolve) => void setImmediate(resolve));
    }
  };
  await run(20);
  const [peer, meta] = await peerAt(50, values);
  await stage.copyFrom(peer, meta);
  await stage.answer({ kind: 'install', meta }, 'installed');
  cut(51);
  await run(70);
  await stage.close();
  await peer.close();
}

test('a crash at any point of a save, a discard, a copy and an install loses nothing', async () => {
  const { values, digests } = await group(70);
  const random = new SeededRandom(1);
  const crashes: Crash[] = [];
  const medium = new PlayedMedium();
  await live(
    values,
    (after, stage) => {
      const log = stage.log.copy();
      for (const image of medium.images(after, (below) => random.below(below))) {
        crashes.push({ image, log });
      }
    },
    medium,
  );
  expect(crashes.length).toBeGreaterThan(600);
  const loadedAt = new Set<Slot>();
  for (const { image, log } of crashes) {
    const store = storeOn(new PlayedMedium(image.files));
    const { lastSlot } = log;
    const machine = new LargeMachine();
    const again = await new Stage(machine, log).start(new MemoryShelf(), { store });
    const { executedThrough } = again.lone.state;
    expect(executedThrough, image.after).toBeGreaterThanOrEqual(lastSlot);
    expect(machine.digest, image.after).toBe(digests[executedThrough]);
    loadedAt.add(again.slots[0] ?? 0);
    await again.close();
  }
  // Without a snapshot, with each that was saved, and with the one that was copied.
  expect([...loadedAt].sort((a, b) => a - b)).toEqual([0, 6, 12, 18, 50, 54, 60, 66]);
});
