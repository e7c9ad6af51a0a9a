import { once } from 'node:events';
import type { Writable } from 'node:stream';

/** Of a value, so many bytes are made text at a time: a multiple of 3, for base64. */
const pieceBytes = 48 * 1024;

export type Encoding = 'base64' | 'escaped';

/** So much text is gathered before the stream is called. */
const heldCharactersMax = 64 * 1024;

/** Text for a stream that may be slow: whoever writes waits, and nothing piles up. */
export class Output {
  readonly #stream: Writable;
  #held = '';

  constructor(stream: Writable) {
    this.#stream = stream;
  }

  async write(text: string): Promise<void> {
    this.#held += text;
    if (this.#held.length >= heldCharactersMax) await this.flush();
  }

  /** At the end: what is still held. */
  async flush(): Promise<void> {
    const text = this.#held;
    this.#held = '';
    if (!this.#stream.write(text)) await once(this.#stream, 'drain');
  }

  async line(text: string): Promise<void> {
    await this.write(`${text}\n`);
  }

  /** However long it is. */
  async bytes(bytes: Uint8Array, encoding: Encoding): Promise<void> {
    for (let at = 0; at < bytes.length; at += pieceBytes) {
      const piece = Buffer.from(bytes.buffer, bytes.byteOffset + at, pieceOf(bytes, at));
      await this.write(encoding === 'base64' ? piece.toString('base64') : escaped(piece));
    }
  }
}

const pieceOf = (bytes: Uint8Array, at: number): number => Math.min(pieceBytes, bytes.length - at);

/** Printable ASCII as it is, any other byte as `\x0a`. */
const escaped = (bytes: Buffer): string =>
  bytes
    .toString('latin1')
    .replace(
      /[^\x20-\x5b\x5d-\x7e]/g,
      (c) => `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`,
    );
