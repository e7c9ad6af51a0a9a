/** What group sync is made of. */
import type { Clock } from '@rsl/core';
import type { Random } from '@rsl/core/protocol';
import type { Files } from './files.ts';
import type { Catalog } from './catalog.ts';
import type { SegmentPool } from './segment-pool.ts';
import type { Writer } from './writer.ts';

export interface GroupSyncOptions {
  readonly directory: string;
  readonly segmentBytes: number;
  readonly writeBytesMax: number;
  readonly waitingBytesMax: number;
  readonly markAfterMs: number;
  /** False: gather what one turn appends before it is written. */
  readonly writeAtOnce: boolean;
}

export interface GroupSyncParts {
  readonly state: Catalog;
  readonly files: Files;
  readonly writer: Writer;
  readonly pool: SegmentPool;
  readonly clock: Clock;
  readonly random: Random;
  /** After each write, and when another file is written to. */
  moved(this: void, isOtherFile: boolean): void;
}
