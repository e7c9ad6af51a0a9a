/**
 * What is in a log's directory, and whose it is.
 *
 *   identity            format version, group, replica and store; JSON with a checksum (S8)
 *   0000000001.log …    segments, without a gap
 *   spare-<n>           files that are ready to become a segment
 *   draft-<n>           not ready: removed at the next start
 *   lock.<n>            see @rsl/directory-lock
 */
import { randomInt } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { crc32 } from 'node:zlib';
import { CorruptionError, StorageError } from '@rsl/core';
import type { PortContext, ReplicaId, StoreId } from '@rsl/core/protocol';
import type { Files } from './files.ts';
import { formatVersion } from './segment-header.ts';

const segmentName = /^([0-9]{10})\.log$/;
const spareName = /^spare-[0-9]{1,10}$/;
const draftName = /^draft-[0-9]{1,10}$/;

export const segmentFile = (directory: string, sequence: number): string =>
  path.join(directory, `${String(sequence).padStart(10, '0')}.log`);
export const spareFile = (directory: string, n: number): string =>
  path.join(directory, `spare-${n}`);
export const draftFile = (directory: string, n: number): string =>
  path.join(directory, `draft-${n}`);
export const identityFile = (directory: string): string => path.join(directory, 'identity');

const probesFrom = 5_000_000_000;
const probesBefore = 10_000_000_000;

export interface Contents {
  /** In order, without a gap. */
  readonly segments: readonly number[];
  readonly spares: readonly string[];
  readonly drafts: readonly string[];
  readonly hasIdentity: boolean;
}

export function contentsOf(directory: string): Contents {
  const names = fs.readdirSync(directory).sort();
  const segments = names.flatMap((name) => {
    const number = segmentName.exec(name)?.[1];
    return number === undefined ? [] : [Number(number)];
  });
  const full = (name: string) => path.join(directory, name);
  return {
    segments,
    spares: names.filter((name) => spareName.test(name)).map(full),
    drafts: names.filter((name) => draftName.test(name)).map(full),
    hasIdentity: names.includes('identity'),
  };
}

/** Makes the directory if it is not there, and finds out whether it can be written. */
export function prepareDirectory(directory: string, files: Files): void {
  try {
    makeDirectory(path.resolve(directory), files);
    fs.accessSync(directory, fs.constants.R_OK | fs.constants.W_OK | fs.constants.X_OK);
    // A name of its own: others may look at the same time, before anybody has the lock. The numbers
    // are far above those of the pool's drafts; what a crash leaves is removed as a draft.
    const probe = draftFile(directory, randomInt(probesFrom, probesBefore));
    files.close(files.open(probe, 'create'));
    files.remove(probe);
  } catch (cause) {
    // A store that is there can be opened on a full medium: its segments have their room already.
    if (!isFull((cause as NodeJS.ErrnoException).code)) throw storageError(directory, cause);
  }
}

/** Node's own recursive way never returns where a parent is there but takes no child (/proc). */
function makeDirectory(directory: string, files: Files): void {
  if (isDirectory(directory)) return;
  const parent = path.dirname(directory);
  if (parent !== directory) makeDirectory(parent, files);
  try {
    fs.mkdirSync(directory, { mode: 0o700 });
  } catch (error) {
    // Somebody else may have been quicker.
    if (isDirectory(directory)) return;
    throw error;
  }
  files.syncDirectory(parent);
}

const isDirectory = (file: string): boolean =>
  fs.statSync(file, { throwIfNoEntry: false })?.isDirectory() ?? false;

/** A call on the directory that failed while opening, as an error that says what to do. */
export function storageError(directory: string, cause: unknown): unknown {
  const { code, message } = cause as NodeJS.ErrnoException;
  if (code === undefined || code.startsWith('RSL_') || code.startsWith('ERR_')) return cause;
  if (isFull(code)) {
    const what = `${directory}: no room on the medium; make room, then start again`;
    return new StorageError('RSL_STORAGE_FULL', what, { cause });
  }
  const advice: Record<string, string> = {
    ENOTDIR: 'a part of the path is a file; give the path of a directory',
    EEXIST: 'this is a file; give the path of a directory',
    EROFS: 'the file system is read-only; mount it writable, or use another directory',
    EACCES: 'the process may not use it; check owner and mode',
    EPERM: 'the process may not use it; check owner and mode',
    ENOENT: 'it cannot be made there; use another directory',
    ENAMETOOLONG: 'the path is too long; use a shorter one',
    EMFILE: 'the process has too many files open; raise the limit (ulimit -n)',
  };
  const what = advice[code] ?? 'check the medium, and the path, its owner and its mode';
  return new StorageError('RSL_STORAGE_UNUSABLE', `${directory}: ${what} (${message})`, { cause });
}

export const isFull = (code: string | undefined): boolean => code === 'ENOSPC' || code === 'EDQUOT';

export interface Identity {
  readonly format: number;
  readonly group: string;
  readonly replica: ReplicaId;
  readonly store: StoreId;
  /** What the store was called before it was renewed (S2): those its segments still know. */
  readonly formerly: readonly StoreId[];
}

/** The store's names, if the directory belongs to this group and replica (S8). */
export function readIdentity(directory: string, context: PortContext): Identity {
  const file = identityFile(directory);
  const identity = parseIdentity(fs.readFileSync(file, 'utf8'));
  if (identity === undefined) throw new CorruptionError(file, 0, 'this is no identity of a store');
  const differs = (
    what: string,
    theirs: unknown,
    ours: unknown,
    advice = 'give each replica its own directory',
  ) =>
    new StorageError(
      'RSL_WRONG_STORE',
      `${directory} belongs to ${what} ${JSON.stringify(theirs)}, not ${JSON.stringify(ours)}; ` +
        advice,
    );
  if (identity.format !== formatVersion) {
    const advice = 'open it with the version of @rsl/log-file that wrote it';
    throw differs('format', identity.format, formatVersion, advice);
  }
  if (identity.group !== context.group) throw differs('group', identity.group, context.group);
  if (identity.replica !== context.self) throw differs('replica', identity.replica, context.self);
  return identity;
}

/** For a new store, and for one that is renewed. */
export function encodeIdentity(
  { group, self }: PortContext,
  store: StoreId,
  formerly: readonly StoreId[],
): Uint8Array {
  const identity: Identity = { format: formatVersion, group, replica: self, store, formerly };
  return Buffer.from(
    `${JSON.stringify({ ...stated(identity), checksum: checksumOf(identity) })}\n`,
  );
}

/** Only a store that was renewed has anything to say about its former names. */
function stated({ formerly, ...rest }: Identity): object {
  return formerly.length === 0 ? rest : { ...rest, formerly };
}

const checksumOf = (identity: Identity): number => crc32(JSON.stringify(stated(identity)));

/** Undefined for anything that is none; with nothing but its format if that is another one. */
export function parseIdentity(text: string): Identity | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof parsed !== 'object' || parsed === null) return undefined;
  const { format, group, replica, store, checksum } = parsed as Record<string, unknown>;
  const { formerly = [] } = parsed as Record<string, unknown>;
  if (!Number.isSafeInteger(format)) return undefined;
  // Another format may have anything else in it; that it is another is all there is to say.
  if (format !== formatVersion)
    return { format: format as number, group: '', replica: 0, store: '', formerly: [] };
  if (typeof group !== 'string' || typeof store !== 'string') return undefined;
  if (!Number.isSafeInteger(replica) || !isStoreId(store)) return undefined;
  if (!Array.isArray(formerly) || !formerly.every(isStoreId)) return undefined;
  const identity = { format, group, replica: replica as ReplicaId, store, formerly };
  return checksumOf(identity) === checksum ? identity : undefined;
}

const isStoreId = (value: unknown): value is StoreId =>
  typeof value === 'string' && /^[0-9a-f]{16}$/.test(value);
