import { createHash } from 'node:crypto';
import { SnapshotCorruptError } from '@rsl/core';
import type { SnapshotMeta, SnapshotReader } from '@rsl/core/protocol';
import { onMedium } from './failures.ts';
import type { OpenFile } from './files.ts';
import { decodeChunk, type Places } from './snapshot-file.ts';

/** Reads one committed snapshot, a chunk at a time, each verified. */
export class FileSnapshotReader implements SnapshotReader {
  readonly meta: SnapshotMeta;
  readonly #name: string;
  readonly #places: Places;
  readonly #ended: () => void;
  #file: OpenFile | undefined;
  /** The chunk that was read last. */
  #number = -1;
  #content: Uint8Array = new Uint8Array(0);

  constructor(name: string, meta: SnapshotMeta, file: OpenFile, places: Places, ended: () => void) {
    this.#name = name;
    this.meta = meta;
    this.#file = file;
    this.#places = places;
    this.#ended = ended;
  }

  async read(offset: number, bytesMax: number): Promise<Uint8Array> {
    if (offset >= this.meta.bytes || bytesMax <= 0) return new Uint8Array(0);
    const number = this.#places.chunkOf(offset);
    if (number !== this.#number) {
      this.#content = await this.#chunk(number);
      this.#number = number;
    }
    const from = offset - number * this.#places.chunkBytes;
    return this.#content.slice(from, from + bytesMax);
  }

  async verify(): Promise<void> {
    const hash = createHash('sha256');
    const { bytes, digest } = this.meta;
    for (let number = 0; number * this.#places.chunkBytes < bytes; number += 1) {
      hash.update(await this.#chunk(number));
    }
    if (hash.digest('hex') === digest) return;
    throw new SnapshotCorruptError(this.#name, 0, 'not the content that was committed');
  }

  async close(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    if (file === undefined) return;
    this.#ended();
    await onMedium(this.#name, () => file.close());
  }

  async #chunk(number: number): Promise<Uint8Array> {
    const file = this.#file;
    if (file === undefined) throw new Error('a reader was used after its end');
    const place = this.#places.startOf(number);
    const length = this.#places.lengthOf(number, this.meta.bytes);
    const chunk = await onMedium(this.#name, () => file.read(place, length));
    const content = chunk.length === length ? decodeChunk(number, chunk) : undefined;
    if (content !== undefined) return content;
    throw new SnapshotCorruptError(this.#name, place, 'a chunk whose checksum does not fit');
  }
}
