/**
 * The decided values of a log, in the order of their slots, read without changing a byte: twice
 * from front to back, so that memory holds where values are, and not the values.
 */
import { CorruptionError, InvalidOptionError, LogTruncatedError, OverloadedError } from '@rsl/core';
import type { DecidedLog, Slot, Value } from '@rsl/core/protocol';
import { DecidedPlaces } from './decided-places.ts';
import { inspectLog } from './inspect-log.ts';
import type { FoundGroup, FoundValue, InspectedStore } from './report.ts';

/** Values that wait for those of lower slots. */
const waitingBytesMax = 256 * 1024 * 1024;

/** Nothing of it is needed. */
export interface DecidedLogOptions {
  /** Whose slots, in a log of many groups: RSL_INVALID_OPTION unless it is given there. */
  readonly group?: string;
}

type Take = (slot: Slot, value: Value) => void | Promise<void>;

/**
 * What is known to be decided in a log's directory, for `replay` of `@rsl/snapshot/offline`.
 * Rejects as `inspectLog` does; RSL_LOG_CORRUPT if anything in it is damaged: what cannot be read
 * may be a later vote, so that nothing before it is certain.
 */
export async function decidedLog(
  directory: string,
  { group }: DecidedLogOptions = {},
): Promise<DecidedLog> {
  const places = new DecidedPlaces();
  const { damage, stores } = await inspectLog(directory, {
    visit: (found) =>
      eachValue(found, group, ({ kind, slot }, offset) =>
        places.found(slot, found.file, offset, kind === 'decided'),
      ),
  });
  const [damaged] = damage;
  if (damaged !== undefined) {
    throw new CorruptionError(damaged.file, damaged.offset, damaged.problem);
  }
  const store = storeOf(directory, stores, group);
  return new FileDecidedLog(directory, store, places);
}

function storeOf(
  directory: string,
  stores: readonly InspectedStore[],
  group: string | undefined,
): InspectedStore {
  const [store, other] = stores.filter((one) => group === undefined || one.group === group);
  if (store !== undefined && other === undefined) return store;
  const names = stores.map((one) => one.group).join(', ');
  throw new InvalidOptionError('group', `${directory} has these groups: ${names}; give one`);
}

/** In the order they were stored. */
function eachValue(
  { records }: FoundGroup,
  wanted: string | undefined,
  run: (value: FoundValue, offset: number) => void,
): void {
  for (const { group, offset, record } of records) {
    if (wanted !== undefined && group !== wanted) continue;
    if (record.kind === 'vote' || record.kind === 'decided') {
      if ('bytes' in record) run(record, offset);
    }
  }
}

class FileDecidedLog implements DecidedLog {
  readonly where: string;
  readonly decidedThrough: Slot;
  readonly #store: InspectedStore;
  readonly #places: DecidedPlaces;

  constructor(directory: string, store: InspectedStore, places: DecidedPlaces) {
    this.where = directory;
    this.#store = store;
    this.#places = places;
    let through = Math.max(store.decidedThrough, store.firstSlot - 1);
    while (places.isLearned(through + 1)) through += 1;
    this.decidedThrough = through;
  }

  get name(): string {
    return this.#store.group;
  }

  get replica(): number {
    return this.#store.replica;
  }

  get membership() {
    return this.#store.configuration;
  }

  get group(): string | undefined {
    return (this.#store.configuration ?? this.#store.bootstrap)?.group;
  }

  get firstSlot(): Slot {
    return this.#store.firstSlot;
  }

  async read(from: Slot, to: Slot, take: Take): Promise<void> {
    if (from < this.firstSlot) throw new LogTruncatedError(from, this.firstSlot);
    if (to > this.decidedThrough) {
      throw new InvalidOptionError('to', `slot ${to} is not known to be decided in ${this.where}`);
    }
    const order = new InOrder(from, to, take);
    await inspectLog(this.where, {
      visit: async (found) => {
        eachValue(found, this.name, (value, offset) => {
          const { slot } = value;
          if (slot < from || slot > to) return;
          if (this.#places.isNewest(slot, found.file, offset)) order.add(value, found.file, offset);
        });
        await order.give();
      },
    });
    // It was there at first: whoever uses the log has cut it.
    if (order.next <= to) throw new LogTruncatedError(order.next, order.next + 1);
  }
}

/** Values come as they were stored, and go on by slot. */
class InOrder {
  next: Slot;
  readonly #to: Slot;
  readonly #take: Take;
  readonly #waiting = new Map<Slot, Value>();
  #bytes = 0;

  constructor(from: Slot, to: Slot, take: Take) {
    this.next = from;
    this.#to = to;
    this.#take = take;
  }

  add({ checksum, slot, value }: FoundValue, file: string, offset: number): void {
    if (value === undefined) {
      throw new CorruptionError(file, offset, `the value of slot ${slot} fails its checksum`);
    }
    this.#bytes += value.length;
    if (this.#bytes > waitingBytesMax) {
      const what = `more than ${waitingBytesMax} bytes of values wait for slot ${this.next}`;
      throw new OverloadedError('waitingBytesMax', what);
    }
    this.#waiting.set(slot, { bytes: Uint8Array.from(value), checksum });
  }

  async give(): Promise<void> {
    for (; this.next <= this.#to; this.next += 1) {
      const value = this.#waiting.get(this.next);
      if (value === undefined) return;
      this.#waiting.delete(this.next);
      this.#bytes -= value.bytes.length;
      await this.#take(this.next, value);
    }
  }
}
