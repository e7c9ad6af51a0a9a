import { invariant, requires } from '@rsl/contracts';
import { type ControlType, envelopeBytes, envelopeTypes } from './framing.ts';
import type { Counters } from './counters.ts';
import { firstSlabBytes, type Piece, PieceQueue, type SlabPool } from './piece-queue.ts';

/** One write takes no more than this, or one frame: then room is noticed before all is sent. */
export const writeBytesMax = 1024 * 1024;
/** What one channel may put into a write before it is another's turn; or one frame. */
export const turnBytes = 64 * 1024;

/** What goes out in one write. */
export interface Batch {
  readonly pieces: readonly Piece[];
  readonly bytes: number;
}

/** Bounds of what waits. */
export interface OutgoingLimits {
  /** The largest frame that both sides take. */
  frameBytesMax: number;
  /** Of each channel. */
  readonly sendQueueBytesMax: number;
}

/** The frames of one channel that the kernel has not taken, in order. */
export class SendQueue {
  readonly channel: number;
  readonly #out: Outgoing;
  readonly #room: () => void;
  readonly #pieces: PieceQueue;
  /** Of frames, with their envelopes: not in the write under way, and in it. */
  #waiting = 0;
  #leaving = 0;
  /** For so many bytes there has to be room before `room` is said; 0 if nobody waits for it. */
  #owedBytes = 0;

  constructor(channel: number, out: Outgoing, slabs: SlabPool, room: () => void) {
    this.channel = channel;
    this.#out = out;
    this.#room = room;
    this.#pieces = new PieceQueue(slabs, firstSlabBytes);
  }

  get queuedBytes(): number {
    return this.#waiting + this.#leaving;
  }

  /** Nothing of it lies outside the write under way. */
  get isEmpty(): boolean {
    return this.#pieces.bytes === 0;
  }

  /** Queues one frame; false if there is no room, it is too large, or the connection is over. */
  send(parts: readonly Uint8Array[]): boolean {
    let bytes = 0;
    for (const part of parts) bytes += part.length;
    requires(() => bytes > 0, 'tcp-14 no frame is empty');
    const out = this.#out;
    const { frameBytesMax, sendQueueBytesMax } = out.limits;
    const whole = bytes + envelopeBytes;
    const fits = bytes <= frameBytesMax && whole <= sendQueueBytesMax - this.queuedBytes;
    if (out.isOver || bytes === 0 || !fits) {
      this.#owedBytes = Math.max(this.#owedBytes, Math.min(whole, sendQueueBytesMax));
      out.owes(this);
      return false;
    }
    if (out.isWriting || !this.isEmpty) {
      if (this.isEmpty) out.waits(this);
      this.#pieces.pushFrame(this.channel, parts, bytes);
      this.#waiting += whole;
      out.waitingBytes += whole;
    } else {
      out.front.pushFrame(this.channel, parts, bytes);
      if (this.#leaving === 0) out.contributes(this);
      this.#leaving += whole;
    }
    out.counters.framesOut += 1;
    out.wake();
    return true;
  }

  /** What is said about the channel behind its frames. */
  say(type: ControlType): void {
    if (this.#out.isOver) return;
    this.#pieces.pushControl(envelopeTypes[type], this.channel, new Uint8Array(0));
    this.#out.waits(this);
    this.#out.wake();
  }

  /** Forgets what no write has begun with. */
  drop(): void {
    this.#pieces.clear();
    this.#out.waitingBytes -= this.#waiting;
    this.#waiting = this.#owedBytes = 0;
  }

  /** Its turn: whole frames of it join the next write. */
  moveTo(front: PieceQueue): void {
    const pieces = this.#pieces.takeAbout(turnBytes);
    let counted = 0;
    for (const piece of pieces) counted += piece.counted;
    if (this.#leaving === 0 && counted > 0) this.#out.contributes(this);
    this.#waiting -= counted;
    this.#leaving += counted;
    this.#out.waitingBytes -= counted;
    invariant(() => this.#waiting >= 0, 'tcp-11 what leaves has waited');
    front.adopt(pieces);
  }

  /** The write under way has ended. */
  left(): void {
    this.#leaving = 0;
  }

  clear(): void {
    this.drop();
    this.#leaving = 0;
  }

  /** True once nobody waits for room any more; says so to whoever did. */
  noticeRoom(): boolean {
    if (this.#owedBytes === 0) return true;
    // Half of it, so that drains are few; and what was refused fits, or they would be in vain.
    const { sendQueueBytesMax } = this.#out.limits;
    const { queuedBytes } = this;
    if (queuedBytes * 2 > sendQueueBytesMax) return false;
    if (queuedBytes + this.#owedBytes > sendQueueBytesMax) return false;
    this.#owedBytes = 0;
    this.#room();
    return true;
  }
}

/**
 * What one connection has to send, for all its channels. While the kernel takes everything, frames
 * go into the next write as they come. While it does not, each channel has a queue of its own, and
 * whoever waits puts `turnBytes` into each write, one channel after the other: a frame waits for
 * the write under way and one turn of each other channel, however much another has queued.
 */
export class Outgoing {
  readonly limits: OutgoingLimits;
  readonly counters: Counters;
  readonly wake: () => void;
  /** The next write, as far as it is put together. */
  readonly front: PieceQueue;
  readonly #slabs: SlabPool;
  /** What comes before all frames while a write is under way. */
  readonly #control: PieceQueue;
  /** Channels with frames that wait, in the order of their turns. */
  readonly #waiting = new Set<SendQueue>();
  /** Channels with frames in the next write, or in the one under way. */
  #contributing: SendQueue[] = [];
  readonly #owing = new Set<SendQueue>();
  /** Of frames that wait in the channels' queues. */
  waitingBytes = 0;
  isWriting = false;
  isOver = false;

  constructor(
    limits: OutgoingLimits,
    { slabs, counters }: { readonly slabs: SlabPool; readonly counters: Counters },
    wake: () => void,
  ) {
    this.limits = limits;
    this.counters = counters;
    this.wake = wake;
    this.#slabs = slabs;
    this.front = new PieceQueue(slabs);
    this.#control = new PieceQueue(slabs, firstSlabBytes);
  }

  newQueue(channel: number, room: () => void): SendQueue {
    return new SendQueue(channel, this, this.#slabs, room);
  }

  /** Something waits that no write has begun with. */
  get hasMore(): boolean {
    return this.front.bytes > 0 || this.#control.bytes > 0 || this.#waiting.size > 0;
  }

  get controlBytes(): number {
    return this.#control.bytes;
  }

  /** What is said about channels that have no frames yet: in order, and before all frames. */
  say(type: ControlType, channel: number, body: Uint8Array): void {
    if (this.isOver) return;
    const queue = this.isWriting ? this.#control : this.front;
    queue.pushControl(envelopeTypes[type], channel, body);
    this.wake();
  }

  waits(queue: SendQueue): void {
    this.#waiting.add(queue);
  }

  contributes(queue: SendQueue): void {
    this.#contributing.push(queue);
  }

  owes(queue: SendQueue): void {
    this.#owing.add(queue);
    this.wake();
  }

  /** The next write, or undefined if nothing waits. `written` must be called when it is done. */
  next(pong: number | undefined, ping: number | undefined): Batch | undefined {
    requires(() => !this.isWriting, 'tcp-15 one write at a time');
    const { front } = this;
    if (pong !== undefined) front.pushPing('pong', pong);
    if (ping !== undefined) front.pushPing('ping', ping);
    if (this.#control.bytes > 0) front.adopt(this.#control.takeAll());
    // A queue that is added again goes behind all others: whoever had a turn waits for the next.
    for (const queue of this.#waiting) {
      if (front.bytes >= writeBytesMax) break;
      this.#waiting.delete(queue);
      queue.moveTo(front);
      if (!queue.isEmpty) this.#waiting.add(queue);
    }
    const { bytes } = front;
    if (bytes === 0) return undefined;
    this.isWriting = true;
    return { pieces: front.takeAll(), bytes };
  }

  /** The kernel has taken the batch: its slabs may be used again. */
  written(batch: Batch): void {
    this.isWriting = false;
    const left = this.#contributing;
    this.#contributing = [];
    for (const queue of left) queue.left();
    for (const { slab } of batch.pieces) if (slab !== undefined) this.#slabs.give(slab);
  }

  /** Tells whoever waits for room and has some. */
  noticeRoom(): void {
    if (this.#owing.size === 0) return;
    const owing = [...this.#owing];
    for (const queue of owing) {
      // Before it is told: it may send at once, and be refused again.
      this.#owing.delete(queue);
      if (!queue.noticeRoom()) this.#owing.add(queue);
    }
  }

  /** Forgets everything, for good. */
  clear(): void {
    this.isOver = true;
    for (const queue of [...this.#waiting, ...this.#contributing, ...this.#owing]) queue.clear();
    this.#contributing = [];
    this.#waiting.clear();
    this.#owing.clear();
    this.front.clear();
    this.#control.clear();
  }
}
