import type { Reply } from './reply.ts';
import type { Slab } from './slab.ts';

export type RespVersion = 2 | 3;

/** What a reply is given to begin with, and at least when it needs more. */
const pieceBytesMin = 128;
/** A shorter text is written by a loop: that is quicker than a call into C++. */
const loopCharactersMax = 24;
const [cr, lf, zero, minus] = [0x0d, 0x0a, 0x30, 0x2d];
const noBytes = Buffer.alloc(0);

/**
 * Renders replies as RESP, one after the other; `take` gives what was written since the last time
 * as one piece of memory that nobody writes again. A reply that would make it longer than
 * `bytesMax` is dropped from there on, and `overflowed` says so.
 */
export class ReplyWriter implements Reply {
  version: RespVersion = 2;
  overflowed = false;
  readonly #slab: Slab;
  readonly #bytesMax: number;
  #bytes: Buffer = noBytes;
  #start = 0;
  #at = 0;
  /** Up to here `bytes` is ours. */
  #end = 0;

  constructor(slab: Slab, bytesMax: number) {
    this.#slab = slab;
    this.#bytesMax = bytesMax;
  }

  get length(): number {
    return this.#at - this.#start;
  }

  take(): Buffer {
    const taken = this.#bytes.subarray(this.#start, this.#at);
    this.#slab.resize(this.#bytes, this.#end, this.#at);
    this.#letGo();
    return taken;
  }

  /** Forgets what was written since the last `take`. */
  clear(): void {
    this.overflowed = false;
    this.#slab.resize(this.#bytes, this.#end, this.#start);
    this.#letGo();
  }

  simple(text: string): void {
    this.#line(0x2b, text);
  }

  error(text: string): void {
    this.#line(0x2d, text.replace(/[\r\n]/g, ' '));
  }

  integer(value: number): void {
    this.#header(0x3a, value);
  }

  digits(digits: string): void {
    this.#line(0x3a, digits);
  }

  bulk(value: string): void {
    if (!this.#room(value.length + 24)) return;
    this.#number(0x24, value.length);
    this.#text(value);
    this.#endLine();
  }

  verbatim(text: string): void {
    if (this.version === 2) return this.bulk(text);
    if (!this.#room(text.length + 32)) return;
    this.#number(0x3d, text.length + 4);
    this.#text('txt:');
    this.#text(text);
    this.#endLine();
  }

  null(): void {
    this.#raw(this.version === 2 ? '$-1\r\n' : '_\r\n');
  }

  nullArray(): void {
    this.#raw(this.version === 2 ? '*-1\r\n' : '_\r\n');
  }

  array(items: number): void {
    this.#header(0x2a, items);
  }

  map(pairs: number): void {
    if (this.version === 2) this.#header(0x2a, 2 * pairs);
    else this.#header(0x25, pairs);
  }

  set(items: number): void {
    this.#header(this.version === 2 ? 0x2a : 0x7e, items);
  }

  /** RESP that was rendered before. */
  rendered(bytes: Uint8Array): void {
    if (!this.#room(bytes.length)) return;
    this.#bytes.set(bytes, this.#at);
    this.#at += bytes.length;
  }

  #line(kind: number, text: string): void {
    if (!this.#room(text.length + 3)) return;
    this.#bytes[this.#at++] = kind;
    this.#text(text);
    this.#endLine();
  }

  #header(kind: number, value: number): void {
    if (this.#room(24)) this.#number(kind, value);
  }

  #raw(text: string): void {
    if (this.#room(text.length)) this.#text(text);
  }

  #number(kind: number, value: number): void {
    const bytes = this.#bytes;
    let at = this.#at;
    bytes[at++] = kind;
    if (value < 0) bytes[at++] = minus;
    let rest = Math.abs(value);
    let digits = 1;
    for (let power = 10; power <= rest; power *= 10) digits++;
    for (let i = digits - 1; i >= 0; i--) {
      const next = Math.floor(rest / 10);
      bytes[at + i] = zero + (rest - 10 * next);
      rest = next;
    }
    this.#at = at + digits;
    this.#endLine();
  }

  #text(text: string): void {
    if (text.length > loopCharactersMax) {
      this.#at += this.#bytes.write(text, this.#at, 'latin1');
      return;
    }
    for (let i = 0; i < text.length; i++) this.#bytes[this.#at++] = text.charCodeAt(i);
  }

  #endLine(): void {
    this.#bytes[this.#at++] = cr;
    this.#bytes[this.#at++] = lf;
  }

  #room(more: number): boolean {
    return this.#at + more <= this.#end ? !this.overflowed : this.#makeRoom(more);
  }

  #makeRoom(more: number): boolean {
    const length = this.length + more;
    if (this.overflowed || length > this.#bytesMax) {
      this.overflowed = true;
      return false;
    }
    const endMax = this.#start + this.#bytesMax;
    const end = Math.min(endMax, this.#at + Math.max(more, pieceBytesMin));
    if (this.#end > 0 && this.#slab.resize(this.#bytes, this.#end, end)) {
      this.#end = end;
      return true;
    }
    this.#move(Math.min(this.#bytesMax, Math.max(length, 2 * this.length, pieceBytesMin)));
    return true;
  }

  #move(length: number): void {
    const start = this.#slab.reserve(length);
    const { bytes } = this.#slab;
    this.#bytes.copy(bytes, start, this.#start, this.#at);
    this.#at = start + this.length;
    this.#start = start;
    this.#end = start + length;
    this.#bytes = bytes;
  }

  #letGo(): void {
    this.#bytes = noBytes;
    this.#start = this.#at = this.#end = 0;
  }
}
