import { ensures, invariant, old, requires } from '@rsl/contracts';

/** A piece of a snapshot that is to be asked for. */
export interface Piece {
  readonly offset: number;
  readonly bytes: number;
}

interface Asked {
  readonly bytes: number;
  readonly atMs: number;
  /** Counts whatever was asked for. */
  readonly turn: number;
}

/**
 * Which bytes of one copy are asked for, here, handed to the writer, and written.
 *
 *   0 …… written …… handed …… asked …… bytes      asked − written ≤ windowBytes
 *
 * Between `handed` and `asked` some pieces are here, out of order, and some are on their way.
 */
export class ChunkWindow {
  readonly bytes: number;
  readonly #chunkBytes: number;
  readonly #windowBytes: number;
  readonly #asked = new Map<number, Asked>();
  readonly #here = new Map<number, Uint8Array>();
  #askedThrough: number;
  #handed: number;
  #written: number;
  #turn = 0;
  /** Of what has come, the turn that was the last. */
  #cameTurn = 0;

  /** `begun`: so many bytes are written already. */
  constructor(bytes: number, begun: number, sizes: { chunkBytes: number; windowChunks: number }) {
    requires(() => begun <= bytes, 'fetch-1 what is written of a copy is a part of it');
    this.bytes = bytes;
    this.#chunkBytes = sizes.chunkBytes;
    this.#windowBytes = sizes.chunkBytes * sizes.windowChunks;
    this.#askedThrough = begun;
    this.#handed = begun;
    this.#written = begun;
  }

  get written(): number {
    return this.#written;
  }

  /** Nothing of it is here, not from an earlier start either. */
  get isEmpty(): boolean {
    return this.#written === 0 && this.#handed === 0 && this.#here.size === 0;
  }

  get isComplete(): boolean {
    return this.#written === this.bytes;
  }

  /** Something is on its way. */
  get isWaiting(): boolean {
    return this.#asked.size > 0;
  }

  /** Bytes that are asked for or here, and not yet written. */
  get openBytes(): number {
    return this.#askedThrough - this.#written;
  }

  /** What can be asked for now, in order. */
  ask(nowMs: number): Piece[] {
    const pieces: Piece[] = [];
    for (;;) {
      const bytes = Math.min(this.#chunkBytes, this.bytes - this.#askedThrough);
      if (bytes === 0 || this.openBytes + bytes > this.#windowBytes) break;
      pieces.push(this.#askFor(this.#askedThrough, bytes, nowMs));
      this.#askedThrough += bytes;
    }
    invariant(
      () => this.openBytes <= this.#windowBytes,
      'fetch-2 what is asked for and not written stays within the window',
    );
    return pieces;
  }

  /**
   * What is overdue: asked for `forMs` ago or longer, and overtaken by what was asked for later. A
   * lane keeps the order, so it was lost. What nothing has overtaken is on its way over a slow
   * link: to ask for it again would make the link slower.
   */
  askAgain(forMs: number, nowMs: number): Piece[] {
    const isOverdue = ({ atMs, turn }: Asked): boolean =>
      turn < this.#cameTurn && nowMs - atMs >= forMs;
    return this.#askWhat(isOverdue, nowMs);
  }

  /** All that has not come, of somebody else. */
  askAnew(nowMs: number): Piece[] {
    return this.#askWhat(() => true, nowMs);
  }

  #askWhat(isWanted: (asked: Asked) => boolean, nowMs: number): Piece[] {
    return [...this.#asked]
      .filter(([, asked]) => isWanted(asked))
      .sort(([a], [b]) => a - b)
      .map(([offset, { bytes }]) => this.#askFor(offset, bytes, nowMs));
  }

  #askFor(offset: number, bytes: number, nowMs: number): Piece {
    this.#turn += 1;
    this.#asked.set(offset, { bytes, atMs: nowMs, turn: this.#turn });
    return { offset, bytes };
  }

  /** False if it was not asked for, has come already, or does not fit. */
  take(offset: number, bytes: Uint8Array): boolean {
    const asked = this.#asked.get(offset);
    if (asked === undefined || bytes.length === 0 || bytes.length > asked.bytes) return false;
    this.#asked.delete(offset);
    this.#cameTurn = Math.max(this.#cameTurn, asked.turn);
    // A peer with a smaller limit gave less: the rest is a piece of its own.
    const rest = asked.bytes - bytes.length;
    if (rest > 0) this.#asked.set(offset + bytes.length, { bytes: rest, atMs: -Infinity, turn: 0 });
    this.#here.set(offset, bytes);
    return true;
  }

  /** What comes next and is here: to be written, in this order. */
  hand(): Uint8Array[] {
    const before = old(() => this.#handed);
    const parts: Uint8Array[] = [];
    for (;;) {
      const bytes = this.#here.get(this.#handed);
      if (bytes === undefined) break;
      this.#here.delete(this.#handed);
      this.#handed += bytes.length;
      parts.push(bytes);
    }
    ensures(
      () => this.#handed === before + parts.reduce((sum, { length }) => sum + length, 0),
      'fetch-3 a copy is written in order, without a gap',
    );
    return parts;
  }

  /** The writer has so many bytes. */
  onWritten(bytes: number): void {
    requires(
      () => bytes >= this.#written && bytes <= this.#handed,
      'fetch-4 what is written was handed on before',
    );
    this.#written = bytes;
  }
}
