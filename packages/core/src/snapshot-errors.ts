import { RslError } from './errors.ts';

/** Its bytes are not those that were committed, or are no snapshot. */
export class SnapshotCorruptError extends RslError {
  override readonly name = 'SnapshotCorruptError';
  readonly file: string;
  /** Byte offset in `file`. */
  readonly offset: number;
  constructor(file: string, offset: number, what: string) {
    super('RSL_SNAPSHOT_CORRUPT', 'none', `${file}, byte ${offset}: ${what}`);
    this.file = file;
    this.offset = offset;
  }
}

export class SnapshotGoneError extends RslError {
  override readonly name = 'SnapshotGoneError';
  constructor(slot: number) {
    super('RSL_SNAPSHOT_GONE', 'none', `the snapshot of slot ${slot} is not kept any more`);
  }
}
