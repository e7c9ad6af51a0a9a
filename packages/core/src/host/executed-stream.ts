import { requires } from '@rsl/contracts';
import type { ExecutedSlot } from '../api.ts';
import { BatchReader } from '../codec/batch.ts';
import { AbortedError } from '../errors.ts';
import type { Slot } from '../paxos/slot.ts';
import type { Clock } from '../ports/clock.ts';
import { bytesOf, type ExecutedSlots, type KeptSlot } from './executed-slots.ts';

export interface StreamOptions<C> {
  readonly from: Slot;
  readonly signal: AbortSignal | undefined;
  readonly decode: (command: Uint8Array) => C;
  readonly clock: Clock;
}

/** What a stream gives before the replica gets a turn. */
const turnBytesMax = 256 * 1024;

/** What was executed, slot by slot, as fast as it is asked for. */
export async function* executedStream<C>(
  slots: ExecutedSlots,
  { clock, decode, from, signal }: StreamOptions<C>,
): AsyncGenerator<ExecutedSlot<C>, void, void> {
  const reader = new BatchReader();
  let next = from;
  let bytes = 0;
  for (;;) {
    if (signal?.aborted) throw new AbortedError(signal.reason);
    const kept = slots.at(next);
    if (kept === undefined) {
      await slots.changed(signal);
    } else if (bytes >= turnBytesMax) {
      bytes = 0;
      await new Promise<void>((resolve) => clock.soon(resolve));
    } else {
      requires(() => kept.slot === next, 'stream-1 each slot once, in order');
      bytes += bytesOf(kept);
      next += 1;
      yield itemOf(kept, reader, decode);
    }
  }
}

function itemOf<C>(
  { places, slot, timeMs, value }: KeptSlot,
  reader: BatchReader,
  decode: (command: Uint8Array) => C,
): ExecutedSlot<C> {
  if (value === undefined) return { slot, timeMs, commands: [] };
  reader.open(value);
  const commandAt = (place: number): C =>
    decode(reader.bytes.subarray(reader.start(place), reader.end(place)));
  const count = places?.length ?? reader.count;
  const commands = Array.from({ length: count }, (_, i) => commandAt(places?.[i] ?? i));
  return { slot, timeMs, commands };
}
