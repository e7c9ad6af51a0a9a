/**
 * The bytes of everything replicated, after one slot; the same on every replica after the same slot
 * if the state machine saves the same. Little-endian.
 *
 *    0  u32  bytes of the header
 *    4  u32  CRC-32 of the header
 *    8  header    u8 format, 1; u64 slot; u64 group time in ms; the highest ballot of an executed
 *                 batch: u32 configuration, u32 round, u16 proposer; then the sessions
 *       then what the state machine saved
 */
import { Reader, Writer } from '../codec/bytes.ts';
import { crc32 } from '../codec/checksum.ts';
import { FrameError } from '../errors.ts';
import { type Ballot, zeroBallot } from '../paxos/ballot.ts';
import type { Slot } from '../paxos/slot.ts';
import { decodeSessions, writeSessions } from '../sessions/sessions-codec.ts';
import type { Sessions } from '../sessions/sessions.ts';

/** What is replicated beside the state machine's own state. */
export interface ImageHeader {
  readonly slot: Slot;
  readonly timeMs: number;
  readonly sealedIn: Ballot;
  readonly sessions: Sessions;
}

const format = 1;
const prefixBytes = 8;
/** More than all sessions that there may be, with all results that are kept. */
const headerBytesMax = 1024 * 1024 * 1024;

export function encodeImageHeader({ slot, timeMs, sealedIn, sessions }: ImageHeader): Uint8Array {
  const out = new Writer();
  out.u32(0);
  out.u32(0);
  out.u8(format);
  out.u64(slot);
  out.u64(timeMs);
  out.ballot(sealedIn);
  writeSessions(sessions, out);
  const header = out.peek().subarray(prefixBytes);
  out.patch32(0, header.length);
  out.patch32(4, crc32(header));
  // Nobody writes on, so what was written stays as it is.
  return out.peek();
}

/** Takes the header off an image; FrameError for anything else, before more of it is read. */
export class ImageReader {
  readonly #chunks: AsyncIterator<Uint8Array>;
  /** Read, and not yet given. */
  #parts: Uint8Array[] = [];
  #bytes = 0;

  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  async header(): Promise<ImageHeader> {
    const prefix = new Reader(await this.#take(prefixBytes));
    const length = prefix.u32();
    if (length > headerBytesMax) throw new FrameError('an image with a header of no length');
    const checksum = prefix.u32();
    const header = await this.#take(length);
    if (crc32(header) !== checksum) {
      throw new FrameError('an image whose header has another checksum');
    }
    const fields = new Reader(header);
    if (fields.u8() !== format) throw new FrameError('an image of another format');
    const slot = fields.slot();
    const timeMs = fields.u64();
    const sealedIn = fields.ballot();
    return { slot, timeMs, sealedIn, sessions: decodeSessions(fields.raw(fields.left)) };
  }

  /** What comes behind the header, as it comes. */
  async *rest(): AsyncGenerator<Uint8Array, void, void> {
    for (const part of this.#parts.splice(0)) yield part;
    for (;;) {
      const { done, value } = await this.#chunks.next();
      if (done === true) return;
      if (value.length > 0) yield value;
    }
  }

  /** No more of it is wanted. */
  async close(): Promise<void> {
    await this.#chunks.return?.();
  }

  async #take(count: number): Promise<Uint8Array> {
    while (this.#bytes < count) {
      const { done, value } = await this.#chunks.next();
      if (done === true) throw new FrameError('an image that ends in its header');
      if (value.length === 0) continue;
      this.#parts.push(value);
      this.#bytes += value.length;
    }
    const whole = this.#parts.length === 1 ? this.#parts[0] : Buffer.concat(this.#parts);
    const bytes = whole as Uint8Array;
    this.#bytes -= count;
    this.#parts = this.#bytes === 0 ? [] : [bytes.subarray(count)];
    return bytes.subarray(0, count);
  }
}

/**
 * The same image as the beginning of another group: ballots begin anew there, and whatever else is
 * replicated stays. Equal images give equal ones. FrameError for anything that is no image.
 */
export async function* foundingImage(
  chunks: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, undefined, undefined> {
  const image = new ImageReader(chunks);
  try {
    yield encodeImageHeader({ ...(await image.header()), sealedIn: zeroBallot });
    yield* image.rest();
  } finally {
    await image.close();
  }
}
