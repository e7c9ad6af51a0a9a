import { type Logger, OverloadedError, SnapshotGoneError } from '@rsl/core';
import type { SnapshotMeta, SnapshotReader } from '@rsl/core/protocol';
import type { Progress, Saved, Snapshots } from '@rsl/snapshot';
import { SnapshotNews, type SnapshotState } from './snapshot-news.ts';

/** Snapshots that clients copy from here at a time. */
const readersMax = 4;
/** Nobody has read from it for so long: whoever copied it is gone. */
const idleMs = 60_000;

interface Reading {
  readonly reader: Promise<SnapshotReader>;
  /** A reader is read by one at a time. */
  turn: Promise<unknown>;
  lastMs: number;
  /** Somebody has come to its end. */
  isDone: boolean;
}

/** What clients may ask of the snapshots, and are told about them. */
export class SnapshotDesk {
  readonly #news: SnapshotNews;
  readonly #logger: Logger;
  readonly #readings = new Map<string, Reading>();
  #snapshots: Snapshots | undefined;
  #isStopped = false;

  constructor(logger: Logger) {
    this.#logger = logger;
    this.#news = new SnapshotNews(logger);
    setInterval(() => this.#sweep(), idleMs / 2).unref();
  }

  /** For `onProgress` of what is given to `serve`. */
  readonly heard = (progress: Progress): void => this.#news.hear(progress);

  serve(snapshots: Snapshots): void {
    this.#snapshots = snapshots;
  }

  get state(): SnapshotState {
    return this.#news.state(this.list, this.#isStopped);
  }

  /** The newest first. */
  get list(): readonly SnapshotMeta[] {
    return this.#snapshots?.list ?? [];
  }

  /** Wall time of the last one that was saved since the start; 0 if none was. */
  get lastSaveMs(): number {
    return this.#news.lastSaveMs;
  }

  /** Resolves once it is durable. RSL_STORAGE_FULL, RSL_STORAGE_FAILED, RSL_CLOSED. */
  async save(): Promise<Saved> {
    return this.#served.saveNow();
  }

  /** Nothing is saved by policy until `allow`. */
  stop(): void {
    this.#served.stopSaving();
    this.#isStopped = true;
    this.#logger.warn({ event: 'snapshots-stopped' }, 'no snapshot is saved until it is allowed');
  }

  allow(): void {
    this.#served.allowSaving();
    this.#isStopped = false;
    this.#logger.info({ event: 'snapshots-allowed' }, 'snapshots are saved again');
  }

  /**
   * Verified bytes of a snapshot, which stays readable between two calls for a minute at least.
   * RSL_SNAPSHOT_GONE, RSL_SNAPSHOT_CORRUPT; RSL_OVERLOADED while four others are being read.
   */
  async read(digest: string, offset: number, bytesMax: number): Promise<Uint8Array> {
    const reading = this.#readings.get(digest) ?? this.#open(digest);
    reading.lastMs = performance.now();
    const reader = await reading.reader;
    const read = reading.turn.then(() => reader.read(offset, bytesMax));
    reading.turn = read.catch(() => undefined);
    const bytes = await read;
    reading.isDone ||= offset + bytes.length >= reader.meta.bytes;
    return bytes;
  }

  get #served(): Snapshots {
    if (this.#snapshots === undefined) throw new Error('the snapshots are not served yet');
    return this.#snapshots;
  }

  #open(digest: string): Reading {
    const meta = this.list.find((each) => each.digest === digest);
    if (meta === undefined) throw new SnapshotGoneError(0);
    if (this.#readings.size >= readersMax) this.#closeOneThatIsDone();
    if (this.#readings.size >= readersMax) {
      throw new OverloadedError('readersMax', `${readersMax} snapshots are being copied from here`);
    }
    const reader = this.#served.open(meta);
    const turn = Promise.resolve();
    const reading: Reading = { reader, turn, lastMs: performance.now(), isDone: false };
    this.#readings.set(digest, reading);
    reader.catch(() => this.#readings.delete(digest));
    return reading;
  }

  #close(digest: string): void {
    const reading = this.#readings.get(digest);
    this.#readings.delete(digest);
    if (reading === undefined) return;
    const close = async (): Promise<void> => (await reading.reader).close();
    reading.turn.then(close).catch((err: unknown) => {
      this.#logger.warn({ err }, 'a snapshot that nobody reads any more cannot be closed');
    });
  }

  #closeOneThatIsDone(): void {
    const done = [...this.#readings].find(([, { isDone }]) => isDone);
    if (done !== undefined) this.#close(done[0]);
  }

  #sweep(): void {
    const nowMs = performance.now();
    for (const [digest, { lastMs }] of this.#readings) {
      if (nowMs - lastMs >= idleMs) this.#close(digest);
    }
  }
}
