/** The LogStore of a directory: joins recovery, reading and writing. */
import { requires } from '@rsl/contracts';
import { ClosedError, type RslError } from '@rsl/core';
import type {
  LogInfo,
  LogRecord,
  LogStore,
  PortContext,
  Slot,
  StoredValue,
  StoreId,
} from '@rsl/core/protocol';
import { prepareDirectory, storageError } from './directory.ts';
import { type Files, systemFiles } from './files.ts';
import { lockDirectory } from '@rsl/directory-lock';
import { LogState } from './log-state.ts';
import { openParts, type Parts } from './open-parts.ts';
import type { CompleteOptions } from './options.ts';
import type { Copied } from './origin.ts';
import { LogReader } from './read.ts';
import { renewalOf } from './renewal.ts';
import { groupOf } from './record.ts';
import { findHeld } from './recover.ts';
import { visitRecords } from './visit.ts';
import type { Writer } from './writer.ts';

const modes = {
  thread: 'file, O_DSYNC, writer thread',
  inline: 'file, O_DSYNC, calling thread',
  none: 'file, not synced',
} as const;

/** What a test puts in place of the system's. */
export interface Substitutes {
  /** Goes with `sync: 'inline'`. */
  readonly files?: Files | undefined;
  readonly writer?: Writer | undefined;
}

const knowledge = {
  stateOf: (store: StoreId) => new LogState(store),
  settle: async (state: LogState) => {
    if (state.lost.size > 0) await findHeld(state);
  },
};

export class FileLogStore implements LogStore {
  readonly #parts: Parts<LogState>;
  readonly #state: LogState;
  readonly #reader: LogReader;
  /** The position at the opening. */
  readonly #found: number;
  #copied: Copied;
  #closing: Promise<void> | undefined;

  private constructor(parts: Parts<LogState>) {
    this.#parts = parts;
    this.#state = parts.state;
    this.#reader = new LogReader(parts.state);
    this.#found = parts.state.position;
    this.#copied = parts.copied;
  }

  static async open(
    directory: string,
    options: CompleteOptions,
    context: PortContext,
    { files: given, writer }: Substitutes = {},
  ): Promise<FileLogStore> {
    const files = given ?? systemFiles(options.sync === 'none' ? 'none' : 'durable');
    prepareDirectory(directory, files);
    const lock = await lockDirectory(directory);
    try {
      const opening = { directory, options, context, files, lock, writer };
      return new FileLogStore(await openParts({ ...opening, ...knowledge }));
    } catch (error) {
      await lock.release();
      throw storageError(directory, error);
    }
  }

  async recover(visit: (record: LogRecord) => void): Promise<LogInfo> {
    await visitRecords(this.#state, visit);
    // A mark that is written meanwhile is nothing that the store was found with (S2a).
    return { ...this.info(), position: this.#found };
  }

  append(records: readonly LogRecord[], done: (error?: RslError) => void): void {
    if (this.#closing === undefined) this.#parts.sync.append(groupOf(records), done);
    else queueMicrotask(() => done(closed()));
  }

  async read(from: Slot, to: Slot, bytesMax: number): Promise<readonly StoredValue[]> {
    requires(
      () => Number.isSafeInteger(from) && Number.isSafeInteger(to),
      'file-8 a range of slots',
    );
    if (this.#closing !== undefined) throw closed();
    return this.#reader.read(from, to, bytesMax);
  }

  truncate(before: Slot): void {
    requires(() => Number.isSafeInteger(before), 'file-9 truncation is before a slot');
    if (before <= this.#state.firstSlot) return;
    this.#state.firstSlot = before;
    this.#parts.sync.truncated();
  }

  /**
   * Takes a new store id, durably before it resolves (S2). Appends called earlier complete first,
   * later ones are of the new store. What the old one stored stays as far as it is decided: learned
   * values, votes up to its last decided-through, configuration, bootstrap, start. Its promises and
   * its other votes are neither visited nor read any more.
   */
  renew(): Promise<StoreId> {
    if (this.#closing !== undefined) return Promise.reject(closed());
    const { directory, context, sync } = this.#parts;
    const renewal = () => renewalOf(directory, context, this.#state);
    return new Promise((resolve, reject) => {
      sync.renew(renewal, (error) => {
        if (error !== undefined) {
          reject(error);
          return;
        }
        this.#copied = 'no';
        resolve(this.#state.store);
      });
    });
  }

  info(): LogInfo {
    const { created, options, pool, medium } = this.#parts;
    medium.look();
    const { store, firstSlot, lastSlot, bytesUsed, position } = this.#state;
    return {
      store,
      created,
      firstSlot,
      lastSlot,
      bytesUsed: bytesUsed + pool.bytesUsed,
      bytesFree: this.#bytesFree(),
      damaged: this.#state.lost.damaged(firstSlot),
      position,
      copied: this.#copied,
      mode: modes[options.sync],
    };
  }

  /** What is allocated already, and whole segments of what the medium and the user leave (S5). */
  #bytesFree(): number {
    const { options, pool, medium, sync } = this.#parts;
    const { segmentBytes } = options;
    const canBeTaken = Math.min(medium.freeBytes, pool.allowedBytes);
    const segments = Math.floor(canBeTaken / segmentBytes) * segmentBytes;
    return Math.max(0, sync.roomBytes + pool.bytesUsed + segments);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const { sync, writer, lock, medium } = this.#parts;
    await sync.drain();
    medium.close();
    await writer.close();
    sync.close();
    await lock.release();
  }
}

const closed = () => new ClosedError('the log is closed; open it again');
