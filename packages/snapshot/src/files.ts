/**
 * The few system calls that a store makes. Everything goes through here, so that a test can play
 * the medium: fail, get full, and lose at a crash whatever was not made durable.
 */
import fs from 'node:fs/promises';
import path from 'node:path';
import { type DirectoryLock, lockDirectory } from '@rsl/directory-lock';

export interface OpenFile {
  /** All of the parts, one after the other, from `position` on. */
  write(parts: readonly Uint8Array[], position: number): Promise<void>;
  /** At most `bytesMax` bytes, fewer only at the end of the file. */
  read(position: number, bytesMax: number): Promise<Uint8Array>;
  length(): Promise<number>;
  cut(length: number): Promise<void>;
  /** Makes what was written durable, its length too. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

export interface Files {
  /** `create` fails if it is there; `write` and `read` if it is not. */
  open(file: string, how: 'create' | 'write' | 'read'): Promise<OpenFile>;
  /** In place of what had the name before. */
  rename(from: string, to: string): Promise<void>;
  /** Nothing happens if it is not there. */
  remove(file: string): Promise<void>;
  list(directory: string): Promise<readonly string[]>;
  /** Makes creations, renames and removals in it durable. */
  syncDirectory(directory: string): Promise<void>;
  /** Makes it, durably, with those above it, if it is not there. */
  makeDirectory(directory: string): Promise<void>;
  /** Until it is released nobody else gets it, in no process: RSL_STORAGE_LOCKED (S7). */
  lock(directory: string): Promise<DirectoryLock>;
}

const flags = { create: 'wx+', write: 'r+', read: 'r' } as const;

export const systemFiles: Files = {
  async open(file, how) {
    return new SystemFile(await fs.open(file, flags[how], 0o600));
  },
  rename: (from, to) => fs.rename(from, to),
  remove: (file) => fs.rm(file, { force: true }),
  list: (directory) => fs.readdir(directory),
  lock: (directory) => lockDirectory(directory),
  async syncDirectory(directory) {
    const handle = await fs.open(directory, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  },
  async makeDirectory(directory) {
    const missing: string[] = [];
    for (let at = path.resolve(directory); !(await isThere(at)); at = path.dirname(at)) {
      missing.unshift(at);
    }
    for (const one of missing) {
      await fs.mkdir(one, { mode: 0o700, recursive: true });
      await systemFiles.syncDirectory(path.dirname(one));
    }
  },
};

async function isThere(directory: string): Promise<boolean> {
  try {
    await fs.stat(directory);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}

class SystemFile implements OpenFile {
  readonly #handle: fs.FileHandle;

  constructor(handle: fs.FileHandle) {
    this.#handle = handle;
  }

  async write(parts: readonly Uint8Array[], position: number): Promise<void> {
    let at = position;
    for (const part of parts) {
      // A short write is no failure: the rest follows, and shows why if there is a reason.
      for (let done = 0; done < part.length; ) {
        const left = part.length - done;
        const { bytesWritten } = await this.#handle.write(part, done, left, at);
        if (bytesWritten === 0) throw Object.assign(new Error('nothing was written'), eio);
        done += bytesWritten;
        at += bytesWritten;
      }
    }
  }

  async read(position: number, bytesMax: number): Promise<Uint8Array> {
    const bytes = new Uint8Array(bytesMax);
    let done = 0;
    while (done < bytesMax) {
      const { bytesRead } = await this.#handle.read(bytes, done, bytesMax - done, position + done);
      if (bytesRead === 0) break;
      done += bytesRead;
    }
    return bytes.subarray(0, done);
  }

  async length(): Promise<number> {
    return (await this.#handle.stat()).size;
  }

  cut(length: number): Promise<void> {
    return this.#handle.truncate(length);
  }

  sync(): Promise<void> {
    return this.#handle.sync();
  }

  close(): Promise<void> {
    return this.#handle.close();
  }
}

const eio = { code: 'EIO' };
