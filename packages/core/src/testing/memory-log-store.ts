import { crc32 } from 'node:zlib';
import { CorruptionError, LogTruncatedError, type RslError, StorageError } from '../errors.ts';
import type { LogRecord } from '../paxos/log-record.ts';
import type { Slot } from '../paxos/slot.ts';
import type { LogInfo, LogStore, StoredValue } from '../ports/log-store.ts';
import type { Port, PortContext } from '../ports/port.ts';

interface Group {
  readonly records: readonly LogRecord[];
  readonly done: (error?: RslError) => void;
}

/**
 * A medium in memory, which outlives the stores opened on it: what a file is to a process. A test
 * gives the same one again to restart a replica, and `crash()` to lose what was not synced.
 */
export class MemoryDisk {
  store: string | undefined;
  firstSlot: Slot = 1;
  /** Durable, in the order of their appends. */
  records: LogRecord[] = [];
  readonly values = new Map<Slot, StoredValue>();
  bytes = 0;
  isOpen = false;
  /** Appended, and not durable yet. */
  pending: Group[] = [];
  /** Set by a test: the next write fails with this. */
  failure: RslError | undefined;

  /** The process is gone: of what was not durable, the first `survivors` groups are there. */
  crash(survivors = 0): void {
    const lost = this.pending;
    this.pending = [];
    for (const { records } of lost.slice(0, survivors)) this.keep(records);
    this.isOpen = false;
  }

  keep(records: readonly LogRecord[]): void {
    for (const record of records) {
      this.records.push(record);
      if (record.kind === 'vote') this.#put(record.slot, record.vote.ballot, record.vote.value);
      else if (record.kind === 'decided') this.#put(record.slot, undefined, record.value);
    }
  }

  #put(slot: Slot, ballot: StoredValue['ballot'], value: StoredValue['value']): void {
    const known = this.values.get(slot);
    // A decided value wins over any vote (P11).
    if (slot < this.firstSlot || (ballot !== undefined && known?.ballot === undefined && known))
      return;
    this.values.set(slot, { slot, ballot, value });
    this.bytes += value.bytes.length;
  }
}

export interface MemoryLogOptions {
  /** The medium; a new one unless given. */
  readonly disk?: MemoryDisk;
  /** Calls `run` when a write that begins now is durable; after the current turn unless given. */
  readonly write?: (run: () => void) => void;
}

/** The in-memory twin of a log file: forgets everything with its disk. For tests and examples. */
export function memoryLog(options: MemoryLogOptions = {}): Port<LogStore> {
  const disk = options.disk ?? new MemoryDisk();
  return {
    open: async (context) => {
      if (disk.isOpen) throw new StorageError('RSL_STORAGE_LOCKED', 'this disk is open already');
      return new MemoryLogStore(disk, context, options.write);
    },
  };
}

class MemoryLogStore implements LogStore {
  readonly #disk: MemoryDisk;
  readonly #write: (run: () => void) => void;
  readonly #created: boolean;
  #idle: (() => void)[] = [];
  #writing = false;
  #failure: RslError | undefined;
  #closing: Promise<void> | undefined;

  constructor(disk: MemoryDisk, context: PortContext, write?: (run: () => void) => void) {
    this.#disk = disk;
    this.#write = write ?? ((run) => context.clock.soon(run));
    this.#created = disk.store === undefined;
    disk.store ??= Array.from({ length: 4 }, () =>
      context.random
        .below(2 ** 16)
        .toString(16)
        .padStart(4, '0'),
    ).join('');
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

  truncate(before: Slot): void {
    const disk = this.#disk;
    for (let slot = disk.firstSlot; slot < before; slot += 1) {
      disk.bytes -= disk.values.get(slot)?.value.bytes.length ?? 0;
      disk.values.delete(slot);
    }
    disk.firstSlot = Math.max(disk.firstSlot, before);
    disk.records = disk.records.filter(
      (r) => (r.kind !== 'vote' && r.kind !== 'decided') || r.slot >= disk.firstSlot,
    );
  }

  info(): LogInfo {
    const { store, firstSlot, values, bytes } = this.#disk;
    return {
      store: store as string,
      created: this.#created,
      firstSlot,
      lastSlot: Math.max(0, ...values.keys()),
      bytesUsed: bytes,
      bytesFree: Number.MAX_SAFE_INTEGER,
      damaged: new Map(),
      mode: 'memory',
    };
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    if (this.#writing) await new Promise<void>((resolve) => this.#idle.push(resolve));
    this.#disk.isOpen = false;
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
      if (disk.pending !== groups) return;
      const durable = groups.splice(0, count);
      this.#failure ??= disk.failure;
      for (const { records } of durable) if (this.#failure === undefined) disk.keep(records);
      for (const { done } of durable) done(this.#failure);
      this.#next();
    });
  }
}
