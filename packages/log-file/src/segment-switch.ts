/** The file that is written to, and how the next one takes its place. */
import fs from 'node:fs';
import type { RslError } from '@rsl/core';
import type { Random } from '@rsl/core/protocol';
import { isFull, segmentFile } from './directory.ts';
import { cannotGrow, noRoom } from './failures.ts';
import type { Files } from './files.ts';
import type { Catalog } from './catalog.ts';
import type { WrittenFile } from './medium.ts';
import { roundUp } from './memory.ts';
import { unknownOrigin } from './origin.ts';
import { blockBytes, type EncodedGroup } from './record.ts';
import { Segment } from './segment.ts';
import type { SegmentHeader } from './segment-header.ts';
import type { SegmentPool } from './segment-pool.ts';

export interface SwitchOptions {
  readonly directory: string;
  readonly segmentBytes: number;
  readonly writeBytesMax: number;
}

export interface SwitchParts {
  readonly state: Catalog;
  readonly files: Files;
  readonly pool: SegmentPool;
  readonly random: Random;
}

/** One of them is called, later or at once. */
export interface SwitchOutcome {
  began(this: void, segment: Segment, carried: EncodedGroup): void;
  /** Nothing has changed: there is no room (S5). */
  refused(this: void, error: RslError): void;
  failed(this: void, error: RslError): void;
}

export class SegmentSwitch {
  readonly #options: SwitchOptions;
  readonly #parts: SwitchParts;
  #fd: number;
  #written: WrittenFile;

  constructor(options: SwitchOptions, parts: SwitchParts) {
    this.#options = options;
    this.#parts = parts;
    const { file } = parts.state.current;
    this.#fd = parts.files.open(file, 'existing');
    this.#written = { file, inode: fs.fstatSync(this.#fd).ino };
  }

  get fd(): number {
    return this.#fd;
  }

  get written(): WrittenFile {
    return this.#written;
  }

  /** Begins a segment that has room for what is carried on, for `bytes` and for `reservedBytes`. */
  begin(bytes: number, reservedBytes: number, outcome: SwitchOutcome): void {
    const { state, pool, random } = this.#parts;
    const { directory, segmentBytes, writeBytesMax } = this.#options;
    const before = state.current;
    const carried = state.carried();
    const needed = blockBytes + roundUp(carried.bytes, blockBytes) + roundUp(bytes, blockBytes);
    const header: SegmentHeader = {
      sequence: before.sequence + 1,
      store: state.store,
      salt: random.below(2 ** 32),
      writeBytesMax,
      size: Math.max(segmentBytes, needed + reservedBytes),
      firstNumber: state.number,
      previousEnd: before.end,
      origin: unknownOrigin,
    };
    pool.reserve(header.size, (error, spare) => {
      if (spare !== undefined) this.#name(spare, header, carried, outcome);
      else if (isFull(error?.code)) outcome.refused(noRoom(directory, asError(error)));
      else outcome.failed(cannotGrow(directory, asError(error)));
    });
  }

  #name(spare: string, header: SegmentHeader, carried: EncodedGroup, outcome: SwitchOutcome): void {
    const { files, pool } = this.#parts;
    const { directory } = this.#options;
    const file = segmentFile(directory, header.sequence);
    pool.name(spare, file, header, (error) => {
      if (error !== undefined) {
        outcome.failed(cannotGrow(directory, error));
        return;
      }
      try {
        const fd = files.open(file, 'existing');
        files.close(this.#fd);
        this.#fd = fd;
        this.#written = { file, inode: fs.fstatSync(fd).ino };
      } catch (cause) {
        outcome.failed(cannotGrow(directory, cause as NodeJS.ErrnoException));
        return;
      }
      outcome.began(new Segment(file, header), carried);
    });
  }

  close(): void {
    this.#parts.files.close(this.#fd);
  }
}

const asError = (error: NodeJS.ErrnoException | undefined): NodeJS.ErrnoException =>
  error ?? new Error('there is no file');
