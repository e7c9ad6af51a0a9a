import { expect, test } from 'vitest';
import { noOp, type Value } from '../paxos/value.ts';
import { ExecutedSlots } from './executed-slots.ts';
import { executedStream } from './executed-stream.ts';
import { systemClock } from './system-clock.ts';

const MiB = 1024 * 1024;

function slots({ streamBytesMax = MiB, streamsMax = 4 } = {}): ExecutedSlots {
  return new ExecutedSlots({ streamBytesMax, streamsMax });
}

const ofBytes = (length: number): Value => ({ bytes: new Uint8Array(length), checksum: 0 });

const add = (kept: ExecutedSlots, slot: number, value: Value | undefined = noOp): void =>
  kept.add({ slot, timeMs: slot, value, places: undefined });

test('the newest slots are kept, as many as there is room for', () => {
  const kept = slots({ streamBytesMax: 3_000 });
  for (let slot = 1; slot <= 10; slot += 1) add(kept, slot, ofBytes(744));
  expect([kept.firstSlot, kept.bytes]).toEqual([8, 3_000]);
  expect(() => kept.at(7)).toThrowError(
    expect.objectContaining({ code: 'RSL_STREAM_BEHIND', slot: 7, firstSlot: 8 }) as Error,
  );
  expect([8, 9, 10, 11].map((slot) => kept.at(slot)?.slot)).toEqual([8, 9, 10, undefined]);
});

test('the newest slot is there, however large', () => {
  const kept = slots({ streamBytesMax: 1 });
  add(kept, 1, ofBytes(MiB));
  add(kept, 2, ofBytes(MiB));
  expect([kept.firstSlot, kept.at(2)?.value?.bytes.length]).toEqual([2, MiB]);
});

test('slots without commands take room too', () => {
  const kept = slots({ streamBytesMax: 1_024 });
  for (let slot = 1; slot <= 100; slot += 1) {
    kept.add({ slot, timeMs: 0, value: undefined, places: undefined });
  }
  expect([kept.firstSlot, kept.bytes]).toEqual([97, 1_024]);
});

test('the next slot, a signal or the end wakes who waits, and nothing of it stays', async () => {
  const kept = slots();
  const stop = new AbortController();
  const woken = [kept.changed(undefined), kept.changed(stop.signal)];
  add(kept, 1);
  await Promise.all(woken);
  const byEnd = kept.changed(undefined);
  const bySignal = kept.changed(stop.signal);
  expect(kept.waiting).toBe(2);
  stop.abort();
  expect(kept.waiting).toBe(1);
  kept.close(undefined);
  expect(kept.waiting).toBe(0);
  await Promise.all([bySignal, byEnd]);
});

test('a signal ends a stream, also one that has something to give', async () => {
  const kept = slots();
  add(kept, 1);
  const signal = AbortSignal.abort(new Error('enough'));
  const options = { clock: systemClock, decode: String, from: 1, signal };
  await expect(executedStream(kept, options).next()).rejects.toMatchObject({
    code: 'RSL_ABORTED',
    cause: { message: 'enough' },
  });
});

test('more streams than the limit do not wait', async () => {
  const kept = slots({ streamsMax: 1 });
  const first = kept.changed(undefined);
  await expect(kept.changed(undefined)).rejects.toMatchObject({
    code: 'RSL_OVERLOADED',
    limit: 'streamsMax',
  });
  add(kept, 1);
  await first;
});

test('after the end nothing is kept, and everybody is told', () => {
  const kept = slots();
  add(kept, 1);
  kept.close(undefined);
  expect(kept.bytes).toBe(0);
  expect(() => kept.at(1)).toThrowError(expect.objectContaining({ code: 'RSL_CLOSED' }) as Error);
});
