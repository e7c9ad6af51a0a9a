/**
 * What the medium says, asked now and then and never on the way of an append: how much room it has
 * (S5), and whether the file that is written to can still be found under its name.
 */
import fs from 'node:fs';
import type { Clock } from '@rsl/core';

export const answerAgeMsMax = 1_000;

export interface WrittenFile {
  readonly file: string;
  readonly inode: number;
}

export interface MediumOptions {
  readonly directory: string;
  readonly clock: Clock;
  /** Which file is written to now. */
  written(this: void): WrittenFile;
  /** After each answer. */
  answered(this: void): void;
  /** What is written would be found by nobody. */
  vanished(this: void, cause: NodeJS.ErrnoException): void;
}

export class Medium {
  readonly #options: MediumOptions;
  #freeBytes: number;
  #askedAtMs: number;
  #asking = false;
  /** What was taken since the last question. */
  #takenBytes = 0;
  #closed = false;

  constructor(options: MediumOptions) {
    this.#options = options;
    this.#askedAtMs = options.clock.nowMs();
    this.#freeBytes = freeOf(fs.statfsSync(options.directory));
  }

  get freeBytes(): number {
    return Math.max(0, this.#freeBytes - this.#takenBytes);
  }

  /** So many bytes of it have been allocated, as the next answer will say. */
  taken(bytes: number): void {
    this.#takenBytes += bytes;
  }

  /** Asks again when the last answer is old. */
  look(): void {
    if (this.#options.clock.nowMs() - this.#askedAtMs >= answerAgeMsMax) this.ask();
  }

  ask(): void {
    if (this.#asking || this.#closed) return;
    this.#asking = true;
    this.#askedAtMs = this.#options.clock.nowMs();
    void this.#ask().finally(() => {
      this.#asking = false;
      if (!this.#closed) this.#options.answered();
    });
  }

  async #ask(): Promise<void> {
    const takenBytes = this.#takenBytes;
    try {
      const freeBytes = freeOf(await fs.promises.statfs(this.#options.directory));
      // What was allocated while the question was under way is in the answer, or is not.
      if (this.#takenBytes === takenBytes) {
        this.#freeBytes = freeBytes;
        this.#takenBytes = 0;
      }
    } catch {
      // Whether the directory is there is asked next; anything else is for a write to find out.
    }
    await this.#lookForFile();
  }

  async #lookForFile(): Promise<void> {
    const { written, vanished } = this.#options;
    const { file, inode } = written();
    let problem: Error | undefined;
    try {
      const { ino } = await fs.promises.stat(file);
      if (ino !== inode) problem = new Error('another file has its name');
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT' || code === 'ENOTDIR') problem = error as Error;
    }
    // One that is not written to any more may go.
    if (problem !== undefined && written().file === file && !this.#closed) vanished(problem);
  }

  close(): void {
    this.#closed = true;
  }
}

/** Some file systems do not say. */
const freeOf = ({ blocks, bavail, bsize }: fs.StatsFs): number =>
  blocks === 0 ? Number.MAX_SAFE_INTEGER : bavail * bsize;
