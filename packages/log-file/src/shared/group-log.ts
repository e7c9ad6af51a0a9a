/** The LogStore of one replica group in a shared log. */
import { requires } from '@rsl/contracts';
import { ClosedError, CorruptionError, LogTruncatedError, type RslError } from '@rsl/core';
import type {
  LogInfo,
  LogRecord,
  LogStore,
  PortContext,
  Slot,
  StoredValue,
  StoreId,
} from '@rsl/core/protocol';
import { drawStoreId } from '../create.ts';
import { type Found, piecesOf, readPiece } from '../read.ts';
import { groupOf } from '../record.ts';
import type { Owner } from './owner.ts';
import type { SharedMedium } from './shared-medium.ts';
import { reading, visitOwner } from './visit-owner.ts';

type Done = (error?: RslError) => void;

const modes = {
  thread: 'shared file, O_DSYNC, writer thread',
  inline: 'shared file, O_DSYNC, calling thread',
  none: 'shared file, not synced',
} as const;

const nothing = groupOf([]);

export interface GroupLogParts {
  readonly medium: SharedMedium;
  readonly owner: Owner;
  readonly created: boolean;
  readonly context: PortContext;
  /** The medium is not needed any more. */
  readonly release: () => Promise<void>;
}

export class GroupLog implements LogStore {
  readonly #parts: GroupLogParts;
  readonly #medium: SharedMedium;
  readonly #owner: Owner;
  /** The position at the opening. */
  readonly #found: number;
  /** An append was refused, and its caller does not know yet: so are all behind it (P2). */
  #refusal: RslError | undefined;
  #closing: Promise<void> | undefined;

  constructor(parts: GroupLogParts) {
    this.#parts = parts;
    this.#medium = parts.medium;
    this.#owner = parts.owner;
    this.#found = parts.owner.position;
  }

  async recover(visit: (record: LogRecord) => void): Promise<LogInfo> {
    await visitOwner(this.#medium.state, this.#owner, visit);
    return { ...this.info(), position: this.#found };
  }

  append(records: readonly LogRecord[], done: Done): void {
    if (this.#closing !== undefined) {
      queueMicrotask(() => done(closed()));
      return;
    }
    const group = groupOf(records, this.#owner.number);
    if (records.length > 0) this.#refusal ??= this.#medium.refusal(group.bytes);
    const refusal = this.#refusal;
    if (refusal !== undefined) {
      // It waits for its turn to be refused.
      this.#medium.append(nothing, (error) => {
        if (this.#refusal === refusal) this.#refusal = undefined;
        done(error ?? refusal);
      });
      return;
    }
    const { pending } = this.#owner;
    pending.push(records);
    this.#medium.append(group, (error) => {
      const ended = pending.shift();
      requires(() => ended === records, 'file-13 appends of a group end in call order');
      done(error);
    });
  }

  async read(from: Slot, to: Slot, bytesMax: number): Promise<readonly StoredValue[]> {
    requires(
      () => Number.isSafeInteger(from) && Number.isSafeInteger(to),
      'file-14 a range of slots',
    );
    if (this.#closing !== undefined) throw closed();
    const { forgottenBefore } = this.#owner;
    if (from < forgottenBefore) throw new LogTruncatedError(from, forgottenBefore);
    const found = this.#find(from, to, bytesMax);
    const segments = new Set(found.map(({ segment }) => segment));
    return reading([...segments], async () => {
      const values: StoredValue[] = [];
      for (const piece of piecesOf(found)) values.push(...(await readPiece(piece)));
      return values;
    });
  }

  #find(from: Slot, to: Slot, bytesMax: number): Found[] {
    const { state, directory } = this.#medium;
    const { index, lost } = this.#owner;
    const found: Found[] = [];
    let bytes = 0;
    for (let slot = from; slot <= to; slot++) {
      const at = index.find(slot);
      // An older vote never stands in for a lost one (S3).
      if (lost.isDamaged(slot)) {
        const file = at === undefined ? directory : state.segmentAt(at.segment).file;
        throw new CorruptionError(file, at?.offset ?? 0, `the value of slot ${slot} is lost`);
      }
      if (at === undefined) break;
      bytes += at.length;
      if (found.length > 0 && bytes > bytesMax) break;
      found.push({ segment: state.segmentAt(at.segment), at });
    }
    return found;
  }

  truncate(before: Slot): void {
    requires(() => Number.isSafeInteger(before), 'file-15 truncation is before a slot');
    if (before > this.#owner.forgottenBefore) this.#medium.truncate(this.#owner, before);
  }

  /**
   * Takes a new store id, durably before it resolves (S2): one record in the log says so. Appends
   * called earlier complete first, later ones are of the new store.
   */
  async renew(): Promise<StoreId> {
    if (this.#closing !== undefined) throw closed();
    const owner = this.#owner;
    const store = drawStoreId(this.#parts.context.random);
    const entry = { ...owner.entry, store, copied: false };
    owner.renewing = true;
    try {
      await this.#appended(groupOf([{ kind: 'owner', owner: entry }], owner.number));
    } finally {
      owner.renewing = false;
    }
    return owner.store;
  }

  info(): LogInfo {
    const { created } = this.#parts;
    const { store, forgottenBefore, lastSlot, bytes, position, copied, lost } = this.#owner;
    const { bytesFree, options, isOnOtherDevice } = this.#medium;
    return {
      store,
      created,
      firstSlot: forgottenBefore,
      lastSlot,
      bytesUsed: bytes,
      bytesFree,
      damaged: lost.damaged(forgottenBefore),
      position,
      copied: copied ? 'files' : isOnOtherDevice ? 'device' : 'no',
      mode: modes[options.sync],
    };
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** Whoever opens it again finds everything that was asked for. */
  async #close(): Promise<void> {
    const owner = this.#owner;
    try {
      await this.#appended(nothing);
      const slot = owner.forgottenBefore;
      if (slot > owner.firstSlot) {
        await this.#appended(groupOf([{ kind: 'first-slot', slot }], owner.number));
      }
    } catch {
      // A log that has failed or is full says so to whoever appends.
    }
    this.#medium.give(owner);
    await this.#parts.release();
  }

  #appended(group: ReturnType<typeof groupOf>): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#medium.append(group, (error) => (error === undefined ? resolve() : reject(error)));
    });
  }
}

const closed = () => new ClosedError('the log is closed; open it again');
