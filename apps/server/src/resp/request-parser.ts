import { Args } from '../args.ts';
import { splitInline } from './inline.ts';
import { ProtocolError } from './protocol-error.ts';

export interface RequestLimits {
  /** One command as it comes in, and each of its arguments. */
  readonly commandBytesMax: number;
  readonly argumentsMax: number;
  readonly inlineBytesMax: number;
}

/** `*` or `$`, the digits of any 64-bit number, and the end of the line. */
const headerBytesMax = 32;
const [cr, lf, star, dollar, minus, zero] = [0x0d, 0x0a, 0x2a, 0x24, 0x2d, 0x30];
const noBytes = Buffer.alloc(0);

/**
 * Finds the commands in what a client sends, however it is cut: `push` what came, then call `next`
 * until it says false. A chunk with whole commands is never copied; of one that ends in the middle
 * of a command the rest is, once, into a buffer that doubles. No byte is looked at more than a
 * bounded number of times, and no more is held than one command may have.
 */
export class RequestParser {
  readonly args = new Args();
  nameStart = 0;
  nameEnd = 0;

  readonly #limits: RequestLimits;
  #bytes: Buffer = noBytes;
  /** Ours to write into, behind `#end`; not a chunk of the socket. */
  #isOwn = false;
  #end = 0;
  /** Where the command begins that is being read, and how far it has been read. */
  #base = 0;
  #at = 0;
  /** Arguments still to come of an array, its name included; 0 between two commands. */
  #missing = 0;
  #named = false;
  /** Of the argument being read; −1 while its header has not been read. */
  #bulkBytes = -1;
  /** How far the end of an inline command has been looked for. */
  #searched = 0;

  constructor(limits: RequestLimits) {
    this.#limits = limits;
  }

  /** Bytes that are held back: half a command, or what has not been asked for with `next`. */
  get heldBytes(): number {
    return this.#end - this.#base;
  }

  /** True in the middle of a command. */
  get midway(): boolean {
    return this.#end > this.#base;
  }

  push(chunk: Buffer): void {
    if (this.#base === this.#end) {
      this.#bytes = chunk;
      this.#isOwn = false;
      this.#base = this.#at = this.#searched = 0;
      this.#end = chunk.length;
      return;
    }
    if (!this.#isOwn || this.#end + chunk.length > this.#bytes.length) this.#makeRoom(chunk.length);
    chunk.copy(this.#bytes, this.#end);
    this.#end += chunk.length;
  }

  /**
   * True if there is a command: its name is the bytes `nameStart` to `nameEnd` of `args.bytes`, and
   * both are good until the next call. False if more has to come. Throws ProtocolError.
   */
  next(): boolean {
    while (true) {
      if (this.#missing === 0 && !this.#startCommand()) {
        if (this.#base === this.#end) this.#letGo();
        return false;
      }
      while (this.#missing > 0) if (!this.#readArgument()) return false;
      this.#base = this.#at;
      if (this.#named) {
        this.#named = false;
        return true;
      }
    }
  }

  /** Reads `*3` or a whole inline command, which may turn out to be nothing. */
  #startCommand(): boolean {
    if (this.#at >= this.#end) return false;
    if (this.#bytes[this.#at] !== star) return this.#readInline();
    const count = this.#readHeader('invalid multibulk length');
    if (count === undefined) return false;
    if (count > this.#limits.argumentsMax) throw new ProtocolError('invalid multibulk length');
    this.args.clear(this.#bytes);
    this.#missing = Math.max(0, count);
    this.#bulkBytes = -1;
    return true;
  }

  /** Reads `$3 key`, as far as it is there. */
  #readArgument(): boolean {
    if (this.#bulkBytes < 0 && !this.#readBulkLength()) return false;
    const end = this.#at + this.#bulkBytes;
    if (end + 2 > this.#end) return false;
    if (this.#bytes[end] !== cr || this.#bytes[end + 1] !== lf) {
      throw new ProtocolError('expected the end of a line after a bulk string');
    }
    if (this.#named) this.args.add(this.#at, end);
    else {
      this.#named = true;
      this.args.clear(this.#bytes);
      this.nameStart = this.#at;
      this.nameEnd = end;
    }
    this.#at = end + 2;
    this.#bulkBytes = -1;
    this.#missing--;
    return true;
  }

  #readBulkLength(): boolean {
    if (this.#at >= this.#end) return false;
    const first = this.#bytes[this.#at] as number;
    if (first !== dollar) {
      throw new ProtocolError(`expected '$', got '${printable(first)}'`);
    }
    const length = this.#readHeader('invalid bulk length');
    if (length === undefined) return false;
    const { commandBytesMax } = this.#limits;
    if (length < 0 || length > commandBytesMax) throw new ProtocolError('invalid bulk length');
    if (this.#at - this.#base + length + 2 > commandBytesMax) {
      throw new ProtocolError(`a command may have at most ${commandBytesMax} bytes`);
    }
    this.#bulkBytes = length;
    return true;
  }

  /** The number of a line such as `*3`, or undefined if its end has not come yet. */
  #readHeader(wrong: string): number | undefined {
    const bytes = this.#bytes;
    const last = Math.min(this.#end, this.#at + headerBytesMax);
    let at = this.#at + 1;
    const negative = at < last && bytes[at] === minus;
    if (negative) at++;
    const digits = at;
    let number = 0;
    for (; at < last; at++) {
      const digit = (bytes[at] as number) - zero;
      if (digit < 0 || digit > 9) break;
      number = number * 10 + digit;
    }
    if (at - this.#at >= headerBytesMax) throw new ProtocolError(wrong);
    if (at === this.#end || (at + 1 === this.#end && bytes[at] === cr)) return undefined;
    if (at === digits || bytes[at] !== cr || bytes[at + 1] !== lf) throw new ProtocolError(wrong);
    this.#at = at + 2;
    return negative ? -number : number;
  }

  #readInline(): boolean {
    const from = Math.max(this.#at, this.#searched);
    const to = Math.min(this.#end, this.#at + this.#limits.inlineBytesMax);
    const found = this.#bytes.subarray(from, to).indexOf(lf);
    if (found < 0) {
      if (to < this.#end) throw new ProtocolError('too big inline request');
      this.#searched = to;
      return false;
    }
    const line = this.#bytes.toString('latin1', this.#at, from + found);
    this.#at = from + found + 1;
    this.#takeWords(splitInline(line));
    return true;
  }

  #takeWords(words: readonly string[]): void {
    const bytes = Buffer.from(words.join(''), 'latin1');
    this.args.clear(bytes);
    let start = 0;
    for (const [i, word] of words.entries()) {
      const end = start + word.length;
      if (i > 0) this.args.add(start, end);
      else {
        this.#named = true;
        this.nameStart = start;
        this.nameEnd = end;
      }
      start = end;
    }
  }

  /** An idle connection keeps no bytes. */
  #letGo(): void {
    this.#base = this.#at = this.#end = this.#searched = 0;
    this.#bytes = noBytes;
    this.args.clear(noBytes);
  }

  /** Moves what is held to a buffer of our own with room for so much more. */
  #makeRoom(more: number): void {
    const bytes = Buffer.allocUnsafeSlow(2 * (this.heldBytes + more));
    this.#bytes.copy(bytes, 0, this.#base, this.#end);
    const by = this.#base;
    this.args.moved(bytes, by);
    this.nameStart -= by;
    this.nameEnd -= by;
    this.#searched = Math.max(0, this.#searched - by);
    this.#at -= by;
    this.#end -= by;
    this.#base = 0;
    this.#bytes = bytes;
    this.#isOwn = true;
  }
}

const printable = (byte: number): string =>
  byte >= 0x20 && byte < 0x7f
    ? String.fromCharCode(byte)
    : `\\x${byte.toString(16).padStart(2, '0')}`;
