import { invariant, requires } from '@rsl/contracts';
import { envelopeBytes, envelopeTypes, pingBytes, writeEnvelope, writeU32 } from './framing.ts';

/** Small parts are copied together into slabs, so that many frames leave in one write. */
export const slabBytes = 64 * 1024;
/** From here on a part is passed to the kernel where it lies: copying it would cost more. */
export const passThroughBytes = 16 * 1024;
/** One write takes no more than this, or one part: then room is noticed before all is sent. */
const writeBytesMax = 1024 * 1024;
const slabsKeptMax = 64;

/** Slabs that wait for their next use, of all connections of a transport. */
export class SlabPool {
  readonly #free: Buffer[] = [];

  take(): Buffer {
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(slabBytes);
  }

  give(slab: Buffer): void {
    if (this.#free.length < slabsKeptMax) this.#free.push(slab);
  }
}

interface Piece {
  readonly bytes: Uint8Array;
  /** Bytes of it that count as queued: not those of pings and pongs. */
  readonly counted: number;
  /** Given back when this piece, the last of its slab, has been written. */
  readonly slab: Buffer | undefined;
}

/** What goes out in one write. */
export interface Batch {
  readonly pieces: readonly Piece[];
  readonly bytes: number;
  readonly counted: number;
}

/** The bytes of one connection that the kernel has not taken, in order. */
export class LaneQueue {
  readonly #slabs: SlabPool;
  #pieces: Piece[] = [];
  #slab: Buffer | undefined;
  /** In the slab: what is written, and where the piece begins that is being filled. */
  #used = 0;
  #begin = 0;
  /** Of the piece that is being filled. */
  #counted = 0;
  #waiting = 0;
  #inFlight = 0;

  constructor(slabs: SlabPool) {
    this.#slabs = slabs;
  }

  /** Bytes of frames, with their envelopes, waiting or in a write that is not finished. */
  get queuedBytes(): number {
    return this.#waiting + this.#inFlight;
  }

  /** Bytes of frames that no write has begun with. */
  get waitingBytes(): number {
    return this.#waiting;
  }

  /** One frame: the parts one after the other. Large parts must not be written to any more. */
  pushFrame(parts: readonly Uint8Array[], bytes: number): void {
    const slab = this.#slabWith(envelopeBytes);
    writeEnvelope(slab, this.#used, envelopeTypes.frame, bytes);
    this.#used += envelopeBytes;
    this.#counted += envelopeBytes;
    this.#waiting += envelopeBytes + bytes;
    for (const part of parts) {
      if (part.length >= passThroughBytes) this.#pass(part);
      else if (part.length > 0) this.#copy(part);
    }
  }

  pushPing(type: 'ping' | 'pong', number: number): void {
    const slab = this.#slabWith(envelopeBytes + pingBytes);
    writeEnvelope(slab, this.#used, envelopeTypes[type], pingBytes);
    writeU32(slab, this.#used + envelopeBytes, number);
    this.#used += envelopeBytes + pingBytes;
  }

  /** The next write, or undefined if nothing waits. `written` must be called when it is done. */
  take(): Batch | undefined {
    this.#closePiece(true);
    let bytes = 0;
    let counted = 0;
    let count = 0;
    for (const piece of this.#pieces) {
      if (count > 0 && bytes + piece.bytes.length > writeBytesMax) break;
      bytes += piece.bytes.length;
      counted += piece.counted;
      count += 1;
    }
    if (count === 0) return undefined;
    const pieces = count === this.#pieces.length ? this.#pieces : this.#pieces.splice(0, count);
    if (pieces === this.#pieces) this.#pieces = [];
    this.#waiting -= counted;
    this.#inFlight += counted;
    invariant(() => this.#waiting >= 0, 'tcp-10 what waits is counted once');
    return { pieces, bytes, counted };
  }

  /** The kernel has taken the batch: its slabs may be used again. */
  written(batch: Batch): void {
    requires(() => batch.counted <= this.#inFlight, 'tcp-11 only what left is given back');
    this.#inFlight -= batch.counted;
    for (const { slab } of batch.pieces) if (slab !== undefined) this.#slabs.give(slab);
  }

  /** Forgets everything. Slabs of a write that was cut short are left to the collector. */
  clear(): void {
    this.#pieces = [];
    this.#slab = undefined;
    this.#used = this.#begin = this.#counted = this.#waiting = this.#inFlight = 0;
  }

  #copy(part: Uint8Array): void {
    const slab = this.#slabWith(part.length);
    slab.set(part, this.#used);
    this.#used += part.length;
    this.#counted += part.length;
  }

  #pass(part: Uint8Array): void {
    this.#closePiece(false);
    this.#pieces.push({ bytes: part, counted: part.length, slab: undefined });
  }

  #slabWith(room: number): Buffer {
    if (this.#slab !== undefined) {
      if (slabBytes - this.#used >= room) return this.#slab;
      this.#closePiece(true);
    }
    this.#used = this.#begin = 0;
    this.#slab = this.#slabs.take();
    return this.#slab;
  }

  /** Ends the piece that is being filled, and with `andSlab` the use of its slab. */
  #closePiece(andSlab: boolean): void {
    const slab = this.#slab;
    if (slab === undefined) return;
    const last = this.#pieces.at(-1);
    if (this.#used > this.#begin) {
      const bytes = slab.subarray(this.#begin, this.#used);
      this.#pieces.push({ bytes, counted: this.#counted, slab: andSlab ? slab : undefined });
    } else if (andSlab && last !== undefined) {
      // A part that was passed through came after all that the slab holds.
      this.#pieces[this.#pieces.length - 1] = { ...last, slab };
    }
    this.#begin = this.#used;
    this.#counted = 0;
    if (andSlab) this.#slab = undefined;
  }
}
