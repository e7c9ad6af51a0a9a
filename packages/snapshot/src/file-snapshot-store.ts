import path from 'node:path';
import {
  InvalidOptionError,
  SnapshotCorruptError,
  SnapshotGoneError,
  StorageError,
} from '@rsl/core';
import type {
  PortContext,
  Slot,
  SnapshotAbout,
  SnapshotMeta,
  SnapshotName,
  SnapshotReader,
  SnapshotStore,
  SnapshotWriter,
} from '@rsl/core/protocol';
import type { DirectoryLock } from '@rsl/directory-lock';
import { onMedium } from './failures.ts';
import type { Files, OpenFile } from './files.ts';
import { type Found, isFound, look } from './look.ts';
import { committedFile, condemnedFile, copyFile, draftFile } from './names.ts';
import { isCommitted, isCopy, isDraft, nameOfCopy } from './names.ts';
import type { CompleteOptions } from './options.ts';
import type { Header } from './snapshot-file.ts';
import { FileSnapshotReader } from './snapshot-reader.ts';
import { type Draft, FileSnapshotWriter } from './snapshot-writer.ts';

/** Whose snapshots they are. */
export type StoreContext = Pick<PortContext, 'group' | 'logger'>;

/** Snapshots in files of one directory. */
export class FileSnapshotStore implements SnapshotStore {
  readonly #directory: string;
  readonly #options: CompleteOptions;
  readonly #context: StoreContext;
  readonly #files: Files;
  readonly #kept = new Map<Slot, SnapshotMeta>();
  readonly #readers = new Set<SnapshotReader>();
  #creating: SnapshotWriter | 'soon' | undefined;
  #copying: SnapshotWriter | 'soon' | undefined;
  #drafts = 0;
  #lock: DirectoryLock | undefined;
  #closed = false;

  private constructor(
    directory: string,
    options: CompleteOptions,
    context: StoreContext,
    files: Files,
  ) {
    this.#directory = directory;
    this.#options = options;
    this.#context = context;
    this.#files = files;
  }

  /**
   * RSL_STORAGE_UNUSABLE; RSL_STORAGE_LOCKED while another store is open on it (S7);
   * RSL_WRONG_STORE if another group's snapshots are in it.
   */
  static async open(
    directory: string,
    options: CompleteOptions,
    context: StoreContext,
    files: Files,
  ): Promise<FileSnapshotStore> {
    const store = new FileSnapshotStore(directory, options, context, files);
    try {
      await store.#open();
    } catch (cause) {
      await store.#lock?.release();
      if ((cause as { code?: string }).code?.startsWith('RSL_')) throw cause;
      const what = `${directory}: it cannot be used; check the path, its owner and its mode`;
      throw new StorageError('RSL_STORAGE_UNUSABLE', what, { cause });
    }
    return store;
  }

  async list(): Promise<readonly SnapshotMeta[]> {
    return [...this.#kept.values()].sort((a, b) => b.slot - a.slot);
  }

  where({ slot }: SnapshotMeta): string {
    return committedFile(this.#directory, slot);
  }

  async create(about: SnapshotAbout): Promise<SnapshotWriter> {
    this.#mustBeOpen();
    if (this.#creating !== undefined) throw busy('create');
    this.#creating = 'soon';
    this.#drafts += 1;
    const file = draftFile(this.#directory, this.#drafts);
    const ended = (): void => void (this.#creating = undefined);
    const writer = await this.#write({ ...this.#draftOf(about, file), ended }, false);
    this.#creating = writer;
    return writer;
  }

  async copy(meta: SnapshotMeta): Promise<SnapshotWriter> {
    this.#mustBeOpen();
    if (this.#copying !== undefined) throw busy('copy');
    this.#copying = 'soon';
    const file = copyFile(this.#directory, meta);
    const ended = (): void => void (this.#copying = undefined);
    const { layout, membership, slot } = meta;
    const draft = { ...this.#draftOf({ slot, membership, layout }, file), wanted: meta, ended };
    const writer = await this.#write(draft, await this.#hasCopy(file));
    this.#copying = writer;
    return writer;
  }

  async left(): Promise<SnapshotName | undefined> {
    this.#mustBeOpen();
    const names = await onMedium(this.#directory, () => this.#files.list(this.#directory));
    const name = names.find(isCopy);
    return name === undefined ? undefined : nameOfCopy(name);
  }

  async open(meta: SnapshotMeta): Promise<SnapshotReader> {
    this.#mustBeOpen();
    if (this.#kept.get(meta.slot)?.digest !== meta.digest) throw new SnapshotGoneError(meta.slot);
    const name = committedFile(this.#directory, meta.slot);
    return onMedium(name, async () => {
      const file = await this.#files.open(name, 'read');
      try {
        return this.#readerOf(name, file, await this.#look(name, file), meta);
      } catch (error) {
        await file.close();
        throw error;
      }
    });
  }

  /** The medium is looked at again: what was there at the start may not be any more. */
  #readerOf(
    name: string,
    file: OpenFile,
    found: Found | undefined,
    { digest }: SnapshotMeta,
  ): SnapshotReader {
    if (found?.meta.digest !== digest) {
      throw new SnapshotCorruptError(name, 0, 'not the snapshot that was committed');
    }
    const ended = (): void => void this.#readers.delete(reader);
    const reader = new FileSnapshotReader(name, found.meta, file, found.places, ended);
    this.#readers.add(reader);
    return reader;
  }

  /** A file that is open stays readable when its name goes: nothing else has to be done for it. */
  async discard(before: Slot): Promise<void> {
    this.#mustBeOpen();
    const slots = [...this.#kept.keys()].filter((slot) => slot < before);
    for (const slot of slots) this.#kept.delete(slot);
    await onMedium(this.#directory, async () => {
      for (const slot of slots) await this.#files.remove(committedFile(this.#directory, slot));
      if (slots.length > 0) await this.#files.syncDirectory(this.#directory);
    });
  }

  async condemn({ digest, slot }: SnapshotMeta): Promise<void> {
    this.#mustBeOpen();
    if (this.#kept.get(slot)?.digest !== digest) return;
    this.#kept.delete(slot);
    await this.#setAside(committedFile(this.#directory, slot));
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    try {
      for (const reader of this.#readers) await reader.close();
      for (const writer of [this.#creating, this.#copying]) {
        if (typeof writer === 'object') await writer.leave();
      }
    } finally {
      await this.#lock?.release();
    }
  }

  // ---- opening

  async #open(): Promise<void> {
    const files = this.#files;
    await files.makeDirectory(this.#directory);
    this.#lock = await files.lock(this.#directory);
    const names = await files.list(this.#directory);
    for (const name of names.filter(isDraft)) await files.remove(this.#pathOf(name));
    for (const name of names.filter(isCommitted)) await this.#takeIn(this.#pathOf(name));
  }

  #pathOf(name: string): string {
    return path.join(this.#directory, name);
  }

  async #takeIn(file: string): Promise<void> {
    const opened = await this.#files.open(file, 'read');
    let found: Found | undefined;
    try {
      found = await this.#look(file, opened);
    } finally {
      await opened.close();
    }
    if (found !== undefined) this.#kept.set(found.meta.slot, found.meta);
    else await this.#setAside(file);
  }

  /** What a file says of itself; undefined if that is not to be believed. */
  async #look(name: string, file: OpenFile): Promise<Found | undefined> {
    const looked = await look(file);
    if (looked.header !== undefined) this.#mustBeOurs(looked.header);
    if (!isFound(looked)) return undefined;
    return committedFile(this.#directory, looked.meta.slot) === name ? looked : undefined;
  }

  #mustBeOurs({ group }: Header): void {
    if (group === this.#context.group) return;
    throw new StorageError(
      'RSL_WRONG_STORE',
      `${this.#directory} has snapshots of group ${JSON.stringify(group)}, not ` +
        `${JSON.stringify(this.#context.group)}; give each group its own directory`,
    );
  }

  // ---- writing

  #draftOf(about: SnapshotAbout, file: string): Omit<Draft, 'ended' | 'wanted'> {
    const { chunkBytes } = this.#options;
    const header = { group: this.#context.group, chunkBytes, about };
    const directory = this.#directory;
    const target = committedFile(directory, about.slot);
    const committed = (meta: SnapshotMeta): void => void this.#kept.set(meta.slot, meta);
    return { files: this.#files, file, target, directory, header, committed };
  }

  async #write(draft: Draft, leftBehind: boolean): Promise<SnapshotWriter> {
    try {
      return await FileSnapshotWriter.open(draft, leftBehind);
    } catch (error) {
      draft.ended();
      throw error;
    }
  }

  /** Room for one: what another copy has left is of no use any more. */
  async #hasCopy(file: string): Promise<boolean> {
    return onMedium(this.#directory, async () => {
      const names = (await this.#files.list(this.#directory)).filter(isCopy);
      const others = names.filter((name) => this.#pathOf(name) !== file);
      for (const name of others) await this.#files.remove(this.#pathOf(name));
      return names.length > others.length;
    });
  }

  async #setAside(file: string): Promise<void> {
    const aside = condemnedFile(this.#directory);
    this.#context.logger.warn({ file, aside }, 'a snapshot that cannot be verified is set aside');
    await onMedium(file, async () => {
      await this.#files.rename(file, aside);
      await this.#files.syncDirectory(this.#directory);
    });
  }

  #mustBeOpen(): void {
    if (this.#closed) throw new InvalidOptionError('store', 'this store was closed');
  }
}

const busy = (what: string): InvalidOptionError =>
  new InvalidOptionError(what, 'another one is being written; commit, abort or leave it first');
