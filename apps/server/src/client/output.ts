import type { Socket } from 'node:net';
import { ReplyWriter } from '../resp/reply-writer.ts';
import type { Slab } from '../resp/slab.ts';
import type { ClientLimits } from './client-limits.ts';

/** A piece that large is sent as it is, a smaller one is copied behind what comes before it. */
const copiedBytesMax = 2 * 1024;
const pieceBytes = 64 * 1024;

/** What a connection sends: whatever comes up in one turn is one write to its socket. */
export class Output {
  readonly reply: ReplyWriter;
  readonly #socket: Socket;
  readonly #pauseBytes: number;
  readonly #drained: () => void;
  #pieces: Uint8Array[] = [];
  #piecesBytes = 0;
  #scheduled = false;
  readonly #write = (): void => this.flush();

  /** `drained` is called when it was full and is so no more. */
  constructor(socket: Socket, slab: Slab, limits: ClientLimits, drained: () => void) {
    this.#socket = socket;
    this.#drained = drained;
    socket.on('drain', drained);
    this.#pauseBytes = limits.outputPauseBytes;
    this.reply = new ReplyWriter(slab, limits.outputBytesMax);
  }

  /** Bytes that the client has not taken. */
  get pendingBytes(): number {
    return this.#socket.writableLength + this.#piecesBytes + this.reply.length;
  }

  get isFull(): boolean {
    return this.pendingBytes > this.#pauseBytes;
  }

  /** Sends RESP that was rendered elsewhere. */
  append(bytes: Uint8Array): void {
    if (this.reply.length > 0 && bytes.length <= copiedBytesMax) this.reply.rendered(bytes);
    else {
      this.#cut();
      this.#push(bytes);
    }
    this.schedule();
  }

  /** To be called after something was written to `reply`. */
  schedule(): void {
    if (this.reply.length > pieceBytes) this.#cut();
    if (this.#scheduled) return;
    this.#scheduled = true;
    process.nextTick(this.#write);
  }

  flush(): void {
    this.#scheduled = false;
    const wasFull = this.isFull;
    this.#cut();
    this.#writePieces();
    // What the kernel takes at once brings no `drain`. The others have a turn before we go on.
    if (wasFull && !this.isFull) setImmediate(this.#drained);
  }

  #writePieces(): void {
    const pieces = this.#pieces;
    if (pieces.length === 0) return;
    this.#pieces = [];
    this.#piecesBytes = 0;
    if (!this.#socket.writable) return;
    if (pieces.length === 1) this.#socket.write(pieces[0] as Uint8Array);
    else {
      this.#socket.cork();
      for (const piece of pieces) this.#socket.write(piece);
      this.#socket.uncork();
    }
  }

  #cut(): void {
    if (this.reply.length > 0) this.#push(this.reply.take());
  }

  #push(piece: Uint8Array): void {
    this.#pieces.push(piece);
    this.#piecesBytes += piece.length;
  }
}
