import { createHash } from 'node:crypto';
import { InvalidOptionError, type RslError, StorageError } from '../errors.ts';
import type { Slot } from '../paxos/slot.ts';
import type { Port } from '../ports/port.ts';
import type {
  SnapshotAbout,
  SnapshotMeta,
  SnapshotName,
  SnapshotReader,
  SnapshotStore,
  SnapshotWriter,
} from '../ports/snapshot-store.ts';
import { SnapshotCorruptError, SnapshotGoneError } from '../snapshot-errors.ts';

/** A whole snapshot. Its bytes are never changed: a damaged one is another one. */
interface Whole {
  readonly meta: SnapshotMeta;
  readonly bytes: Uint8Array;
}

/**
 * A medium in memory, which outlives the stores opened on it: what a directory is to a process. A
 * test gives the same one again to restart a replica.
 */
export class MemoryShelf {
  readonly snapshots = new Map<Slot, Whole>();
  /** What a copy has left: of which snapshot, and its first bytes. */
  left: Whole | undefined;
  /** Set by a test: how many bytes more can be written. */
  bytesFree = Infinity;
  /** Set by a test: the next write fails with this. */
  failure: RslError | undefined;
  /** Which opening it is: a store of an earlier one writes nothing any more. */
  opening = 0;

  /** The process is gone, and what it had not committed; of a copy the first bytes are there. */
  crash(): void {
    this.opening += 1;
  }

  /** What is kept of the slot has one bit that is another; its meta still looks right. */
  damage(slot: Slot, bit: number): boolean {
    const whole = this.snapshots.get(slot);
    if (whole === undefined || whole.bytes.length === 0) return false;
    const bytes = whole.bytes.slice();
    const at = Math.floor(bit / 8) % bytes.length;
    bytes[at] = (bytes[at] as number) ^ (1 << (bit % 8));
    this.snapshots.set(slot, { meta: whole.meta, bytes });
    return true;
  }

  /** As it is now, to be put in its place some day. */
  copy(): MemoryShelf {
    const copy = new MemoryShelf();
    for (const [slot, whole] of this.snapshots) copy.snapshots.set(slot, whole);
    copy.left = this.left;
    return copy;
  }

  /** Bytes that are kept. */
  get bytes(): number {
    let bytes = this.left?.bytes.length ?? 0;
    for (const whole of this.snapshots.values()) bytes += whole.bytes.length;
    return bytes;
  }
}

/** Resolves when a medium has done something; never, once its process is gone. */
export type Pace = () => Promise<void>;

const atOnce: Pace = async () => {};

/** The in-memory twin of a directory of snapshots. For tests and examples. */
export function memorySnapshots(shelf = new MemoryShelf(), pace = atOnce): Port<SnapshotStore> {
  return { open: async () => new MemorySnapshotStore(shelf, pace) };
}

class MemorySnapshotStore implements SnapshotStore {
  readonly #shelf: MemoryShelf;
  readonly #pace: Pace;
  readonly #opening: number;
  readonly #writing: { create?: SnapshotWriter; copy?: SnapshotWriter } = {};
  #closed = false;

  constructor(shelf: MemoryShelf, pace: Pace) {
    this.#shelf = shelf;
    this.#pace = pace;
    this.#opening = shelf.opening;
  }

  async list(): Promise<readonly SnapshotMeta[]> {
    await this.#pace();
    const metas = [...this.#shelf.snapshots.values()].map(({ meta }) => meta);
    return metas.sort((a, b) => b.slot - a.slot);
  }

  where({ slot }: SnapshotMeta): string {
    return `memory, slot ${slot}`;
  }

  async create(about: SnapshotAbout): Promise<SnapshotWriter> {
    return this.#begin('create', about, undefined);
  }

  async copy(meta: SnapshotMeta): Promise<SnapshotWriter> {
    return this.#begin('copy', meta, meta);
  }

  async left(): Promise<SnapshotName | undefined> {
    const meta = this.#shelf.left?.meta;
    return meta && { slot: meta.slot, digest: meta.digest };
  }

  async open(meta: SnapshotMeta): Promise<SnapshotReader> {
    this.#mustBeOpen();
    const whole = this.#shelf.snapshots.get(meta.slot);
    if (whole?.meta.digest !== meta.digest) throw new SnapshotGoneError(meta.slot);
    await this.#pace();
    return readerOf(whole, this.#pace);
  }

  async discard(before: Slot): Promise<void> {
    this.#mustBeOpen();
    await this.#pace();
    for (const slot of this.#shelf.snapshots.keys()) {
      if (slot < before && this.#isCurrent) this.#shelf.snapshots.delete(slot);
    }
  }

  async condemn({ digest, slot }: SnapshotMeta): Promise<void> {
    this.#mustBeOpen();
    const isThere = this.#shelf.snapshots.get(slot)?.meta.digest === digest;
    if (isThere && this.#isCurrent) this.#shelf.snapshots.delete(slot);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#writing.create?.abort();
    await this.#writing.copy?.leave();
  }

  get #isCurrent(): boolean {
    return this.#opening === this.#shelf.opening;
  }

  #begin(
    kind: 'create' | 'copy',
    about: SnapshotAbout,
    wanted: SnapshotMeta | undefined,
  ): SnapshotWriter {
    this.#mustBeOpen();
    if (this.#writing[kind] !== undefined) {
      throw new InvalidOptionError(kind, 'another one is being written; end it first');
    }
    const ended = (): void => void delete this.#writing[kind];
    const medium = { shelf: this.#shelf, isCurrent: () => this.#isCurrent, pace: this.#pace };
    const writer = new MemoryWriter(medium, about, wanted, ended);
    this.#writing[kind] = writer;
    return writer;
  }

  #mustBeOpen(): void {
    if (this.#closed) throw new InvalidOptionError('store', 'this store was closed');
  }
}

interface Medium {
  readonly shelf: MemoryShelf;
  readonly isCurrent: () => boolean;
  readonly pace: Pace;
}

class MemoryWriter implements SnapshotWriter {
  readonly #shelf: MemoryShelf;
  readonly #isCurrent: () => boolean;
  readonly #pace: Pace;
  readonly #about: SnapshotAbout;
  readonly #wanted: SnapshotMeta | undefined;
  readonly #ended: () => void;
  #parts: Uint8Array[] = [];
  #bytes = 0;
  #isOpen = true;

  constructor(
    { isCurrent, pace, shelf }: Medium,
    { layout, membership, slot }: SnapshotAbout,
    wanted: SnapshotMeta | undefined,
    ended: () => void,
  ) {
    this.#shelf = shelf;
    this.#isCurrent = isCurrent;
    this.#pace = pace;
    this.#about = { slot, membership, layout };
    this.#wanted = wanted;
    this.#ended = ended;
    const { left } = shelf;
    if (wanted === undefined) return;
    const isSame = left?.meta.slot === wanted.slot && left.meta.digest === wanted.digest;
    if (isSame) this.#take(left.bytes);
    else shelf.left = undefined;
  }

  get bytes(): number {
    return this.#bytes;
  }

  async write(bytes: Uint8Array): Promise<void> {
    await this.#pace();
    const { failure } = this.#shelf;
    if (failure !== undefined) throw failure;
    if (bytes.length > this.#shelf.bytesFree) {
      throw new StorageError('RSL_STORAGE_FULL', 'this shelf has no room');
    }
    this.#shelf.bytesFree -= bytes.length;
    this.#take(bytes.slice());
    if (this.#wanted === undefined || !this.#isCurrent()) return;
    this.#shelf.left = { meta: this.#wanted, bytes: Buffer.concat(this.#parts) };
  }

  async commit(): Promise<SnapshotMeta> {
    await this.#pace();
    const bytes = new Uint8Array(Buffer.concat(this.#parts));
    const digest = createHash('sha256').update(bytes).digest('hex');
    const meta: SnapshotMeta = { ...this.#about, bytes: bytes.length, digest };
    if (this.#wanted !== undefined && this.#wanted.digest !== digest) {
      await this.abort();
      throw new SnapshotCorruptError('memory', 0, 'a copy that is not what it was to be');
    }
    this.#end();
    if (!this.#isCurrent()) return meta;
    if (this.#wanted !== undefined) this.#shelf.left = undefined;
    this.#shelf.snapshots.set(meta.slot, { meta, bytes });
    return meta;
  }

  async abort(): Promise<void> {
    if (!this.#isOpen) return;
    this.#end();
    if (this.#wanted !== undefined && this.#isCurrent()) this.#shelf.left = undefined;
  }

  async leave(): Promise<void> {
    if (this.#isOpen) this.#end();
  }

  #take(bytes: Uint8Array): void {
    this.#parts.push(bytes);
    this.#bytes += bytes.length;
  }

  #end(): void {
    this.#isOpen = false;
    this.#ended();
  }
}

function readerOf({ bytes, meta }: Whole, pace: Pace): SnapshotReader {
  const verify = async (): Promise<void> => {
    await pace();
    const digest = createHash('sha256').update(bytes).digest('hex');
    if (digest === meta.digest) return;
    throw new SnapshotCorruptError('memory', 0, 'not the content that was committed');
  };
  return {
    meta,
    async read(offset, bytesMax) {
      await verify();
      return bytes.slice(offset, offset + bytesMax);
    },
    verify,
    close: async () => {},
  };
}
