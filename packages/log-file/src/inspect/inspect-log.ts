/**
 * Looking into a log's directory, also while a replica uses it. Files are opened for reading only,
 * and no lock is taken: not a byte, not a name and not a time of change is touched. What opening
 * would refuse is listed instead, and reading goes on behind it.
 */
import fs from 'node:fs';
import { InvalidOptionError, StorageError } from '@rsl/core';
import { isEmptySegment } from '../create.ts';
import {
  type Contents,
  contentsOf,
  type Identity,
  identityFile,
  parseIdentity,
  segmentFile,
} from '../directory.ts';
import { holderOf } from '@rsl/directory-lock';
import { formatVersion } from '../segment-header.ts';
import { Damages } from './damages.ts';
import { readSegments, type SegmentsRead } from './read-segments.ts';
import type { InspectLogOptions, LogReport } from './report.ts';
import { isShared } from './take.ts';
import { noteUnreadable } from './walk.ts';

/** A listing may be taken while names change. */
const listingsMax = 5;

/**
 * What is in a log's directory: its identity, its segments, what each replica has stored, and
 * whatever is not as it was written. Memory does not grow with the log: it holds one group of
 * records, and what was lost.
 *
 * Rejects with `RSL_INVALID_OPTION` if there is no log, `RSL_STORAGE_UNUSABLE` if it may not be
 * read, `RSL_WRONG_STORE` if it has a format that is not known here.
 */
export async function inspectLog(
  directory: string,
  { visit }: InspectLogOptions = {},
): Promise<LogReport> {
  const damages = new Damages();
  return reading(directory, async () => {
    const usedBy = await holderOf(directory);
    const contents = listed(directory);
    const identity = identityIn(directory, contents, damages);
    const isUnfinished = !contents.hasIdentity && isNew(directory, contents);
    if (!contents.hasIdentity && !isUnfinished) {
      damages.add(identityFile(directory), 0, 'it is missing, but there are segments');
    }
    if (contents.segments.length === 0) {
      damages.add(segmentFile(directory, 1), 0, 'there is no segment');
    }
    const list = () => listed(directory).segments;
    const read = await readSegments({ directory, list, identity, visit }, damages);
    return {
      directory,
      usedBy,
      identity,
      isShared: identity === undefined ? read.isShared : isShared(identity),
      ...segmentsOf(read),
      spares: { files: contents.spares.length, bytes: bytesOf(contents.spares) },
      damage: damages.list,
      damageCount: damages.count,
    };
  });
}

const segmentsOf = ({ segments, stores, tail }: SegmentsRead) => ({ segments, stores, tail });

async function reading<T>(directory: string, run: () => Promise<T>): Promise<T> {
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

/** Looks again while a segment seems to be missing between others. */
function listed(directory: string): Contents {
  let contents = contentsOf(directory);
  for (let listings = 1; listings < listingsMax && hasGap(contents); listings++) {
    contents = contentsOf(directory);
  }
  const { hasIdentity, segments } = contents;
  if (hasIdentity || segments.length > 0) return contents;
  const what = `there is no log in ${directory}; give the directory that the log was given`;
  throw new InvalidOptionError('directory', `${what} (of rsl-server: DATA/log)`);
}

const hasGap = ({ segments }: Contents): boolean =>
  segments.some((sequence, i) => sequence !== (segments[0] as number) + i);

/** Making a store was cut off, or is under way: its identity comes last. */
const isNew = (directory: string, { segments }: Contents): boolean =>
  segments.length === 1 && segments[0] === 1 && isEmptySegment(segmentFile(directory, 1));

function identityIn(
  directory: string,
  { hasIdentity }: Contents,
  damages: Damages,
): Identity | undefined {
  if (!hasIdentity) return undefined;
  const file = identityFile(directory);
  let text: string;
  try {
    text = fs.readFileSync(file, 'utf8');
  } catch (error) {
    noteUnreadable(error, file, 0, damages);
    return undefined;
  }
  const identity = parseIdentity(text);
  if (identity === undefined) damages.add(file, 0, 'this is no identity of a store');
  else if (identity.format !== formatVersion) {
    const what = `${directory} has format ${identity.format}, not ${formatVersion}`;
    const advice = 'look into it with the version of @rsl/log-file that wrote it';
    throw new StorageError('RSL_WRONG_STORE', `${what}; ${advice}`);
  }
  return identity;
}

/** Of those that are still there. */
const bytesOf = (files: readonly string[]): number =>
  files.reduce((sum, file) => sum + (fs.statSync(file, { throwIfNoEntry: false })?.size ?? 0), 0);
