/** Files that are ready to become the next segment: prepared ahead, or recycled. */
import type { Logger } from '@rsl/core';
import { draftFile, spareFile } from './directory.ts';
import { encodeSegmentHeader, type Segment, type SegmentHeader } from './segment.ts';
import type { Finished, Writer } from './writer.ts';

/** One is enough to go on; one more saves the work of preparing it. */
const sparesMax = 2;

export interface PoolOptions {
  readonly directory: string;
  readonly segmentBytes: number;
  readonly logger: Logger;
  /** Files that are there already. */
  readonly spares: readonly string[];
}

export class SegmentPool {
  readonly #options: PoolOptions;
  readonly #writer: Writer;
  readonly #spares: string[];
  #nextFile: number;
  #preparing = false;
  /** Somebody waits for the one being prepared. */
  #waiting: Finished | undefined;

  constructor(options: PoolOptions, writer: Writer) {
    this.#options = options;
    this.#writer = writer;
    this.#spares = [...options.spares];
    const numbers = this.#spares.map((file) => Number(/[0-9]+$/.exec(file)?.[0] ?? 0));
    this.#nextFile = Math.max(0, ...numbers) + 1;
  }

  get bytesUsed(): number {
    return this.#spares.length * this.#options.segmentBytes;
  }

  get ready(): boolean {
    return this.#spares.length > 0;
  }

  /** Sees to it that the next segment is there before it is needed. */
  prepareAhead(): void {
    if (this.ready || this.#preparing) return;
    this.#preparing = true;
    const { logger, directory, segmentBytes } = this.#options;
    this.#prepare(segmentBytes, (error, file) => {
      this.#preparing = false;
      if (file !== undefined) this.#spares.push(file);
      else logger.warn({ err: error, directory }, 'the next segment could not be prepared');
      const waiting = this.#waiting;
      this.#waiting = undefined;
      waiting?.(error);
    });
  }

  /** Durable under its name, with its header, when `finished` runs. */
  take(file: string, header: SegmentHeader, finished: Finished): void {
    if (header.size !== this.#options.segmentBytes) {
      this.#prepare(header.size, (error, spare) => {
        if (spare === undefined) finished(error);
        else this.#name(spare, file, header, finished);
      });
      return;
    }
    const spare = this.#spares.shift();
    if (spare !== undefined) {
      this.#name(spare, file, header, finished);
      return;
    }
    this.#waiting = (error) => {
      if (error !== undefined && !this.ready) finished(error);
      else this.take(file, header, finished);
    };
    this.prepareAhead();
  }

  /** Durably gone from the log when `finished` runs. */
  retire(segment: Segment, finished: Finished): void {
    const { directory, segmentBytes } = this.#options;
    const recycle = segment.size === segmentBytes && this.#spares.length < sparesMax;
    const spare = recycle ? spareFile(directory, this.#nextFile++) : undefined;
    this.#writer.run({ kind: 'retire', file: segment.file, spare }, (error) => {
      if (error === undefined && spare !== undefined) this.#spares.push(spare);
      finished(error);
    });
  }

  #prepare(bytes: number, finished: (error: Error | undefined, file?: string) => void): void {
    const n = this.#nextFile++;
    const file = spareFile(this.#options.directory, n);
    const draft = draftFile(this.#options.directory, n);
    this.#writer.run({ kind: 'prepare', draft, file, bytes }, (error) =>
      error === undefined ? finished(undefined, file) : finished(error),
    );
  }

  #name(spare: string, file: string, header: SegmentHeader, finished: Finished): void {
    this.#writer.run({ kind: 'take', spare, file, header: encodeSegmentHeader(header) }, finished);
  }
}
