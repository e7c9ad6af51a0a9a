import { requires } from '@rsl/contracts';
import { OverloadedError, SnapshotGoneError } from '@rsl/core';
import type { SnapshotMeta, SnapshotReader } from '@rsl/core/protocol';
import type { Order } from '../words.ts';
import type { Kept } from './kept.ts';

/** A chunk on its way is never larger. */
const readBytesMax = 16 * 1024 * 1024;

/** What peers copy from here: open until the last of them is done, whatever is discarded. */
export class Readers {
  readonly #kept: Kept;
  readonly #max: number;
  readonly #open = new Map<string, SnapshotReader>();

  constructor(kept: Kept, max: number) {
    this.#kept = kept;
    this.#max = max;
  }

  /** RSL_SNAPSHOT_GONE, RSL_SNAPSHOT_CORRUPT, RSL_OVERLOADED, and what the medium says. */
  async read({ bytesMax, digest, offset }: Order & { kind: 'read' }): Promise<Uint8Array> {
    requires(() => bytesMax <= readBytesMax, 'reader-1 what is read at once is bounded');
    const reader = this.#open.get(digest) ?? (await this.#opened(digest));
    const length = Math.max(0, Math.min(bytesMax, reader.meta.bytes - offset));
    const parts: Uint8Array[] = [];
    for (let at = 0; at < length; ) {
      const part = await reader.read(offset + at, length - at);
      parts.push(part);
      at += part.length;
    }
    return parts.length === 1 ? (parts[0] as Uint8Array) : new Uint8Array(Buffer.concat(parts));
  }

  metaOf(digest: string): SnapshotMeta | undefined {
    return this.#open.get(digest)?.meta ?? this.#kept.find(digest);
  }

  async release(digest: string): Promise<void> {
    const reader = this.#open.get(digest);
    this.#open.delete(digest);
    await reader?.close();
  }

  async close(): Promise<void> {
    for (const digest of this.#open.keys()) await this.release(digest);
  }

  async #opened(digest: string): Promise<SnapshotReader> {
    const meta = this.#kept.find(digest);
    if (meta === undefined) throw new SnapshotGoneError(0);
    if (this.#open.size >= this.#max) {
      const why = `${this.#max} snapshots are being copied from here (readersMax)`;
      throw new OverloadedError('readersMax', why);
    }
    const reader = await this.#kept.store.open(meta);
    this.#open.set(digest, reader);
    return reader;
  }
}
