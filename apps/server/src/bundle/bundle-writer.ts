import type { Args } from '../args.ts';
import type { RespVersion } from '../resp/reply-writer.ts';
import { execId } from './execute.ts';
import { varintLength, writeVarint } from './varint.ts';

const capacityMin = 256;

/**
 * Commands that go through the log, or are read, as one: one proposal and one piece of reply for
 * whatever a client sent in a row. The bytes:
 *
 *     bundle   RESP version of the replies (2 or 3), command …
 *     command  length of the rest, id, (length, bytes) for each argument
 *     EXEC     length of the rest, id 1, watched keys, (length, key, version) …,
 *              commands, command …
 *
 * Lengths, counts and versions are varints. Ids and layout are for ever: logs are full of them.
 */
export class BundleWriter {
  readonly version: RespVersion;
  count = 0;
  #bytes: Buffer;
  #at = 1;

  constructor(version: RespVersion, capacity: number) {
    this.version = version;
    this.#bytes = Buffer.allocUnsafe(Math.max(capacityMin, capacity));
    this.#bytes[0] = version;
  }

  get length(): number {
    return this.#at;
  }

  /** What it occupies. */
  get capacity(): number {
    return this.#bytes.length;
  }

  /** Valid until the next command is added. */
  get bytes(): Buffer {
    return this.#bytes.subarray(0, this.#at);
  }

  add(id: number, args: Args): void {
    const length = commandLength(args);
    this.#reserve(length + varintLength(length));
    let at = writeVarint(this.#bytes, this.#at, length);
    this.#bytes[at++] = id;
    for (let i = 0; i < args.count; i++) {
      at = writeVarint(this.#bytes, at, args.length(i));
      args.bytes.copy(this.#bytes, at, args.start(i), args.end(i));
      at += args.length(i);
    }
    this.#at = at;
    this.count++;
  }

  /** All commands of another bundle, if no watched key has another version by then. */
  addExec(watched: ReadonlyMap<string, number>, queued: BundleWriter): void {
    const length = execLength(watched, queued);
    this.#reserve(length + varintLength(length));
    let at = writeVarint(this.#bytes, this.#at, length);
    this.#bytes[at++] = execId;
    at = writeVarint(this.#bytes, at, watched.size);
    for (const [key, version] of watched) {
      at = writeVarint(this.#bytes, at, key.length);
      at += this.#bytes.write(key, at, 'latin1');
      at = writeVarint(this.#bytes, at, version);
    }
    at = writeVarint(this.#bytes, at, queued.count);
    this.#at = at + queued.#bytes.copy(this.#bytes, at, 1, queued.#at);
    this.count++;
  }

  #reserve(more: number): void {
    if (this.#at + more <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe(Math.max(2 * this.#bytes.length, this.#at + more));
    this.#bytes.copy(larger, 0, 0, this.#at);
    this.#bytes = larger;
  }
}

/** Bytes that a command takes in a bundle, its own length not counted. */
export function commandLength(args: Args): number {
  let length = 1;
  for (let i = 0; i < args.count; i++) length += varintLength(args.length(i)) + args.length(i);
  return length;
}

export function execLength(watched: ReadonlyMap<string, number>, queued: BundleWriter): number {
  let length = 1 + varintLength(watched.size) + varintLength(queued.count) + queued.length - 1;
  for (const [key, version] of watched) {
    length += varintLength(key.length) + key.length + varintLength(version);
  }
  return length;
}
