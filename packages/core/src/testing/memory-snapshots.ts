import { createHash } from 'node:crypto';
import { InvalidOptionError, StorageError } from '../errors.ts';
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
import { MemoryShelf, type ShelfWork, type Whole } from './memory-shelf.ts';

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
    this.#opening = shelf.open();
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
    mustBeReadable(this.#shelf);
    return readerOf(this.#shelf, whole, this.#pace);
  }

  async discard(before: Slot): Promise<void> {
    this.#mustBeOpen();
    await this.#pace();
    if (!this.#isCurrent) return;
    this.#shelf.undiscarded += 1;
    mustWork(this.#shelf, 'removal');
    const slots = [...this.#shelf.snapshots.keys()].filter((slot) => slot < before);
    this.#shelf.remove(slots, 'discarded');
  }

  async condemn({ digest, slot }: SnapshotMeta): Promise<void> {
    this.#mustBeOpen();
    const isThere = this.#shelf.snapshots.get(slot)?.meta.digest === digest;
    if (!isThere || !this.#isCurrent) return;
    mustWork(this.#shelf, 'removal');
    this.#shelf.remove([slot], 'condemned');
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
    mustWork(this.#shelf, kind === 'copy' ? 'copy' : 'save');
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
    this.#mustFit(bytes.length);
    this.#take(bytes.slice());
    if (this.#wanted === undefined || !this.#isCurrent()) return;
    this.#shelf.left = { meta: this.#wanted, bytes: Buffer.concat(this.#parts) };
  }

  async commit(): Promise<SnapshotMeta> {
    const shelf = this.#shelf;
    const bytes = new Uint8Array(Buffer.concat(this.#parts));
    const digest = createHash('sha256').update(bytes).digest('hex');
    const meta: SnapshotMeta = { ...this.#about, bytes: bytes.length, digest };
    if (this.#wanted !== undefined && this.#wanted.digest !== digest) {
      await this.#pace();
      await this.abort();
      throw new SnapshotCorruptError('memory', 0, 'a copy that is not what it was to be');
    }
    const whole: Whole = { meta, bytes };
    if (this.#isCurrent()) {
      shelf.committing.add(whole);
      shelf.onCommit();
    }
    await this.#pace();
    shelf.committing.delete(whole);
    this.#mustCommit(whole);
    this.#end();
    if (!this.#isCurrent()) return meta;
    if (this.#wanted !== undefined) shelf.left = undefined;
    shelf.put(whole);
    shelf.on.committed(this.#work);
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

  get #work(): 'copy' | 'save' {
    return this.#wanted === undefined ? 'save' : 'copy';
  }

  #mustFit(bytes: number): void {
    const shelf = this.#shelf;
    mustWork(shelf, this.#work);
    if (bytes > shelf.bytesFree) {
      shelf.on.met('full', this.#work);
      throw new StorageError('RSL_STORAGE_FULL', 'this shelf has no room');
    }
    shelf.bytesFree -= bytes;
  }

  /** Its end has to fit as well; when its name cannot be made durable it may still be there. */
  #mustCommit(whole: Whole): void {
    const shelf = this.#shelf;
    if (shelf.failure !== undefined && this.#isCurrent()) {
      if (shelf.survivesFailure && this.#wanted !== undefined) shelf.left = undefined;
      shelf.lose(whole);
    }
    this.#mustFit(endBytes);
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

/** What a snapshot needs beside its content. */
const endBytes = 56;

/** So much has a checksum of its own. */
const chunkBytes = 512;

function mustWork({ failure, on }: MemoryShelf, work: ShelfWork): void {
  if (failure === undefined) return;
  on.met('failure', work);
  throw failure;
}

function mustBeReadable({ on, readFailure }: MemoryShelf): void {
  if (readFailure === undefined) return;
  on.met('readError', 'read');
  throw readFailure;
}

const digests = new WeakMap<Uint8Array, string>();

function digestOf(bytes: Uint8Array): string {
  const known = digests.get(bytes) ?? createHash('sha256').update(bytes).digest('hex');
  digests.set(bytes, known);
  return known;
}

function readerOf(shelf: MemoryShelf, opened: Whole, pace: Pace): SnapshotReader {
  const { meta } = opened;
  let last = opened;
  shelf.reading = [...shelf.reading, meta.slot];
  /** What rots while it is open is bad; what is removed can be read all the same. */
  const current = async (): Promise<Whole> => {
    await pace();
    mustBeReadable(shelf);
    const now = shelf.snapshots.get(meta.slot);
    if (now?.meta.digest === meta.digest) last = now;
    return last;
  };
  const corrupt = (offset: number): SnapshotCorruptError => {
    shelf.on.met('rot', 'read');
    return new SnapshotCorruptError('memory', offset, 'not the content that was committed');
  };
  return {
    meta,
    async read(offset, bytesMax) {
      const { bytes, rot = [] } = await current();
      const from = offset - (offset % chunkBytes);
      const bad = rot.find((at) => at >= from && at < offset + bytesMax);
      if (bad !== undefined) throw corrupt(bad);
      return bytes.slice(offset, offset + bytesMax);
    },
    async verify() {
      const { bytes } = await current();
      if (digestOf(bytes) !== meta.digest) throw corrupt(0);
    },
    async close() {
      const at = shelf.reading.indexOf(meta.slot);
      shelf.reading = shelf.reading.filter((_, i) => i !== at);
    },
  };
}
