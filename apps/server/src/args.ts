const noBytes = Buffer.alloc(0);
const spansKept = 64;

/**
 * The arguments of one command, as spans of somebody else's bytes: nothing is copied until a text
 * is asked for. Texts are latin1 strings, one character for each byte, so that any bytes survive.
 */
export class Args {
  bytes: Buffer = noBytes;
  count = 0;
  #spans = new Int32Array(2 * spansKept);

  /** Forgets the arguments; the next ones are spans of these bytes. */
  clear(bytes: Buffer): void {
    this.bytes = bytes;
    this.count = 0;
    if (this.#spans.length > 1_024 * spansKept) this.#spans = new Int32Array(2 * spansKept);
  }

  add(start: number, end: number): void {
    const at = 2 * this.count++;
    if (at === this.#spans.length) this.#grow();
    this.#spans[at] = start;
    this.#spans[at + 1] = end;
  }

  start(i: number): number {
    return this.#spans[2 * i] as number;
  }

  end(i: number): number {
    return this.#spans[2 * i + 1] as number;
  }

  length(i: number): number {
    return this.end(i) - this.start(i);
  }

  text(i: number): string {
    return this.bytes.toString('latin1', this.start(i), this.end(i));
  }

  /** All texts from the i-th on. */
  texts(from: number): string[] {
    const texts: string[] = [];
    for (let i = from; i < this.count; i++) texts.push(this.text(i));
    return texts;
  }

  /** Whether argument i is this word (given in capitals), however it is capitalised. */
  is(i: number, word: string): boolean {
    return i < this.count && isWord(this.bytes, this.start(i), this.end(i), word);
  }

  /** The same bytes have moved down by so much, to another buffer. */
  moved(bytes: Buffer, by: number): void {
    this.bytes = bytes;
    for (let at = 0; at < 2 * this.count; at++) this.#spans[at] = (this.#spans[at] as number) - by;
  }

  #grow(): void {
    const larger = new Int32Array(2 * this.#spans.length);
    larger.set(this.#spans);
    this.#spans = larger;
  }
}

/** Whether these bytes are this word (given in capitals), however they are capitalised. */
export function isWord(bytes: Uint8Array, start: number, end: number, word: string): boolean {
  if (end - start !== word.length) return false;
  for (let i = 0; i < word.length; i++) {
    const byte = bytes[start + i] as number;
    const isSmallLetter = byte >= 0x61 && byte <= 0x7a;
    if ((isSmallLetter ? byte - 0x20 : byte) !== word.charCodeAt(i)) return false;
  }
  return true;
}
