// A log store of one's own: what a replica must not forget, as items of a table.
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { LogTruncatedError, type RslError, StorageError } from '@rsl/core';
import { higherBallot, zeroBallot } from '@rsl/core/protocol';
import type { LogInfo, LogRecord, LogStore, Port, Slot, StoredValue } from '@rsl/core/protocol';
import { Items } from './items.ts';

/** The item at position 0: whose it is (S8), in which file (S2a), and what is never forgotten. */
const newStore = (whose: string, file: string) => {
  const store = randomBytes(8).toString('hex');
  return { whose, store, file, position: 0, firstSlot: 1, decidedThrough: 0, promised: zeroBallot };
};
type About = ReturnType<typeof newStore>;

/** A vote is a promise too (P1). */
const promiseIn = (record: LogRecord) =>
  record.kind === 'vote' ? record.vote.ballot : 'ballot' in record ? record.ballot : zeroBallot;

export const ownLog = (directory: string): Port<LogStore> => ({
  async open({ group, self }) {
    const items = new Items(join(directory, 'log.db'));
    try {
      return new OwnLog(items, `replica ${self} of ${group}`);
    } catch (error) {
      items.close();
      throw error;
    }
  },
});

class OwnLog implements LogStore {
  readonly #items: Items;
  readonly #created: boolean;
  #about: About;
  #lastSlot: Slot = 0;
  #failure: RslError | undefined;

  constructor(items: Items, whose: string) {
    this.#items = items;
    const found = items.find('position = ?', 0);
    this.#created = found === undefined;
    this.#about = (found?.content as About | undefined) ?? newStore(whose, items.identity());
    if (this.#about.whose !== whose)
      throw new StorageError('RSL_WRONG_STORE', `${items.path} belongs to ${this.#about.whose}`);
    // What is there may be in the machine's memory only: a transaction makes it durable (S1).
    this.#transact(() => {});
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** One by one, however many there are; last the promise of votes that are forgotten. */
  async recover(visit: (record: LogRecord) => void): Promise<LogInfo> {
    const next = (after: number) => this.#items.find('position > ? ORDER BY position', after);
    let promised = zeroBallot;
    for (let found = next(0); found !== undefined; found = next(found.position)) {
      if (found.slot !== null && found.slot < this.#about.firstSlot) continue;
      const record = found.content as LogRecord;
      promised = higherBallot(promised, promiseIn(record));
      visit(record);
    }
    const ballot = higherBallot(promised, this.#about.promised);
    if (ballot !== promised) visit({ kind: 'promise', ballot });
    return this.info();
  }

  /** One transaction, durable when this returns: a replica appends once in a turn. */
  append(records: readonly LogRecord[], done: (error?: RslError) => void): void {
    if (records.length > 0) this.#transact(() => records.forEach((record) => this.#keep(record)));
    setImmediate(done, this.#failure);
  }

  /** The newest value of each slot; a decided one wins over any vote (P11). */
  async read(from: Slot, to: Slot, bytesMax: number): Promise<readonly StoredValue[]> {
    if (from < this.#about.firstSlot) throw new LogTruncatedError(from, this.#about.firstSlot);
    const values: StoredValue[] = [];
    for (let [slot, room] = [from, bytesMax]; slot <= to; slot += 1) {
      const found = this.#items.find('slot = ? ORDER BY kind, position DESC', slot);
      const record = found?.content as LogRecord | undefined;
      if (record?.kind !== 'vote' && record?.kind !== 'decided') break;
      const { ballot, value } =
        record.kind === 'vote' ? record.vote : { ballot: undefined, value: record.value };
      room -= value.bytes.length;
      if (values.length > 0 && room < 0) break;
      if (crc32(value.bytes) !== value.checksum) throw this.#items.damaged(`slot ${slot}`);
      values.push({ slot, ballot, value });
    }
    return values;
  }

  /** Another store: of what this one promised and voted for, only what is decided stays (S2). */
  async renew(): Promise<string> {
    const { decidedThrough, firstSlot, position, whose } = this.#about;
    this.#transact(() => {
      this.#items.remove("kind = 'promise' OR kind = 'vote' AND slot > ?", decidedThrough);
      const made = newStore(whose, this.#items.identity());
      this.#about = { ...made, decidedThrough, firstSlot, position };
    });
    if (this.#failure !== undefined) throw this.#failure;
    return this.#about.store;
  }

  /** Some are removed each time: it is quick, however many are forgotten. */
  truncate(before: Slot): void {
    if (before <= this.#about.firstSlot) return;
    this.#about.firstSlot = before;
    const some = 'position IN (SELECT position FROM item WHERE slot < ? LIMIT 1000)';
    this.#transact(() => this.#items.remove(some, before));
  }

  info(): LogInfo {
    const { file, firstSlot, position, store } = this.#about;
    const copied = file === this.#items.identity() ? 'no' : 'files';
    const known = { store, created: this.#created, firstSlot, lastSlot: this.#lastSlot, position };
    return { ...known, copied, ...this.#items.room(), damaged: new Map(), mode: 'SQLite, synced' };
  }

  /** After whoever waits has been answered. */
  async close(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    this.#items.close();
  }

  #transact(change: () => void): void {
    if (this.#failure !== undefined) return;
    try {
      this.#items.transact(() => {
        change();
        this.#items.put(0, 'about', null, this.#about);
      });
      this.#lastSlot = this.#items.lastSlot(this.#about.firstSlot);
    } catch (cause) {
      // Nobody knows what is on the medium now: nothing is ever written to it again (S4).
      const why = `${this.#items.path} cannot be written; start again when it can`;
      this.#failure = new StorageError('RSL_STORAGE_FAILED', why, { cause });
    }
  }

  #keep(record: LogRecord): void {
    const about = this.#about;
    about.position += 1;
    about.promised = higherBallot(about.promised, promiseIn(record));
    if (record.kind === 'decided-through')
      about.decidedThrough = Math.max(about.decidedThrough, record.slot);
    const slot = record.kind === 'vote' || record.kind === 'decided' ? record.slot : null;
    this.#items.put(about.position, record.kind, slot, record);
  }
}
