import { createHash, type Hash } from 'node:crypto';
import { SnapshotCorruptError } from '@rsl/core';
import type { SnapshotMeta, SnapshotWriter } from '@rsl/core/protocol';
import { ensures, requires } from '@rsl/contracts';
import { onMedium } from './failures.ts';
import type { Files, OpenFile } from './files.ts';
import {
  chunkPrefixBytes,
  decodeChunk,
  encodeChunkPrefix,
  encodeEnd,
  encodeHeader,
  type Header,
  metaOf,
  Places,
} from './snapshot-file.ts';

/** So much is written before it is made durable: a log beside it never waits for more. */
const unsyncedBytesMax = 2 * 1024 * 1024;

export interface Draft {
  readonly files: Files;
  /** Where it is written. */
  readonly file: string;
  /** Its name once it is committed. */
  readonly target: string;
  readonly directory: string;
  readonly header: Header;
  /** Of a copy: what it has to become. */
  readonly wanted?: SnapshotMeta;
  /** It is written no more. */
  readonly ended: () => void;
  readonly committed: (meta: SnapshotMeta) => void;
}

/** Writes one snapshot: chunks, then the end, then the name, each durable before the next. */
export class FileSnapshotWriter implements SnapshotWriter {
  readonly #draft: Draft;
  readonly #places: Places;
  readonly #hash: Hash = createHash('sha256');
  readonly #headerBytes: Uint8Array;
  #file: OpenFile | undefined;
  /** The chunk that is being filled, behind its prefix: one for all, or they would be garbage. */
  readonly #chunk: Buffer;
  #partBytes = 0;
  #chunks = 0;
  #unsyncedBytes = 0;

  private constructor(draft: Draft) {
    this.#draft = draft;
    this.#headerBytes = encodeHeader(draft.header);
    this.#places = new Places(this.#headerBytes.length, draft.header.chunkBytes);
    this.#chunk = Buffer.allocUnsafeSlow(chunkPrefixBytes + draft.header.chunkBytes);
  }

  /** Goes on after what an earlier one has left, if that is the beginning of the same file. */
  static async open(draft: Draft, leftBehind: boolean): Promise<FileSnapshotWriter> {
    const writer = new FileSnapshotWriter(draft);
    await onMedium(draft.file, () => writer.#open(leftBehind));
    return writer;
  }

  get bytes(): number {
    return this.#chunks * this.#places.chunkBytes + this.#partBytes;
  }

  async write(bytes: Uint8Array): Promise<void> {
    const { chunkBytes } = this.#places;
    for (let at = 0; at < bytes.length; ) {
      const end = Math.min(bytes.length, at + chunkBytes - this.#partBytes);
      this.#chunk.set(bytes.subarray(at, end), chunkPrefixBytes + this.#partBytes);
      this.#partBytes += end - at;
      at = end;
      if (this.#partBytes === chunkBytes) await this.#writeChunk();
    }
  }

  async commit(): Promise<SnapshotMeta> {
    const { directory, files, header, target, wanted } = this.#draft;
    const { file: name } = this.#draft;
    const { bytes } = this;
    if (this.#partBytes > 0) await this.#writeChunk(true);
    const digest = this.#hash.digest('hex');
    if (wanted !== undefined && (wanted.bytes !== bytes || wanted.digest !== digest)) {
      await this.abort();
      const what = 'a copy that is not what it was to be; it is removed, take it from elsewhere';
      throw new SnapshotCorruptError(name, 0, what);
    }
    const end = encodeEnd(this.#headerBytes, { bytes, digest });
    await onMedium(name, async () => {
      await this.#opened.write([end], this.#places.endOf(bytes));
      await this.#opened.sync();
      await this.#close();
      await files.rename(name, target);
      await files.syncDirectory(directory);
    });
    const meta = metaOf(header.about, { bytes, digest });
    this.#draft.committed(meta);
    return meta;
  }

  async abort(): Promise<void> {
    if (this.#file === undefined) return;
    const { file, files } = this.#draft;
    await onMedium(file, async () => {
      await this.#close();
      await files.remove(file);
    });
  }

  async leave(): Promise<void> {
    if (this.#draft.wanted === undefined) return this.abort();
    if (this.#file === undefined) return;
    await onMedium(this.#draft.file, () => this.#close());
  }

  get #opened(): OpenFile {
    const file = this.#file;
    if (file === undefined) throw new Error('a writer was used after its end');
    return file;
  }

  async #close(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    this.#draft.ended();
    await file?.close();
  }

  async #open(leftBehind: boolean): Promise<void> {
    const { file, files } = this.#draft;
    this.#file = await files.open(file, leftBehind ? 'write' : 'create');
    if (leftBehind && (await this.#goOn(this.#file))) return;
    await this.#file.write([this.#headerBytes], 0);
  }

  /** Takes in every whole chunk that is there; what comes behind the last one is cut off. */
  async #goOn(file: OpenFile): Promise<boolean> {
    const { wanted } = this.#draft;
    const header = await file.read(0, this.#headerBytes.length);
    if (Buffer.compare(header, this.#headerBytes) !== 0) {
      await file.cut(0);
      return false;
    }
    const full = this.#places.chunkOf(wanted?.bytes ?? 0);
    while (this.#chunks < full) {
      const place = this.#places.startOf(this.#chunks);
      const chunk = await file.read(place, this.#places.lengthOf(this.#chunks, Infinity));
      const content = decodeChunk(this.#chunks, chunk);
      if (content?.length !== this.#places.chunkBytes) break;
      this.#hash.update(content);
      this.#chunks += 1;
    }
    await file.cut(this.#places.startOf(this.#chunks));
    return true;
  }

  async #writeChunk(isLast = false): Promise<void> {
    const { chunkBytes } = this.#places;
    requires(
      () => (isLast ? this.#partBytes > 0 : this.#partBytes === chunkBytes),
      'snapshot-writer-1 every chunk but the last is full, and none is empty',
    );
    const chunk = this.#chunk.subarray(0, chunkPrefixBytes + this.#partBytes);
    const content = chunk.subarray(chunkPrefixBytes);
    chunk.set(encodeChunkPrefix(this.#chunks, content));
    this.#partBytes = 0;
    const place = this.#places.startOf(this.#chunks);
    this.#hash.update(content);
    await onMedium(this.#draft.file, async () => {
      await this.#opened.write([chunk], place);
      this.#unsyncedBytes += chunk.length;
      if (this.#unsyncedBytes >= unsyncedBytesMax) await this.#opened.sync();
    });
    if (this.#unsyncedBytes >= unsyncedBytesMax) this.#unsyncedBytes = 0;
    this.#chunks += 1;
    ensures(
      () => this.#unsyncedBytes < unsyncedBytesMax,
      'snapshot-writer-2 a bounded part is not durable',
    );
  }
}
