// A file that only grows, by lines: a checksum, and some items as JSON. One process has it open.
import { createHash } from 'node:crypto';
import fs from 'node:fs/promises';
import net from 'node:net';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { CorruptionError, StorageError } from '@rsl/core';

export interface Line {
  readonly at: number;
  readonly bytes: number;
  readonly items: readonly unknown[];
}

type Done = (error: StorageError | undefined, line: Omit<Line, 'items'>, first: number) => void;

const chunkBytes = 1024 * 1024;

export class LineFile {
  readonly path: string;
  readonly #file: fs.FileHandle;
  readonly #lock: net.Server;
  #waiting: { readonly items: readonly unknown[]; readonly done: Done }[] = [];
  #writing: Promise<void> | undefined;
  #failure: StorageError | undefined;
  /** The line that was read last. */
  #read: Line | undefined;
  end = 0;

  private constructor(path: string, file: fs.FileHandle, lock: net.Server) {
    this.path = path;
    this.#file = file;
    this.#lock = lock;
  }

  static async open(directory: string): Promise<LineFile> {
    await fs.mkdir(directory, { recursive: true });
    const lock = await locked(directory);
    try {
      const path = join(directory, 'log');
      const file = await fs.open(path, 'a+');
      const folder = await fs.open(directory);
      await folder.sync();
      await folder.close();
      return new LineFile(path, file, lock);
    } catch (error) {
      lock.close();
      throw error;
    }
  }

  /** Tells this file from a copy of it. */
  async identity(): Promise<{ readonly device: string; readonly file: string }> {
    const { birthtimeNs, dev, ino } = await this.#file.stat({ bigint: true });
    return { device: `${dev}`, file: `${ino} ${birthtimeNs}` };
  }

  /** All lines, in order. A torn one at the end was never acknowledged: it is cut off. */
  async *lines(): AsyncGenerator<Line> {
    const { size } = await this.#file.stat();
    let rest: Buffer = Buffer.alloc(0);
    let at = 0;
    while (at + rest.length < size) {
      const chunk = Buffer.alloc(chunkBytes);
      const { bytesRead } = await this.#file.read(chunk, 0, chunkBytes, at + rest.length);
      rest = Buffer.concat([rest, chunk.subarray(0, bytesRead)]);
      for (let end = rest.indexOf('\n'); end >= 0; end = rest.indexOf('\n')) {
        const bytes = end + 1;
        const items = itemsIn(rest.subarray(0, end));
        // Each line is begun when the one before it is durable: only the last may be torn.
        if (items === undefined && at + bytes < size) throw this.#corrupt(at);
        if (items === undefined) break;
        yield { at, bytes, items };
        at += bytes;
        rest = rest.subarray(bytes);
      }
    }
    this.end = at;
    if (at < size) await this.#file.truncate(at);
    // What was read may have been in no more than the memory of the machine.
    await this.#file.sync();
  }

  async items({ at, bytes }: Omit<Line, 'items'>): Promise<readonly unknown[]> {
    if (this.#read?.at === at) return this.#read.items;
    const line = Buffer.alloc(bytes);
    const { bytesRead } = await this.#file.read(line, 0, bytes, at);
    const items = bytesRead === bytes ? itemsIn(line.subarray(0, bytes - 1)) : undefined;
    if (items === undefined) throw this.#corrupt(at);
    this.#read = { at, bytes, items };
    return items;
  }

  /** `done` runs when they are durable, in the order of the calls; all that waits is one line. */
  append(items: readonly unknown[], done: Done): void {
    this.#waiting.push({ items, done });
    this.#writing ??= this.#write();
  }

  async close(): Promise<void> {
    await this.#writing;
    await this.#file.close();
    await new Promise((resolve) => this.#lock.close(resolve));
  }

  async #write(): Promise<void> {
    // Whoever appends has returned first.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const waiting = this.#waiting;
      this.#waiting = [];
      const line = lineOf(waiting.flatMap(({ items }) => items));
      const place = { at: this.end, bytes: line.length };
      await this.#put(line).catch((cause: unknown) => {
        // Nobody knows what is in the file now: nothing is ever written to it again.
        const why = `${this.path} cannot be written; start the replica again when it can`;
        this.#failure ??= new StorageError('RSL_STORAGE_FAILED', why, { cause });
      });
      let first = 0;
      for (const { done, items } of waiting) {
        done(this.#failure, place, first);
        first += items.length;
      }
    }
    this.#writing = undefined;
  }

  async #put(line: Buffer): Promise<void> {
    if (line.length === 0 || this.#failure !== undefined) return;
    await this.#file.appendFile(line);
    await this.#file.datasync();
    this.end += line.length;
  }

  #corrupt(at: number): CorruptionError {
    return new CorruptionError(this.path, at, 'a line fails its checksum');
  }
}

function lineOf(items: readonly unknown[]): Buffer {
  if (items.length === 0) return Buffer.alloc(0);
  const json = JSON.stringify(items);
  return Buffer.from(`${crc32(json).toString(16).padStart(8, '0')} ${json}\n`);
}

function itemsIn(line: Buffer): readonly unknown[] | undefined {
  const json = line.subarray(9);
  if (line.subarray(0, 9).toString() !== `${crc32(json).toString(16).padStart(8, '0')} `) return;
  return JSON.parse(json.toString()) as readonly unknown[];
}

/** A name that the kernel gives to one process at a time, and takes back when that ends. */
async function locked(directory: string): Promise<net.Server> {
  const { dev, ino } = await fs.stat(directory, { bigint: true });
  const name = createHash('sha256').update(`${dev} ${ino}`).digest('hex').slice(0, 32);
  const server = net.createServer((socket) => socket.destroy()).unref();
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const isTaken = cause.code === 'EADDRINUSE';
      const why = isTaken ? 'is used by another process; stop that' : 'cannot be locked here';
      const code = isTaken ? 'RSL_STORAGE_LOCKED' : 'RSL_STORAGE_UNUSABLE';
      reject(new StorageError(code, `${directory} ${why}, or use another directory`, { cause }));
    });
    const path = process.platform === 'win32' ? `\\\\.\\pipe\\${name}` : `\0rsl-own-store-${name}`;
    server.listen(path, () => resolve(server));
  });
}
