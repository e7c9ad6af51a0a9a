/**
 * Files that are ready to become the next segment: prepared ahead, or recycled. Whoever needs a
 * segment and finds none ready learns before anything is written whether there is room (S5).
 */
import type { Logger } from '@rsl/core';
import { draftFile, spareFile } from './directory.ts';
import type { Segment } from './segment.ts';
import { encodeSegmentHeader, type SegmentHeader } from './segment-header.ts';
import type { Finished, Writer } from './writer.ts';

/** One is enough to go on; one more saves the work of preparing it. */
const sparesMax = 2;

export interface PoolOptions {
  readonly directory: string;
  readonly segmentBytes: number;
  readonly storeBytesMax: number;
  readonly logger: Logger;
  /** Files that are there already. */
  readonly spares: readonly string[];
  /** Of the segments in use. */
  segmentsBytes(this: void): number;
  /** So much of the medium was allocated. */
  taken(this: void, bytes: number): void;
}

/** With a file, or with the reason why there is none. */
export type Reserved = (error: NodeJS.ErrnoException | undefined, spare?: string) => void;

export class SegmentPool {
  readonly #options: PoolOptions;
  readonly #writer: Writer;
  readonly #spares: string[];
  #nextFile: number;
  #preparing = false;
  #preparingBytes = 0;
  /** Somebody waits for the one being prepared. */
  #waiting: Finished | undefined;
  #warned = false;

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

  /** What the user's limit leaves for files that are not there yet. */
  get allowedBytes(): number {
    const { storeBytesMax, segmentsBytes } = this.#options;
    return Math.max(0, storeBytesMax - segmentsBytes() - this.bytesUsed);
  }

  /** Sees to it that the next segment is there before it is needed. */
  prepareAhead(): void {
    if (this.ready || this.#preparing) return;
    this.#preparing = true;
    const { logger, directory, segmentBytes } = this.#options;
    this.#prepare(segmentBytes, (error, file) => {
      this.#preparing = false;
      if (file !== undefined) this.#spares.push(file);
      else if (!this.#warned) {
        logger.warn({ err: error, directory }, 'the next segment could not be prepared');
      }
      this.#warned = file === undefined;
      const waiting = this.#waiting;
      this.#waiting = undefined;
      waiting?.(error);
    });
  }

  /** A file of this size, which is the caller's when `reserved` runs. */
  reserve(bytes: number, reserved: Reserved): void {
    if (bytes !== this.#options.segmentBytes) {
      this.#prepare(bytes, reserved);
      return;
    }
    const spare = this.#spares.shift();
    if (spare !== undefined) {
      reserved(undefined, spare);
      return;
    }
    this.#waiting = (error) => {
      if (error !== undefined && !this.ready) reserved(error);
      else this.reserve(bytes, reserved);
    };
    this.prepareAhead();
  }

  /** Durable under its name, with its header, when `finished` runs. */
  name(spare: string, file: string, header: SegmentHeader, finished: Finished): void {
    this.#writer.run({ kind: 'take', spare, file, header: encodeSegmentHeader(header) }, finished);
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

  #prepare(bytes: number, prepared: Reserved): void {
    if (bytes > this.allowedBytes - this.#preparingBytes) {
      const what = `another ${bytes} bytes exceed storeBytesMax, ${this.#options.storeBytesMax}`;
      queueMicrotask(() => prepared(Object.assign(new Error(what), { code: 'ENOSPC' })));
      return;
    }
    const n = this.#nextFile++;
    const file = spareFile(this.#options.directory, n);
    const draft = draftFile(this.#options.directory, n);
    this.#preparingBytes += bytes;
    this.#writer.run({ kind: 'prepare', draft, file, bytes }, (error) => {
      this.#preparingBytes -= bytes;
      if (error === undefined) this.#options.taken(bytes);
      prepared(error, error === undefined ? file : undefined);
    });
  }
}
