// A log store of one's own: what a replica must not forget, as items of a file of lines.
import { randomBytes } from 'node:crypto';
import { statfsSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import { CorruptionError, LogTruncatedError, StorageError } from '@rsl/core';
import { type Ballot, compareBallots, higherBallot, zeroBallot } from '@rsl/core/protocol';
import type { LogInfo, LogRecord, LogStore, Port, Slot, StoredValue } from '@rsl/core/protocol';
import { type Line, LineFile } from './line-file.ts';

type Bytes = { readonly checksum: number; readonly base64: string };
type Place = Omit<Line, 'items'> & { readonly i: number; readonly ballot: Ballot | undefined };
/** A store begins with its first line, and anew with each later one of this kind (S2). */
type Store = {
  kind: 'store';
  group: string;
  self: number;
  store: string;
  device: string;
  file: string;
};
type Item =
  | Store
  | { readonly kind: 'first-slot'; readonly slot: Slot }
  | ({ readonly kind: 'vote'; readonly slot: Slot; readonly ballot: Ballot } & Bytes)
  | ({ readonly kind: 'decided'; readonly slot: Slot } & Bytes)
  | Exclude<LogRecord, { readonly kind: 'vote' | 'decided' }>;

const packed = ({ bytes, checksum }: StoredValue['value']): Bytes => {
  return { checksum, base64: Buffer.from(bytes).toString('base64') };
};
const unpacked = ({ base64, checksum }: Bytes): StoredValue['value'] => {
  return { bytes: Uint8Array.from(Buffer.from(base64, 'base64')), checksum };
};

function itemOf(record: LogRecord): Item {
  const { kind } = record;
  if (kind === 'decided') return { kind, slot: record.slot, ...packed(record.value) };
  if (kind !== 'vote') return record;
  return { kind, slot: record.slot, ballot: record.vote.ballot, ...packed(record.vote.value) };
}

export const ownLog = (directory: string): Port<LogStore> => ({
  async open({ group, self }) {
    const file = await LineFile.open(directory);
    const log = new OwnLog(file);
    return log.open(group, self).catch(async (error: unknown) => {
      await file.close();
      throw error;
    });
  },
});

class OwnLog implements LogStore {
  readonly #file: LineFile;
  readonly #places = new Map<Slot, Place>();
  #store: Store = { kind: 'store', group: '', self: 0, store: '', device: '', file: '' };
  #created = true;
  #copied: LogInfo['copied'] = 'no';
  #firstSlot: Slot = 1;
  #lastSlot: Slot = 0;
  #decidedThrough: Slot = 0;
  #position = 0;
  /** Items of an earlier store, and how much of what it voted for is decided. */
  #before = { items: 0, decidedThrough: 0 };
  #closing: Promise<void> | undefined;

  constructor(file: LineFile) {
    this.#file = file;
  }

  async open(group: string, self: number): Promise<this> {
    for await (const line of this.#file.lines()) this.#take(line.items as Item[], line, 0);
    const here = await this.#file.identity();
    this.#created = this.#position === 0;
    if (this.#created) return this.#begin({ ...this.#store, group, self });
    if (this.#store.group !== group || this.#store.self !== self) {
      const whose = `replica ${this.#store.self} of ${this.#store.group}`;
      throw new StorageError('RSL_WRONG_STORE', `${this.#file.path} belongs to ${whose}`);
    }
    if (this.#store.file !== here.file) this.#copied = 'files';
    else if (this.#store.device !== here.device) this.#copied = 'device';
    return this;
  }

  async recover(visit: (record: LogRecord) => void): Promise<LogInfo> {
    let [seen, kept, forgotten] = [0, zeroBallot, zeroBallot];
    for await (const { items } of this.#file.lines()) {
      for (const item of items as Item[]) {
        seen += 1;
        if (item.kind === 'store' || item.kind === 'first-slot') continue;
        if (seen < this.#before.items && this.#isGone(item)) continue;
        const isBelow = 'checksum' in item && item.slot < this.#firstSlot;
        if ('ballot' in item && isBelow) forgotten = higherBallot(forgotten, item.ballot);
        if (isBelow) continue;
        if ('ballot' in item) kept = higherBallot(kept, item.ballot);
        if (item.kind === 'decided')
          visit({ kind: 'decided', slot: item.slot, value: unpacked(item) });
        else if (item.kind !== 'vote') visit(item);
        else
          visit({
            kind: 'vote',
            slot: item.slot,
            vote: { ballot: item.ballot, value: unpacked(item) },
          });
      }
    }
    // A vote raises the promise, and that stays when its slot is forgotten (P1).
    if (compareBallots(forgotten, kept) > 0) visit({ kind: 'promise', ballot: forgotten });
    return this.info();
  }

  append(records: readonly LogRecord[], done: Parameters<LogStore['append']>[1]): void {
    this.#append(records.map(itemOf), done);
  }

  async read(from: Slot, to: Slot, bytesMax: number): Promise<readonly StoredValue[]> {
    if (from < this.#firstSlot) throw new LogTruncatedError(from, this.#firstSlot);
    const found: StoredValue[] = [];
    for (let [slot, bytes] = [from, 0]; slot <= to; slot += 1) {
      const place = this.#places.get(slot);
      if (place === undefined) break;
      const value = unpacked((await this.#file.items(place))[place.i] as Bytes);
      bytes += value.bytes.length;
      if (found.length > 0 && bytes > bytesMax) break;
      if (crc32(value.bytes) !== value.checksum) {
        throw new CorruptionError(this.#file.path, place.at, `slot ${slot} fails its checksum`);
      }
      found.push({ slot, ballot: place.ballot, value });
    }
    return found;
  }

  async renew(): Promise<string> {
    await this.#begin(this.#store);
    return this.#store.store;
  }

  truncate(before: Slot): void {
    if (before <= this.#firstSlot) return;
    this.#forget(before);
    this.#append([{ kind: 'first-slot', slot: before }], () => {});
  }

  info(): LogInfo {
    const { bavail, bsize } = statfsSync(this.#file.path);
    const [bytesUsed, bytesFree, damaged] = [this.#file.end, bavail * bsize, new Map()];
    const [firstSlot, lastSlot, position] = [this.#firstSlot, this.#lastSlot, this.#position];
    const known = { created: this.#created, copied: this.#copied, store: this.#store.store };
    const counted = { bytesFree, bytesUsed, firstSlot, lastSlot, position };
    return { ...known, ...counted, damaged, mode: 'file of lines, datasync' };
  }

  close(): Promise<void> {
    this.#closing ??= this.#file.close();
    return this.#closing;
  }

  async #begin(of: Store): Promise<this> {
    const store = {
      ...of,
      ...(await this.#file.identity()),
      store: randomBytes(8).toString('hex'),
    };
    await new Promise<void>((resolve, reject) => {
      this.#append([store], (error) => (error === undefined ? resolve() : reject(error)));
    });
    this.#copied = 'no';
    return this;
  }

  #append(items: readonly Item[], done: Parameters<LogStore['append']>[1]): void {
    this.#file.append(items, (error, line, first) => {
      if (error === undefined) this.#take(items, line, first);
      done(error);
    });
  }

  /** These are durable: they begin at `first` of their line. */
  #take(items: readonly Item[], { at, bytes }: Omit<Line, 'items'>, first: number): void {
    for (const [i, item] of items.entries()) {
      this.#position += 1;
      if (item.kind === 'store') this.#become(item);
      else if (item.kind === 'first-slot') this.#forget(item.slot);
      else if (item.kind === 'decided-through')
        this.#decidedThrough = Math.max(this.#decidedThrough, item.slot);
      else if (item.kind === 'decided')
        this.#put(item.slot, { at, bytes, i: first + i, ballot: undefined });
      else if (item.kind === 'vote')
        this.#put(item.slot, { at, bytes, i: first + i, ballot: item.ballot });
    }
  }

  #put(slot: Slot, place: Place): void {
    const known = this.#places.get(slot);
    // A decided value wins over any vote (P11).
    const isDecided = known !== undefined && known.ballot === undefined;
    if (slot < this.#firstSlot || (isDecided && place.ballot !== undefined)) return;
    this.#places.set(slot, place);
    this.#lastSlot = Math.max(this.#lastSlot, slot);
  }

  #forget(before: Slot): void {
    for (let slot = this.#firstSlot; slot < Math.min(before, this.#lastSlot + 1); slot += 1)
      this.#places.delete(slot);
    this.#firstSlot = Math.max(this.#firstSlot, before);
    if (this.#lastSlot < this.#firstSlot) this.#lastSlot = 0;
  }

  /** Of what an earlier store has stored, only what is decided stays (S2). */
  #become(store: Store): void {
    this.#store = store;
    this.#before = { items: this.#position, decidedThrough: this.#decidedThrough };
    this.#lastSlot = 0;
    for (const [slot, { ballot }] of this.#places) {
      if (ballot !== undefined && slot > this.#decidedThrough) this.#places.delete(slot);
      else this.#lastSlot = Math.max(this.#lastSlot, slot);
    }
  }

  #isGone(item: Item): boolean {
    if (item.kind === 'vote') return item.slot > this.#before.decidedThrough;
    return item.kind === 'promise';
  }
}
