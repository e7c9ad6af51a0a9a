import { createHash } from 'node:crypto';
import type { Membership, Slot, SnapshotMeta } from '@rsl/core/protocol';
import type { Answer, Order } from '../../src/words.ts';

export interface Whole {
  readonly meta: SnapshotMeta;
  readonly bytes: Uint8Array;
}

/** The state after a slot, the same bytes wherever it is saved. */
export function wholeOf(slot: Slot, size: number, membership: Membership, seed = 0): Whole {
  const bytes = new Uint8Array(size);
  for (let i = 0; i < size; i += 1) bytes[i] = (i * 31 + slot * 7 + seed + (i >> 8)) & 255;
  return { bytes, meta: { slot, membership, layout: 1, bytes: size, digest: digestOf(bytes) } };
}

export const digestOf = (bytes: Uint8Array): string =>
  createHash('sha256').update(bytes).digest('hex');

/** What outlives a process. */
export class Shelf {
  readonly snapshots = new Map<string, Whole>();
  left: Whole | undefined;
  bytesFree = Infinity;

  get metas(): SnapshotMeta[] {
    return [...this.snapshots.values()].map(({ meta }) => meta).sort((a, b) => b.slot - a.slot);
  }
}

/** The other half, played: a store with the semantics of the real ones, one order at a time. */
export class FakeKeeper {
  readonly shelf: Shelf;
  readonly #answer: (answer: Answer) => void;
  readonly #open = new Map<string, Whole>();
  #isWriting = false;
  #ticket = 0;
  /** What is read of these has one byte that is another, as if read from a bad machine. */
  readonly lies = new Set<string>();
  /** These cannot be loaded. */
  readonly unloadable = new Set<string>();
  /** Whatever was ordered, oldest first. */
  readonly orders: Order[] = [];
  readonly committed: Whole[] = [];

  constructor(shelf: Shelf, answer: (answer: Answer) => void) {
    this.shelf = shelf;
    this.#answer = answer;
  }

  begin(): void {
    this.#answer({
      kind: 'snapshots',
      snapshots: this.shelf.metas,
      left: this.shelf.left?.meta,
    });
  }

  /** How many snapshots are held open for peers. */
  get openReaders(): number {
    return this.#open.size;
  }

  save(whole: Whole): void {
    this.shelf.snapshots.set(whole.meta.digest, whole);
    this.tell();
  }

  discard(before: Slot): void {
    for (const [digest, { meta }] of this.shelf.snapshots) {
      if (meta.slot < before) this.shelf.snapshots.delete(digest);
    }
    this.tell();
  }

  tell(): void {
    this.#answer({ kind: 'snapshots', snapshots: this.shelf.metas });
  }

  perform(order: Order): void {
    this.orders.push(order);
    switch (order.kind) {
      case 'governs':
      case 'leads':
      case 'unserved':
      case 'diverged':
      case 'wanted':
        return;
      case 'read':
        return this.#read(order);
      case 'release':
        this.#open.delete(order.digest);
        return;
      case 'copy':
        return this.#copy(order);
      case 'write':
        return this.#write(order.bytes);
      case 'commit':
        return this.#commit();
      case 'leave':
        this.#isWriting = false;
        return;
      case 'install':
        return this.#install(order.meta);
    }
  }

  #read({ bytesMax, digest, offset, ticket }: Order & { kind: 'read' }): void {
    const whole = this.#open.get(digest) ?? this.shelf.snapshots.get(digest);
    if (whole === undefined) {
      return this.#answer({ kind: 'unreadable', ticket, code: 'RSL_SNAPSHOT_GONE' });
    }
    this.#open.set(digest, whole);
    const bytes = whole.bytes.slice(offset, offset + bytesMax);
    if (this.lies.has(digest)) bytes[0] = (bytes[0] as number) ^ 1;
    this.#answer({ kind: 'read', ticket, bytes });
  }

  #copy({ meta, ticket }: Order & { kind: 'copy' }): void {
    const { shelf } = this;
    if (shelf.left?.meta.digest !== meta.digest) shelf.left = { meta, bytes: new Uint8Array() };
    this.#isWriting = true;
    this.#ticket = ticket;
    this.#answer({ kind: 'copying', bytes: shelf.left?.bytes.length ?? 0, ticket });
  }

  #write(bytes: Uint8Array): void {
    const { left } = this.shelf;
    if (!this.#isWriting || left === undefined) return;
    if (bytes.length > this.shelf.bytesFree) return this.#failed('RSL_STORAGE_FULL');
    const all = new Uint8Array(left.bytes.length + bytes.length);
    all.set(left.bytes);
    all.set(bytes, left.bytes.length);
    this.shelf.left = { meta: left.meta, bytes: all };
    this.#answer({ kind: 'written', bytes: all.length, ticket: this.#ticket });
  }

  #commit(): void {
    const { left } = this.shelf;
    if (!this.#isWriting || left === undefined) return;
    this.shelf.left = undefined;
    if (digestOf(left.bytes) !== left.meta.digest) return this.#failed('RSL_SNAPSHOT_CORRUPT');
    this.#isWriting = false;
    this.committed.push(left);
    this.shelf.snapshots.set(left.meta.digest, left);
    this.tell();
    this.#answer({ kind: 'copied', meta: left.meta, ticket: this.#ticket });
  }

  #install(meta: SnapshotMeta): void {
    const whole = this.shelf.snapshots.get(meta.digest);
    if (whole !== undefined && !this.unloadable.delete(meta.digest)) {
      const { membership, slot } = meta;
      return this.#answer({ kind: 'installed', slot, membership });
    }
    this.shelf.snapshots.delete(meta.digest);
    this.tell();
    this.#answer({ kind: 'install-failed', code: 'RSL_SNAPSHOT_CORRUPT' });
  }

  #failed(code: string): void {
    this.#isWriting = false;
    this.#answer({ kind: 'copy-failed', code, ticket: this.#ticket });
  }
}
