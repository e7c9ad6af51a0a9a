import { ensures, requires } from '@rsl/contracts';

/**
 * Records in shared memory, from one thread that writes to one that reads, in order.
 *
 * Four words, then a power of two of bytes. `head` and `tail` count bytes, modulo 2^32: what lies
 * between them is written and not yet read. Each record is a header of two words, its length and
 * its kind, and its bytes, padded to eight; none wraps around, so that it is read where it lies. A
 * record too large for that goes in pieces. Only the reader moves `head`, only the writer `tail`,
 * both atomically and after the bytes: no record is seen before it is whole, and none is written
 * over before it was read.
 */
const word = { head: 0, tail: 1, asleep: 2 } as const;
const controlBytes = 16;
const headerBytes = 8;
/** Kind of what is left at the end of the memory when a record does not fit there. */
const padding = 0;
/** Of the kind: the record goes on in the next one. */
const unfinished = 0x1_00;

export const ringBytesMin = 4_096;

/** Memory for a ring of at most so many bytes, and at least `ringBytesMin`: a power of two. */
export function ringMemory(bytesMax: number): SharedArrayBuffer {
  const bytes = 2 ** Math.floor(Math.log2(Math.max(ringBytesMin, bytesMax)));
  return new SharedArrayBuffer(controlBytes + bytes);
}

const padded = (bytes: number): number => (bytes + 7) & ~7;

class Ring {
  protected readonly control: Int32Array;
  protected readonly bytes: Uint8Array;
  protected readonly view: DataView;

  constructor(memory: SharedArrayBuffer) {
    this.control = new Int32Array(memory, 0, controlBytes / 4);
    this.bytes = new Uint8Array(memory, controlBytes);
    this.view = new DataView(memory, controlBytes);
  }

  get capacity(): number {
    return this.bytes.length;
  }

  /** Bytes written and not yet read, headers and padding included. */
  get used(): number {
    const used = (Atomics.load(this.control, word.tail) - this.headNow()) >>> 0;
    ensures(() => used <= this.capacity, 'ring-1 nothing is written over before it was read');
    return used;
  }

  protected headNow(): number {
    return Atomics.load(this.control, word.head);
  }

  protected at(position: number): number {
    return position & (this.bytes.length - 1);
  }
}

/** The side that writes. */
export class RingWriter extends Ring {
  readonly #wake: () => void;
  readonly #pieceBytesMax: number;
  /** A record of which a part is written. */
  #rest: { readonly kind: number; readonly bytes: Uint8Array; at: number } | undefined;

  /** `wake` is called when there is something for a reader that sleeps. */
  constructor(memory: SharedArrayBuffer, wake: () => void) {
    super(memory);
    this.#wake = wake;
    // Half of it fits, wherever in the empty memory it begins.
    this.#pieceBytesMax = this.capacity / 2 - headerBytes;
  }

  /**
   * Writes a record, or false: there is no room, and nothing was written. A record too large to fit
   * at once is taken over, and written by this and later calls; meanwhile no other is taken.
   */
  offer(kind: number, parts: readonly Uint8Array[]): boolean {
    requires(() => kind > padding && kind < unfinished, 'ring-2 kinds are 1 … 255');
    if (!this.flush()) return false;
    const length = parts.reduce((sum, part) => sum + part.length, 0);
    if (length <= this.#pieceBytesMax) return this.#write(kind, length, parts);
    this.#rest = { kind, bytes: Buffer.concat(parts), at: 0 };
    this.flush();
    return true;
  }

  /** Goes on with a large record; true once nothing is left of it. */
  flush(): boolean {
    for (let rest = this.#rest; rest !== undefined; rest = this.#rest) {
      const end = Math.min(rest.bytes.length, rest.at + this.#pieceBytesMax);
      const isLast = end === rest.bytes.length;
      const piece = rest.bytes.subarray(rest.at, end);
      if (!this.#write(isLast ? rest.kind : rest.kind | unfinished, piece.length, [piece]))
        return false;
      rest.at = end;
      if (isLast) this.#rest = undefined;
    }
    return true;
  }

  #write(kind: number, length: number, parts: readonly Uint8Array[]): boolean {
    const needed = headerBytes + padded(length);
    const tail = Atomics.load(this.control, word.tail);
    let at = this.at(tail);
    const toEnd = this.capacity - at;
    const skipped = needed > toEnd ? toEnd : 0;
    if (this.used + skipped + needed > this.capacity) return false;
    if (skipped > 0) {
      this.#header(at, skipped - headerBytes, padding);
      at = 0;
    }
    this.#header(at, length, kind);
    let to = at + headerBytes;
    for (const part of parts) {
      this.bytes.set(part, to);
      to += part.length;
    }
    Atomics.store(this.control, word.tail, tail + skipped + needed);
    // After the tail: whoever falls asleep looks at it once more.
    if (Atomics.exchange(this.control, word.asleep, 0) === 1) this.#wake();
    return true;
  }

  #header(at: number, length: number, kind: number): void {
    this.view.setUint32(at, length, true);
    this.view.setUint32(at + 4, kind, true);
  }
}

/** The side that reads. */
export class RingReader extends Ring {
  #pieces: Uint8Array[] = [];

  /**
   * Gives the next record to `take`, whose bytes are valid only during the call; false if there is
   * none.
   */
  read(take: (kind: number, bytes: Uint8Array) => void): boolean {
    for (;;) {
      const head = this.headNow();
      if (head === Atomics.load(this.control, word.tail)) return false;
      const at = this.at(head);
      const length = this.view.getUint32(at, true);
      const kind = this.view.getUint32(at + 4, true);
      const start = at + headerBytes;
      const next = head + headerBytes + padded(length);
      if (kind === padding) {
        Atomics.store(this.control, word.head, next);
        continue;
      }
      const bytes = this.bytes.subarray(start, start + length);
      if (kind >= unfinished) this.#pieces.push(bytes.slice());
      else if (this.#pieces.length > 0) {
        const whole = Buffer.concat([...this.#pieces, bytes]);
        this.#pieces = [];
        take(kind, new Uint8Array(whole.buffer, whole.byteOffset, whole.length));
      } else take(kind, bytes);
      Atomics.store(this.control, word.head, next);
      if (kind < unfinished) return true;
    }
  }

  /** Asks to be woken by the next record; false if there is one already. */
  sleep(): boolean {
    Atomics.store(this.control, word.asleep, 1);
    // Before the tail: whoever writes meanwhile sees that it sleeps, or is seen here.
    if (this.headNow() === Atomics.load(this.control, word.tail)) return true;
    Atomics.store(this.control, word.asleep, 0);
    return false;
  }
}
