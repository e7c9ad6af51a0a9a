import { varintLengthMax } from './varint.ts';

/** The bytes are not what a server of this version writes. */
export class MalformedError extends Error {
  override readonly name = 'MalformedError';
}

/** Reads the fields of a bundle or of a saved state, and nothing beyond its end. */
export class Cursor {
  bytes: Buffer = Buffer.alloc(0);
  at = 0;
  end = 0;

  open(bytes: Uint8Array, at: number, end: number): this {
    this.bytes = Buffer.isBuffer(bytes)
      ? bytes
      : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.at = at;
    this.end = end;
    return this;
  }

  byte(): number {
    if (this.at >= this.end) throw new MalformedError('a byte is missing');
    return this.bytes[this.at++] as number;
  }

  varint(): number {
    const first = this.byte();
    if (first < 0x80) return first;
    let value = first & 0x7f;
    let weight = 0x80;
    for (let i = 1; i < varintLengthMax; i++) {
      const byte = this.byte();
      value += (byte & 0x7f) * weight;
      if (byte < 0x80) return value;
      weight *= 0x80;
    }
    throw new MalformedError('a number is too long');
  }

  /** Passes so many bytes; gives where they began. */
  skip(length: number): number {
    if (length > this.end - this.at) throw new MalformedError('bytes are missing');
    const start = this.at;
    this.at += length;
    return start;
  }

  /** A length and so many bytes, as a latin1 string. */
  text(): string {
    const length = this.varint();
    const start = this.skip(length);
    return this.bytes.toString('latin1', start, start + length);
  }
}
