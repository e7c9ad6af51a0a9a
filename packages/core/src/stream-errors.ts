import { RslError } from './errors.ts';
import type { Slot } from './paxos/slot.ts';

export class StreamBehindError extends RslError {
  override readonly name = 'StreamBehindError';
  /** The slot that the stream would have given next. */
  readonly slot: Slot;
  /** The oldest slot that this replica still keeps for streams. */
  readonly firstSlot: Slot;
  constructor(slot: Slot, firstSlot: Slot) {
    super(
      'RSL_STREAM_BEHIND',
      'none',
      `slot ${slot} is not kept any more, the first one is ${firstSlot} (streamBytesMax); read ` +
        'the state and `executedThrough` together, and begin anew after that slot',
    );
    this.slot = slot;
    this.firstSlot = firstSlot;
  }
}
