/** The LogStore of a directory: opens it, and joins recovery, reading and writing. */
import fs from 'node:fs';
import { requires } from '@rsl/contracts';
import { ClosedError, CorruptionError, type RslError } from '@rsl/core';
import type {
  Clock,
  LogInfo,
  LogRecord,
  LogStore,
  PortContext,
  Slot,
  StoredValue,
  StoreId,
} from '@rsl/core/protocol';
import { createStore, removeUnfinishedStore } from './create.ts';
import { contentsOf, prepareDirectory, readIdentity, storageError } from './directory.ts';
import { type Files, systemFiles } from './files.ts';
import { GroupSync } from './group-sync.ts';
import { type DirectoryLock, lockDirectory } from './lock.ts';
import { ballotOf, type LogState } from './log-state.ts';
import type { CompleteOptions } from './options.ts';
import { LogReader } from './read.ts';
import { type Memory } from './memory.ts';
import {
  blockBytes,
  decodeRecord,
  eachRecord,
  isOfSlot,
  type StoredGroupHeader,
} from './record.ts';
import { recover } from './recover.ts';
import { SegmentPool } from './segment-pool.ts';
import { SegmentReader, type VisitGroup } from './segment-reader.ts';
import { InlineWriter, ThreadWriter, type Writer } from './writer.ts';

const freeBytesAgeMsMax = 1_000;
const modes = {
  thread: 'file, O_DSYNC, writer thread',
  inline: 'file, O_DSYNC, calling thread',
  none: 'file, not synced',
} as const;

interface Parts {
  readonly directory: string;
  readonly options: CompleteOptions;
  readonly clock: Clock;
  readonly store: StoreId;
  readonly created: boolean;
  readonly lock: DirectoryLock;
  readonly state: LogState;
  readonly pool: SegmentPool;
  readonly writer: Writer;
  readonly sync: GroupSync;
}

export class FileLogStore implements LogStore {
  readonly #parts: Parts;
  readonly #state: LogState;
  readonly #reader: LogReader;
  #freeBytes = 0;
  #freeBytesAtMs = Number.NEGATIVE_INFINITY;
  #closing: Promise<void> | undefined;

  private constructor(parts: Parts) {
    this.#parts = parts;
    this.#state = parts.state;
    this.#reader = new LogReader(parts.state);
  }

  /** `files` is for tests, and goes with `sync: 'inline'`. */
  static async open(
    directory: string,
    options: CompleteOptions,
    context: PortContext,
    files: Files = systemFiles(options.sync === 'none' ? 'none' : 'durable'),
  ): Promise<FileLogStore> {
    prepareDirectory(directory, files);
    const lock = await lockDirectory(directory);
    try {
      return new FileLogStore(await openParts({ directory, options, context, files, lock }));
    } catch (error) {
      await lock.release();
      throw storageError(directory, error);
    }
  }

  async recover(visit: (record: LogRecord) => void): Promise<LogInfo> {
    for (const [i, segment] of this.#state.segments.entries()) {
      const reader = await SegmentReader.open(segment);
      try {
        const { firstNumber } = segment.header;
        const visitGroup: VisitGroup = (memory, at, header, lost) => {
          // Later segments repeat what the records before them have said already.
          if (i === 0 || !header.carry) this.#visitGroup(memory, at, header, lost, visit);
        };
        const good = await reader.groups(blockBytes, firstNumber, visitGroup, segment.end);
        if (good.end < segment.end) {
          throw new CorruptionError(segment.file, good.offset, good.problem);
        }
      } finally {
        await reader.close();
      }
    }
    return this.info();
  }

  #visitGroup(
    memory: Memory,
    at: number,
    header: StoredGroupHeader,
    lost: ReadonlySet<number>,
    visit: (record: LogRecord) => void,
  ): void {
    eachRecord(memory, at, header, (stored) => {
      if (isOfSlot(stored) && stored.slot < this.#state.firstSlot) return true;
      if (lost.has(stored.at)) {
        // It may have been lost since the log was opened.
        this.#state.lost.lose(stored.slot, ballotOf(stored, memory));
        return true;
      }
      const record = decodeRecord(memory, stored);
      if (record !== undefined) visit(record);
      return true;
    });
  }

  append(records: readonly LogRecord[], done: (error?: RslError) => void): void {
    if (this.#closing === undefined) this.#parts.sync.append(records, done);
    else queueMicrotask(() => done(new ClosedError('the log is closed; open it again')));
  }

  async read(from: Slot, to: Slot, bytesMax: number): Promise<readonly StoredValue[]> {
    requires(() => Number.isSafeInteger(from) && Number.isSafeInteger(to));
    if (this.#closing !== undefined) throw new ClosedError('the log is closed; open it again');
    return this.#reader.read(from, to, bytesMax);
  }

  truncate(before: Slot): void {
    requires(() => Number.isSafeInteger(before));
    if (before <= this.#state.firstSlot) return;
    this.#state.firstSlot = before;
    this.#parts.sync.truncated();
  }

  info(): LogInfo {
    const { store, created, options, pool } = this.#parts;
    return {
      store,
      created,
      firstSlot: this.#state.firstSlot,
      lastSlot: this.#state.lastSlot,
      bytesUsed: this.#state.bytesUsed + pool.bytesUsed,
      bytesFree: this.#bytesFree(),
      damaged: this.#state.lost.damaged(this.#state.firstSlot),
      mode: modes[options.sync],
    };
  }

  /** The current segment's rest, the spares, and what the file system has left; a second old. */
  #bytesFree(): number {
    const { directory, clock, pool } = this.#parts;
    const nowMs = clock.nowMs();
    if (nowMs - this.#freeBytesAtMs >= freeBytesAgeMsMax) {
      this.#freeBytesAtMs = nowMs;
      try {
        const { bavail, bsize } = fs.statfsSync(directory);
        this.#freeBytes = bavail * bsize;
      } catch {
        this.#freeBytes = 0;
      }
    }
    const { current } = this.#state;
    return this.#freeBytes + pool.bytesUsed + current.size - current.end;
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const { sync, writer, lock } = this.#parts;
    await sync.drain();
    await writer.close();
    sync.close();
    await lock.release();
  }
}

interface Opening {
  readonly directory: string;
  readonly options: CompleteOptions;
  readonly context: PortContext;
  readonly files: Files;
  readonly lock: DirectoryLock;
}

async function openParts({ directory, options, context, files, lock }: Opening): Promise<Parts> {
  const found = contentsOf(directory);
  for (const draft of found.drafts) files.remove(draft);
  const created = !found.hasIdentity;
  if (created) removeUnfinishedStore(directory, found, files);
  const store = created
    ? createStore(directory, context, options, files)
    : readIdentity(directory, context);

  const { segments, spares } = contentsOf(directory);
  const { state, unmarked } = await recover(directory, segments, store, files);
  // What was renamed last may be known to nobody but this machine's memory.
  files.syncDirectory(directory);

  const { segmentBytes } = options;
  const usable = spares.filter((file) => fs.statSync(file).size === segmentBytes);
  for (const file of spares) if (!usable.includes(file)) files.remove(file);
  const writer =
    options.sync === 'thread'
      ? new ThreadWriter('durable')
      : new InlineWriter(files, (run) => context.clock.soon(run));
  const { logger, clock, random } = context;
  const pool = new SegmentPool({ directory, segmentBytes, logger, spares: usable }, writer);
  const writeAtOnce = options.sync === 'thread';
  const sync = new GroupSync(
    { ...options, directory, writeAtOnce },
    { state, files, writer, pool, clock, random },
    unmarked,
  );
  return { directory, options, clock, store, created, lock, state, pool, writer, sync };
}
