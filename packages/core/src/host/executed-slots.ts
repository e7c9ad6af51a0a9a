import { ensures, requires } from '@rsl/contracts';
import { ClosedError, OverloadedError, type RslError } from '../errors.ts';
import type { Limits } from '../limits.ts';
import type { Slot } from '../paxos/slot.ts';
import type { Value } from '../paxos/value.ts';
import { StreamBehindError } from '../stream-errors.ts';

/** One slot, as it was executed here. */
export interface KeptSlot {
  readonly slot: Slot;
  /** Group time after it. */
  readonly timeMs: number;
  /** The batch; undefined if nothing of it was executed. */
  readonly value: Value | undefined;
  /** Which commands of the batch were executed; undefined: all of them. */
  readonly places: Uint32Array | undefined;
}

/** What a slot takes here beside its value, about. */
const slotBytes = 256;

/**
 * The newest executed slots, consecutive, at most `streamBytesMax` bytes: all that streams are made
 * of. They are kept whether anybody reads them or not, so that no reader holds up the replica or
 * makes it keep more.
 */
export class ExecutedSlots {
  readonly #limits: Pick<Limits, 'streamBytesMax' | 'streamsMax'>;
  readonly #slots = new Map<Slot, KeptSlot>();
  readonly #waiting = new Set<() => void>();
  #bytes = 0;
  #first: Slot = 1;
  #next: Slot = 1;
  #closed: ClosedError | undefined;

  constructor(limits: Pick<Limits, 'streamBytesMax' | 'streamsMax'>) {
    this.#limits = limits;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Streams that wait for the next slot. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** The oldest slot that is here; the next one to come if there is none. */
  get firstSlot(): Slot {
    return this.#first;
  }

  /** What came up to `slot` is not known here. */
  begin(slot: Slot): void {
    this.#slots.clear();
    this.#bytes = 0;
    this.#first = slot + 1;
    this.#next = slot + 1;
  }

  /** Slots up to this one come no more: who waits for one of them hears that. */
  passOver(slot: Slot): void {
    this.begin(slot);
    this.#wake();
  }

  add(kept: KeptSlot): void {
    requires(() => kept.slot === this.#next, 'kept-1 every executed slot, in order (P7)');
    this.#slots.set(kept.slot, kept);
    this.#bytes += bytesOf(kept);
    this.#next = kept.slot + 1;
    this.#forget();
    ensures(
      () => this.#bytes <= this.#limits.streamBytesMax || this.#first === kept.slot,
      'kept-2 within its bytes, but for the newest slot',
    );
    ensures(() => this.#slots.size === this.#next - this.#first, 'kept-3 without a gap');
    this.#wake();
  }

  /**
   * Undefined: not executed yet. RSL_STREAM_BEHIND: no longer here; RSL_CLOSED: the replica has
   * ended, and so have its streams.
   */
  at(slot: Slot): KeptSlot | undefined {
    if (this.#closed !== undefined) throw this.#closed;
    if (slot < this.#first) throw new StreamBehindError(slot, this.#first);
    return this.#slots.get(slot);
  }

  /** Resolves when a slot was executed, the signal fires, or the replica ends. */
  changed(signal: AbortSignal | undefined): Promise<void> {
    const { streamsMax } = this.#limits;
    if (this.#waiting.size >= streamsMax) {
      const why = `${streamsMax} streams wait for the next slot (streamsMax); end some of them`;
      return Promise.reject(new OverloadedError('streamsMax', why));
    }
    return new Promise((resolve) => {
      const wake = (): void => {
        this.#waiting.delete(wake);
        signal?.removeEventListener('abort', wake);
        resolve();
      };
      this.#waiting.add(wake);
      signal?.addEventListener('abort', wake);
    });
  }

  close(cause: RslError | undefined): void {
    const why = cause === undefined ? 'was closed' : `stopped: ${cause.message}`;
    this.#closed = new ClosedError(`the replica ${why}; go on at another one`, { cause });
    this.begin(this.#next - 1);
    this.#wake();
  }

  #wake(): void {
    for (const wake of this.#waiting) wake();
  }

  /** The newest stays, however large: whoever keeps up misses nothing. */
  #forget(): void {
    while (this.#bytes > this.#limits.streamBytesMax && this.#first < this.#next - 1) {
      this.#bytes -= bytesOf(this.#slots.get(this.#first) as KeptSlot);
      this.#slots.delete(this.#first);
      this.#first += 1;
    }
  }
}

export const bytesOf = ({ value, places }: KeptSlot): number =>
  slotBytes + (value?.bytes.length ?? 0) + (places?.byteLength ?? 0);
