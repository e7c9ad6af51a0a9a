/**
 * Looking into a directory of snapshots, also while a replica uses it. Files are opened for reading
 * only: not a byte, not a name and not a time of change is touched.
 */
import path from 'node:path';
import { InvalidOptionError, StorageError } from '@rsl/core';
import { holderOf } from '@rsl/directory-lock';
import { type OpenFile, systemFiles } from '../files.ts';
import { isFound, look, lookAtHeader } from '../look.ts';
import {
  committedFile,
  condemnedFile,
  isCommitted,
  isCopy,
  isDraft,
  nameOfCopy,
} from '../names.ts';
import { Places } from '../snapshot-file.ts';
import type {
  InspectedCopy,
  InspectedSnapshot,
  InspectSnapshotsOptions,
  SnapshotsReport,
} from './report.ts';
import { Damages, goodBytes, verified } from './verify.ts';

/**
 * What is in a directory of snapshots: those that are committed, what was left of copies, and
 * whatever is not as it was written. Memory holds one chunk of content.
 *
 * Of a store that is open it is a view of a moment: snapshots may come and go meanwhile.
 *
 * Rejects with `RSL_INVALID_OPTION` if there is no such directory or something else in it, and
 * `RSL_STORAGE_UNUSABLE` if it may not be read.
 */
export async function inspectSnapshots(
  directory: string,
  { verify = false }: InspectSnapshotsOptions = {},
): Promise<SnapshotsReport> {
  return readingFrom(directory, async () => {
    const usedBy = await holderOf(directory);
    const names = [...(await systemFiles.list(directory))].sort();
    if (!names.some(isOurs) && !names.every(isLock)) {
      const what = `there are no snapshots in ${directory}; give the directory that has them`;
      throw new InvalidOptionError('directory', what);
    }
    const looking = new Looking(directory, verify);
    const snapshots = await looking.each(names.filter(isCommitted).reverse(), looking.snapshot);
    looking.noteOtherGroups(snapshots);
    const copies = await looking.each(names.filter(isCopy), looking.copy);
    const drafts = await looking.each(names.filter(isDraft), looking.draft);
    const { count: damageCount, list: damage } = looking.damages;
    const setAside = names.filter(isCondemned);
    const [condemned] = await new Looking(directory, verify).each(setAside, looking.condemned);
    return { directory, usedBy, snapshots, copies, drafts, condemned, damage, damageCount };
  });
}

const isOurs = (name: string): boolean =>
  [isCommitted, isCopy, isDraft, isCondemned].some((is) => is(name));

/** All that is in a store without snapshots. */
const isLock = (name: string): boolean => name.startsWith('lock.');

const isCondemned = (name: string): boolean => condemnedFile('') === name;

async function readingFrom<T>(directory: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') {
      throw new InvalidOptionError('directory', `${directory} is no directory (${message})`);
    }
    if (code !== 'EACCES' && code !== 'EPERM') throw cause;
    const what = `${directory}: the process may not read it; check owner and mode (${message})`;
    throw new StorageError('RSL_STORAGE_UNUSABLE', what, { cause });
  }
}

class Looking {
  readonly damages = new Damages();
  readonly #directory: string;
  readonly #verify: boolean;

  constructor(directory: string, verify: boolean) {
    this.#directory = directory;
    this.#verify = verify;
  }

  /** What has gone since the directory was listed is left out. */
  async each<T>(
    names: readonly string[],
    run: (file: string, opened: OpenFile) => Promise<T>,
  ): Promise<T[]> {
    const all: T[] = [];
    for (const name of names) {
      const file = path.join(this.#directory, name);
      try {
        const opened = await systemFiles.open(file, 'read');
        try {
          all.push(await run(file, opened));
        } finally {
          await opened.close();
        }
      } catch (error) {
        this.#noteUnreadable(file, error);
      }
    }
    return all;
  }

  readonly snapshot = async (file: string, opened: OpenFile): Promise<InspectedSnapshot> => {
    const looked = await this.#look(file, opened, this.damages);
    const { meta } = looked;
    if (meta !== undefined && committedFile(this.#directory, meta.slot) !== file) {
      this.damages.add(file, 0, `this is the snapshot of slot ${meta.slot}, under another name`);
    }
    return looked;
  };

  /** What is wrong with it is known: it was set aside for that. */
  readonly condemned = (file: string, opened: OpenFile): Promise<InspectedSnapshot> =>
    this.#look(file, opened, new Damages());

  async #look(file: string, opened: OpenFile, damages: Damages): Promise<InspectedSnapshot> {
    const fileBytes = await opened.length();
    const looked = await look(opened);
    const { header } = looked;
    const told = { file, fileBytes, group: header?.group, chunkBytes: header?.chunkBytes };
    if (!isFound(looked)) {
      damages.add(file, looked.offset, looked.problem);
      return { ...told, meta: undefined, verified: this.#verify ? false : undefined };
    }
    const { meta } = looked;
    if (!this.#verify) return { ...told, meta, verified: undefined };
    return { ...told, meta, verified: await verified(file, opened, looked, damages) };
  }

  readonly copy = async (file: string, opened: OpenFile): Promise<InspectedCopy> => {
    const fileBytes = await opened.length();
    const told = { file, fileBytes, ...nameOfCopy(path.basename(file)) };
    if (!this.#verify) return { ...told, bytes: undefined };
    const headed = await lookAtHeader(opened);
    if (headed === undefined) return { ...told, bytes: 0 };
    const places = new Places(headed.bytes.length, headed.header.chunkBytes);
    return { ...told, bytes: await goodBytes(opened, places) };
  };

  readonly draft = async (file: string, opened: OpenFile) => {
    return { file, fileBytes: await opened.length() };
  };

  /** A store refuses to open when it finds one. */
  noteOtherGroups(snapshots: readonly InspectedSnapshot[]): void {
    const known = snapshots.filter(({ group }) => group !== undefined);
    for (const { file, group } of known) {
      const newest = known[0]?.group;
      if (group === newest) continue;
      const what = `this is of group ${JSON.stringify(group)}, not ${JSON.stringify(newest)}`;
      this.damages.add(file, 0, what);
    }
  }

  /** What the medium does not give is damage; what the process may not see is not. */
  #noteUnreadable(file: string, error: unknown): void {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return;
    if (code === undefined || /^(RSL_|ERR_|EACCES|EPERM|EMFILE|ENFILE)/.test(code)) throw error;
    this.damages.add(file, 0, message);
  }
}
