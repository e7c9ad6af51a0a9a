import { ensures, requires } from '@rsl/contracts';
import { missingSlot } from '../host/recovery.ts';
import type { Slot } from '../paxos/slot.ts';
import type { Value } from '../paxos/value.ts';
import type { LogStore } from '../ports/log-store.ts';
import { writeSlot } from './records.ts';
import type { RingWriter } from './ring.ts';
import { slotRecord } from './words.ts';

export interface SlotFeedOptions {
  readonly ring: RingWriter;
  readonly log: Pick<LogStore, 'read'>;
  /** Values read from the log at once. */
  readonly readBytesMax: number;
  /** Calls `run` when all that was released before is in the log. */
  readonly whenDurable: (run: () => void) => void;
  readonly failed: (error: unknown) => void;
}

/**
 * Decided slots, in order, for an application that may be slower than they come, or stand still.
 * While there is room in the ring they go through it. When there is none, the values are not kept:
 * it is remembered only through which slot was sent and through which was released, and what lies
 * between is read from the log, where released values are, whenever there is room again.
 */
export class SlotFeed {
  readonly #options: SlotFeedOptions;
  #sentThrough: Slot = 0;
  #releasedThrough: Slot = 0;
  /** Slots above were released by this start of the replica. */
  #replayThrough: Slot = 0;
  #reading = false;
  #jumps = 0;
  #ended = false;
  /** Reads of the log that a full ring has caused. */
  reads = 0;

  constructor(options: SlotFeedOptions) {
    this.#options = options;
  }

  get sentThrough(): Slot {
    return this.#sentThrough;
  }

  get releasedThrough(): Slot {
    return this.#releasedThrough;
  }

  /** The application has everything through `sent`; the log knows `decided` to be decided. */
  begin(sent: Slot, decided: Slot): void {
    this.#sentThrough = sent;
    this.#releasedThrough = Math.max(sent, decided);
    this.#replayThrough = decided;
    this.goOn();
  }

  release(slot: Slot, value: Value): void {
    requires(
      () => slot === this.#releasedThrough + 1,
      'feed-1 slots are released in their order, each once (P7)',
    );
    const isNext = this.#sentThrough === this.#releasedThrough && !this.#reading;
    this.#releasedThrough = slot;
    if (isNext) this.#send(slot, value);
  }

  /** The application has the state after `slot` from elsewhere; what comes before is not sent. */
  jump(slot: Slot): void {
    requires(() => slot >= this.#releasedThrough, 'feed-3 a feed goes forward only (P7)');
    this.#sentThrough = slot;
    this.#releasedThrough = slot;
    this.#jumps += 1;
  }

  /** Sends what waits, as far as there is room. */
  goOn(): void {
    if (this.#ended || this.#reading || !this.#options.ring.flush()) return;
    if (this.#sentThrough >= this.#releasedThrough || !this.#hasRoom) return;
    this.#reading = true;
    this.reads += 1;
    const through = this.#releasedThrough;
    const from = this.#sentThrough + 1;
    // A slot may be released before its value is durable here: the log would show an older vote.
    const jumps = this.#jumps;
    this.#options.whenDurable(() => this.#read(from, through, jumps));
  }

  end(): void {
    this.#ended = true;
  }

  get #hasRoom(): boolean {
    const { ring } = this.#options;
    return ring.used <= ring.capacity / 2;
  }

  #read(from: Slot, through: Slot, jumps: number): void {
    if (this.#hasJumped(jumps)) return;
    this.#options.log.read(from, through, this.#options.readBytesMax).then(
      (stored) => {
        if (this.#hasJumped(jumps)) return;
        if (stored.length === 0) return this.#failed(missingSlot(from));
        this.#reading = false;
        // If one did not fit after all, it is not read again before the next call.
        if (stored.every(({ slot, value }) => this.#send(slot, value))) this.goOn();
      },
      (error: unknown) => {
        if (!this.#hasJumped(jumps)) this.#failed(error);
      },
    );
  }

  /** True if it has jumped since a read was due: what that brings is not wanted, or is gone. */
  #hasJumped(before: number): boolean {
    if (before === this.#jumps) return false;
    this.#reading = false;
    this.goOn();
    return true;
  }

  #send(slot: Slot, value: Value): boolean {
    const live = slot > this.#replayThrough;
    if (this.#ended || !this.#options.ring.offer(slotRecord, writeSlot({ slot, live, value })))
      return false;
    ensures(() => slot === this.#sentThrough + 1, 'feed-2 no slot is left out or sent twice (P7)');
    this.#sentThrough = slot;
    return true;
  }

  #failed(error: unknown): void {
    if (!this.#ended) this.#options.failed(error);
  }
}
