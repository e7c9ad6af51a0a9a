import { crc32 } from 'node:zlib';
import { CorruptionError, LogTruncatedError, type RslError, StorageError } from '../errors.ts';
import type { LogRecord } from '../paxos/log-record.ts';
import type { Slot } from '../paxos/slot.ts';
import type { LogInfo, LogStore, StoredValue } from '../ports/log-store.ts';
import type { Port, PortContext } from '../ports/port.ts';
import type { Random } from '../ports/random.ts';
import { type Group, MemoryDisk } from './memory-disk.ts';

/** A medium that outlives the log, and when writes on it are durable. */
export interface MemoryLogOptions {
  /** The medium; a new one unless given. */
  readonly disk?: MemoryDisk;
  /** Calls `run` when a write that begins now is durable; after the current turn unless given. */
  readonly write?: (run: () => void) => void;
  /** Called before every append, which is ignored if the disk has crashed by then. */
  readonly onAppend?: () => void;
}

/** The in-memory twin of a log file: forgets everything with its disk. For tests and examples. */
export function memoryLog(options: MemoryLogOptions = {}): Port<LogStore> {
  const disk = options.disk ?? new MemoryDisk();
  return {
    open: async (context) => {
      if (disk.isOpen) throw new StorageError('RSL_STORAGE_LOCKED', 'this disk is open already');
      return new MemoryLogStore(disk, context, options);
    },
  };
}

class MemoryLogStore implements LogStore {
  readonly #disk: MemoryDisk;
  readonly #write: (run: () => void) => void;
  readonly #onAppend: () => void;
  readonly #random: Random;
  readonly #opening: number;
  readonly #created: boolean;
  #idle: (() => void)[] = [];
  #writing = false;
  #failure: RslError | undefined;
  #closing: Promise<void> | undefined;

  constructor(disk: MemoryDisk, context: PortContext, options: MemoryLogOptions) {
    this.#disk = disk;
    this.#write = options.write ?? ((run) => context.clock.soon(run));
    this.#onAppend = options.onAppend ?? (() => {});
    this.#opening = disk.opening;
    this.#created = disk.store === undefined;
    this.#random = context.random;
    disk.store ??= this.#newStore();
    disk.isOpen = true;
  }

  async recover(visit: (record: LogRecord) => void): Promise<LogInfo> {
    const { firstSlot } = this.#disk;
    for (const record of this.#disk.records) {
      const ofSlot = record.kind === 'vote' || record.kind === 'decided';
      if (!ofSlot || record.slot >= firstSlot) visit(record);
    }
    return this.info();
  }

  append(records: readonly LogRecord[], done: (error?: RslError) => void): void {
    this.#onAppend();
    if (!this.#isCurrent) return;
    this.#disk.pending.push({ records, done });
    if (!this.#writing) this.#next();
  }

  async read(from: Slot, to: Slot, bytesMax: number): Promise<readonly StoredValue[]> {
    const { firstSlot, values } = this.#disk;
    if (from < firstSlot) throw new LogTruncatedError(from, firstSlot);
    const found: StoredValue[] = [];
    let bytes = 0;
    for (let slot = from; slot <= to; slot += 1) {
      const stored = values.get(slot);
      if (this.#disk.damaged.has(slot) || (stored !== undefined && this.#disk.isUnreadable(slot))) {
        throw new CorruptionError('memory', slot, `the value of slot ${slot} cannot be read`);
      }
      if (stored === undefined) break;
      if (crc32(stored.value.bytes) !== stored.value.checksum) {
        throw new CorruptionError('memory', slot, `the value of slot ${slot} is damaged`);
      }
      bytes += stored.value.bytes.length;
      if (found.length > 0 && bytes > bytesMax) break;
      found.push(stored);
    }
    return found;
  }

  async renew(): Promise<string> {
    if (this.#writing) await new Promise<void>((resolve) => this.#idle.push(resolve));
    const store = this.#newStore();
    if (this.#isCurrent) this.#disk.renew(store);
    return store;
  }

  #newStore(): string {
    const parts = Array.from({ length: 4 }, () => this.#random.below(2 ** 16));
    return parts.map((part) => part.toString(16).padStart(4, '0')).join('');
  }

  truncate(before: Slot): void {
    if (this.#isCurrent) this.#disk.truncate(before);
  }

  info(): LogInfo {
    const { store, firstSlot, lastSlot, bytes, bytesFree, copied, damaged, position } = this.#disk;
    return {
      store: store as string,
      created: this.#created,
      firstSlot,
      lastSlot,
      bytesUsed: bytes,
      bytesFree,
      position,
      copied,
      damaged: new Map(damaged),
      mode: 'memory',
    };
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    if (this.#writing) await new Promise<void>((resolve) => this.#idle.push(resolve));
    if (!this.#isCurrent) return;
    this.#disk.isOpen = false;
    this.#disk.hasFailed = false;
    this.#disk.pending = [];
    this.#disk.opening += 1;
  }

  /** False once its process is gone: what it still does reaches the medium no more. */
  get #isCurrent(): boolean {
    return this.#disk.opening === this.#opening;
  }

  /** One write at a time; everything that waits when it begins goes into it. */
  #next(): void {
    const disk = this.#disk;
    const groups = disk.pending;
    if (groups.length === 0) {
      this.#writing = false;
      for (const resolve of this.#idle.splice(0)) resolve();
      return;
    }
    this.#writing = true;
    const count = groups.length;
    this.#write(() => {
      if (!this.#isCurrent) return;
      const written = groups.splice(0, this.#countFitting(groups, count));
      if (this.#failure === undefined && disk.failure !== undefined) {
        this.#failure = disk.failure;
        disk.hasFailed = true;
        for (const { records } of written.slice(0, disk.survivorsOfFailure)) disk.keep(records);
      }
      for (const { records } of written) if (this.#failure === undefined) disk.keep(records);
      for (const { done } of written) done(this.#failure);
      if (written.length < count) this.#refuse(groups);
      this.#next();
    });
  }

  /** How many of the first groups can be written: on a full disk none that holds records (S5). */
  #countFitting(groups: readonly Group[], count: number): number {
    if (!this.#disk.isFull) return count;
    const first = groups.findIndex(({ records }) => records.length > 0);
    return first < 0 ? count : Math.min(first, count);
  }

  /** What does not fit is refused with all that was appended behind it. */
  #refuse(groups: Group[]): void {
    const error = new StorageError('RSL_STORAGE_FULL', 'this disk is full; make room');
    for (const { done } of groups.splice(0)) done(error);
  }
}
