import { invariant } from '@rsl/contracts';
import { envelopeBytes, envelopeTypes, pingBytes, writeEnvelope, writeU32 } from './framing.ts';

/** Small parts are copied together into slabs, so that many frames leave in one write. */
export const slabBytes = 64 * 1024;
/** The first slab of a queue that was empty: a thousand groups may wait for one connection. */
export const firstSlabBytes = 4 * 1024;
/** From here on a part is passed to the kernel where it lies: copying it would cost more. */
export const passThroughBytes = 16 * 1024;
const slabsKeptMax = 64;

/** Slabs that wait for their next use, of all connections of a transport. */
export class SlabPool {
  readonly #free: Buffer[] = [];
  readonly #freeSmall: Buffer[] = [];

  take(bytes: number): Buffer {
    const free = bytes === slabBytes ? this.#free : this.#freeSmall;
    return free.pop() ?? Buffer.allocUnsafeSlow(bytes);
  }

  give(slab: Buffer): void {
    const free = slab.length === slabBytes ? this.#free : this.#freeSmall;
    if (free.length < slabsKeptMax) free.push(slab);
  }
}

/** Bytes that lie together. */
export interface Piece {
  readonly bytes: Uint8Array;
  /** Bytes of it that count as queued: of frames, not of what a transport says itself. */
  readonly counted: number;
  /** Given back when this piece, the last of its slab, has been written. */
  readonly slab: Buffer | undefined;
  /** What follows may be of another channel. */
  readonly endsFrame: boolean;
}

/** What goes out, in order: envelopes and what is in them. */
export class PieceQueue {
  readonly #slabs: SlabPool;
  readonly #firstSlabBytes: number;
  #pieces: Piece[] = [];
  #slab: Buffer | undefined;
  /** In the slab: what is written, and where the piece begins that is being filled. */
  #used = 0;
  #begin = 0;
  /** Of the piece that is being filled. */
  #counted = 0;
  /** The piece that is being filled begins in the middle of a frame. */
  #inFrame = false;
  #bytes = 0;

  constructor(slabs: SlabPool, firstBytes: number = slabBytes) {
    this.#slabs = slabs;
    this.#firstSlabBytes = firstBytes;
  }

  /** Everything in it. */
  get bytes(): number {
    return this.#bytes;
  }

  /** One frame: the parts one after the other. Large parts must not be written to any more. */
  pushFrame(channel: number, parts: readonly Uint8Array[], bytes: number): void {
    let copied = envelopeBytes + bytes;
    if (bytes >= passThroughBytes) {
      for (const { length } of parts) if (length >= passThroughBytes) copied -= length;
    }
    // Pieces end where frames end, unless a frame is longer than a slab or has large parts.
    if (this.#inFrame) this.#closePiece('keep-slab', 'ends-frame');
    const slab = this.#slabWith(Math.min(copied, slabBytes));
    writeEnvelope(slab, this.#used, envelopeTypes.frame, channel, bytes);
    this.#used += envelopeBytes;
    this.#counted += envelopeBytes;
    this.#bytes += envelopeBytes + bytes;
    for (const part of parts) {
      if (part.length >= passThroughBytes) this.#pass(part);
      else if (part.length > 0) this.#copy(part);
    }
    if (this.#used > this.#begin) return;
    const last = this.#pieces.pop();
    if (last !== undefined) this.#pieces.push({ ...last, endsFrame: true });
  }

  /** What a transport says itself. */
  pushControl(type: number, channel: number, body: Uint8Array): void {
    const bytes = envelopeBytes + body.length;
    const slab = this.#slabWith(bytes);
    writeEnvelope(slab, this.#used, type, channel, body.length);
    slab.set(body, this.#used + envelopeBytes);
    this.#used += bytes;
    this.#bytes += bytes;
  }

  pushPing(type: 'ping' | 'pong', number: number): void {
    const bytes = envelopeBytes + pingBytes;
    const slab = this.#slabWith(bytes);
    writeEnvelope(slab, this.#used, envelopeTypes[type], 0, pingBytes);
    writeU32(slab, this.#used + envelopeBytes, number);
    this.#used += bytes;
    this.#bytes += bytes;
  }

  /** Everything, out of it. */
  takeAll(): readonly Piece[] {
    this.#closePiece('and-slab', 'ends-frame');
    const pieces = this.#pieces;
    this.#pieces = [];
    this.#bytes = 0;
    return pieces;
  }

  /** Whole frames, out of it: about so many bytes, and at least one. */
  takeAbout(bytes: number): readonly Piece[] {
    if (this.#bytes <= bytes) return this.takeAll();
    let taken = 0;
    let count = 0;
    for (const piece of this.#pieces) {
      taken += piece.bytes.length;
      count += 1;
      if (taken >= bytes && piece.endsFrame) break;
    }
    if (taken < bytes || this.#pieces[count - 1]?.endsFrame !== true) return this.takeAll();
    this.#bytes -= taken;
    invariant(() => this.#bytes >= 0, 'tcp-10 what waits is counted once');
    return this.#pieces.splice(0, count);
  }

  /** Takes over what another queue gave. */
  adopt(pieces: readonly Piece[]): void {
    this.#closePiece('keep-slab', 'ends-frame');
    for (const piece of pieces) {
      this.#pieces.push(piece);
      this.#bytes += piece.bytes.length;
    }
  }

  /** Forgets everything. Slabs of a write that was cut short are left to the collector. */
  clear(): void {
    this.#pieces = [];
    this.#slab = undefined;
    this.#used = this.#begin = this.#counted = this.#bytes = 0;
    this.#inFrame = false;
  }

  #copy(part: Uint8Array): void {
    const slab = this.#slabWith(part.length, 'goes-on');
    slab.set(part, this.#used);
    this.#used += part.length;
    this.#counted += part.length;
  }

  #pass(part: Uint8Array): void {
    this.#closePiece('keep-slab', 'goes-on');
    const counted = part.length;
    this.#pieces.push({ bytes: part, counted, slab: undefined, endsFrame: false });
  }

  #slabWith(room: number, end: 'goes-on' | 'ends-frame' = 'ends-frame'): Buffer {
    if (this.#slab !== undefined) {
      if (this.#slab.length - this.#used >= room) return this.#slab;
      this.#closePiece('and-slab', end);
    }
    this.#used = this.#begin = 0;
    const small = this.#pieces.length === 0 && room <= this.#firstSlabBytes;
    this.#slab = this.#slabs.take(small ? this.#firstSlabBytes : slabBytes);
    return this.#slab;
  }

  /** Ends the piece that is being filled, and with `and-slab` the use of its slab. */
  #closePiece(use: 'keep-slab' | 'and-slab', end: 'goes-on' | 'ends-frame'): void {
    const slab = this.#slab;
    if (slab === undefined) return;
    const mine = use === 'and-slab' ? slab : undefined;
    const last = this.#pieces.at(-1);
    if (this.#used > this.#begin) {
      const bytes = slab.subarray(this.#begin, this.#used);
      const endsFrame = end === 'ends-frame';
      this.#pieces.push({ bytes, counted: this.#counted, slab: mine, endsFrame });
    } else if (mine !== undefined && last !== undefined && last.slab === undefined) {
      // A part that was passed through came after all that the slab holds.
      this.#pieces[this.#pieces.length - 1] = { ...last, slab: mine };
    }
    this.#begin = this.#used;
    this.#counted = 0;
    this.#inFrame = end === 'goes-on';
    if (mine !== undefined) this.#slab = undefined;
  }
}
