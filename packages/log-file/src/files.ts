/**
 * The few system calls that change the directory. Everything that is written goes through here,
 * so that a test can record it and make the images that a crash may leave at every step.
 */
import fs from 'node:fs';
import path from 'node:path';
import { headerOfFile, originOf } from './origin.ts';

export interface Files {
  /** A file to write to; every write is durable when it returns (unless `sync` is 'none'). */
  open(this: void, file: string, how: 'create' | 'existing'): number;
  /** All of `bytes`, at `position`. */
  write(this: void, fd: number, bytes: Uint8Array, position: number): void;
  close(this: void, fd: number): void;
  rename(this: void, from: string, to: string): void;
  remove(this: void, file: string): void;
  /** Makes creations, renames and removals in `directory` durable. */
  syncDirectory(this: void, directory: string): void;
}

export type Durability = 'durable' | 'none';

/** O_DSYNC: one call writes and syncs, and an error is the error of this very write. */
export function systemFiles(durability: Durability): Files {
  const { O_RDWR, O_CREAT, O_EXCL, O_DSYNC } = fs.constants;
  const durable = durability === 'durable' ? O_DSYNC : 0;
  return {
    open(file, how) {
      const flags = O_RDWR | durable | (how === 'create' ? O_CREAT | O_EXCL : 0);
      return fs.openSync(file, flags, 0o600);
    },
    write: writeWhole,
    close: (fd) => fs.closeSync(fd),
    rename: (from, to) => fs.renameSync(from, to),
    remove: (file) => fs.rmSync(file, { force: true }),
    syncDirectory(directory) {
      if (durability === 'none') return;
      const fd = fs.openSync(directory, fs.constants.O_RDONLY);
      try {
        fs.fsyncSync(fd);
      } finally {
        fs.closeSync(fd);
      }
    },
  };
}

/** A short write is no failure: the rest follows, and shows why if there is a reason. */
export function writeWhole(fd: number, bytes: Uint8Array, position: number): void {
  for (let done = 0; done < bytes.length; ) {
    const written = fs.writeSync(fd, bytes, done, bytes.length - done, position + done);
    if (written === 0) throw Object.assign(new Error('nothing was written'), { code: 'EIO' });
    done += written;
  }
}

export const stepBytes = 256 * 1024;
let zeros: Uint8Array | undefined;

/** Fills [from, to) with zeros, a step at a time. */
export function* zeroSteps(files: Files, fd: number, from: number, to: number): Generator<void> {
  zeros ??= new Uint8Array(stepBytes);
  for (let at = from; at < to; at += stepBytes) {
    files.write(fd, zeros.subarray(0, Math.min(stepBytes, to - at)), at);
    yield;
  }
}

/** What the writer does besides writing groups. */
export type Task =
  /** A file of `bytes` zeros, allocated on the medium; takes its name when it is complete. */
  | {
      readonly kind: 'prepare';
      readonly draft: string;
      readonly file: string;
      readonly bytes: number;
    }
  /** The spare gets a header, and only then the name of a segment. */
  | {
      readonly kind: 'take';
      readonly spare: string;
      readonly file: string;
      readonly header: Uint8Array;
    }
  /** A small file, whole; it is not there under its own name before it is renamed. */
  | { readonly kind: 'write'; readonly file: string; readonly bytes: Uint8Array }
  /** Durable, and in place of what had the name before. */
  | { readonly kind: 'rename'; readonly from: string; readonly to: string }
  /** A segment that is no longer needed becomes a spare, or goes. */
  | { readonly kind: 'retire'; readonly file: string; readonly spare: string | undefined };

/** Yields wherever a group may be written first. */
export function* taskSteps(files: Files, task: Task): Generator<void> {
  switch (task.kind) {
    case 'prepare':
      yield* prepare(files, task.draft, task.file, task.bytes);
      return;
    case 'take': {
      const fd = files.open(task.spare, 'existing');
      try {
        files.write(fd, headerOfFile(task.header, originOf(fd)), 0);
      } finally {
        files.close(fd);
      }
      files.rename(task.spare, task.file);
      files.syncDirectory(path.dirname(task.file));
      return;
    }
    case 'write':
      return writeAnew(files, task.file, task.bytes);
    case 'rename':
      files.rename(task.from, task.to);
      files.syncDirectory(path.dirname(task.to));
      return;
    case 'retire':
      if (task.spare === undefined) files.remove(task.file);
      else files.rename(task.file, task.spare);
      files.syncDirectory(path.dirname(task.file));
      return;
  }
}

function* prepare(files: Files, draft: string, file: string, bytes: number): Generator<void> {
  refuseIfFull(path.dirname(file), bytes);
  files.remove(draft);
  const fd = files.open(draft, 'create');
  try {
    try {
      yield* zeroSteps(files, fd, 0, bytes);
    } finally {
      files.close(fd);
    }
    files.rename(draft, file);
  } catch (error) {
    // What was taken of a full medium is given back.
    files.remove(draft);
    throw error;
  }
}

/** Who sees beforehand that there is no room does not take the last of it from others. */
function refuseIfFull(directory: string, bytes: number): void {
  const { bavail, bsize, blocks } = fs.statfsSync(directory);
  // Some file systems do not say.
  if (blocks === 0 || bavail * bsize >= bytes) return;
  const message = `ENOSPC: ${bytes} bytes are needed, and ${bavail * bsize} are free`;
  throw Object.assign(new Error(message), { code: 'ENOSPC' });
}

function writeAnew(files: Files, file: string, bytes: Uint8Array): void {
  files.remove(file);
  const fd = files.open(file, 'create');
  try {
    files.write(fd, bytes, 0);
  } catch (error) {
    files.remove(file);
    throw error;
  } finally {
    files.close(fd);
  }
}

export function runTask(files: Files, task: Task): void {
  for (const _ of taskSteps(files, task));
}
