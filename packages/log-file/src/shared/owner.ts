/** What memory knows of one replica group in a shared log: what a LogState knows, but for files. */
import { requires } from '@rsl/contracts';
import type { Ballot, LogRecord, ReplicaId, Slot, StoreId } from '@rsl/core/protocol';
import { sameBallot } from '@rsl/core/protocol';
import { Kept } from '../kept.ts';
import { LostValues } from '../lost-values.ts';
import { recordHeaderBytes } from '../record.ts';
import type { Live } from './live.ts';
import { isBefore, type Place, Places } from './places.ts';
import type { OwnerEntry } from './shared-record.ts';
import { type Indexed, SlotIndex } from './slot-index.ts';

/** What a value takes when it is copied forward, but for the head of its group. */
export const bytesOf = ({ length }: { readonly length: number }): number =>
  recordHeaderBytes + length;

export class Owner {
  /** In record headers. */
  readonly number: number;
  readonly group: string;
  readonly replica: ReplicaId;
  store: StoreId;
  copied: boolean;
  position: number;
  /** Durably; `forgottenBefore` is what the caller has asked for. */
  firstSlot: Slot;
  forgottenBefore: Slot;
  readonly kept = new Kept();
  readonly lost = new LostValues();
  readonly index = new SlotIndex();
  readonly places = new Places();
  /** Up to here the votes of former lives are decided (P11); those above are nobody's any more. */
  formerThrough: Slot = 0;
  /** The segment of its first append; 0 if that had left when the log was opened. */
  #since: number;
  /** Of values in the index, as they are stored. */
  bytes = 0;
  /** Appends that are not durable yet, in their order. */
  readonly pending: (readonly LogRecord[])[] = [];
  /** A renewal is not durable yet. */
  renewing = false;

  readonly #live: Live;
  /** What is in front is of a former life (S2). */
  #life: Place = { segment: 0, offset: 0 };
  #voteMax: Slot = 0;
  #decidedMax: Slot = 0;

  constructor(number: number, entry: OwnerEntry, live: Live) {
    this.number = number;
    this.group = entry.group;
    this.replica = entry.replica;
    this.store = entry.store;
    this.copied = entry.copied;
    this.position = entry.position;
    this.firstSlot = entry.firstSlot;
    this.forgottenBefore = entry.firstSlot;
    this.#since = entry.position === 0 ? Number.POSITIVE_INFINITY : 0;
    this.#live = live;
  }

  /** For the carry, and with changes for a record of its own. */
  get entry(): OwnerEntry {
    const { group, replica, store, firstSlot, position, copied } = this;
    return { group, replica, store, firstSlot, position, copied };
  }

  get lastSlot(): Slot {
    const max = Math.max(this.#voteMax, this.#decidedMax);
    return max >= this.forgottenBefore ? max : 0;
  }

  /** Some of its records were in segments that have left. */
  isCut(oldest: number): boolean {
    return this.#since < oldest;
  }

  /** An append of its own: all that copies and carries repeat. */
  takeAppend({ segment, offset }: Place, number: number): void {
    this.position = number;
    this.#since = Math.min(this.#since, segment);
    this.places.push(segment, offset);
  }

  isFormer(place: Place): boolean {
    return isBefore(place, this.#life);
  }

  isDamaged(slot: Slot): boolean {
    return slot >= this.firstSlot && this.lost.isDamaged(slot);
  }

  /** True while an append that holds a value of the slot is not durable. */
  isPending(slot: Slot): boolean {
    return this.pending.some((records) => records.some((r) => isValue(r) && r.slot === slot));
  }

  /** Says anew who this is. Under another name of the store, another life begins (S2). */
  takeEntry({ store, copied, position, firstSlot }: OwnerEntry, place: Place): void {
    if (store !== this.store) {
      this.store = store;
      this.#life = place;
      this.#endLife();
    }
    this.copied = copied;
    this.position = Math.max(this.position, position);
    this.forget(firstSlot);
  }

  takeValue(value: Indexed): void {
    const { slot, ballot, copied } = value;
    this.lost.hold(slot, ballot);
    this.#noteSlot(slot, ballot, copied);
    // A truncation that came later in the log has forgotten it, or it never counted.
    if (slot < this.firstSlot) return;
    const before = this.index.find(slot);
    requires(
      () => !copied || isSuperseded(before?.ballot, ballot) || before === undefined,
      'file-10 what is copied forward is what counts of its slot',
    );
    if (before !== undefined && before.ballot === undefined && ballot !== undefined) return;
    if (before !== undefined) this.#left(before);
    this.index.put(value);
    this.bytes += bytesOf(value);
    this.#live.add(value.segment, bytesOf(value));
  }

  /** The record is there; its value is not, unless another one stands in for it (S3). */
  takeLost(slot: Slot, ballot: Ballot | undefined, copied: boolean): void {
    this.#noteSlot(slot, ballot, copied);
    this.lost.lose(slot, ballot);
    const held = this.index.find(slot);
    if (held !== undefined) this.lost.hold(slot, held.ballot);
  }

  /** It was there when the log was opened. */
  loseNow(slot: Slot, ballot: Ballot | undefined, { segment, offset }: Place): void {
    this.lost.lose(slot, ballot);
    const held = this.index.find(slot);
    if (held === undefined || (held.segment === segment && held.offset === offset)) return;
    this.lost.hold(slot, held.ballot);
  }

  /** Slots below `before` are forgotten, durably. */
  forget(before: Slot): void {
    if (before <= this.firstSlot) return;
    this.firstSlot = before;
    this.forgottenBefore = Math.max(this.forgottenBefore, before);
    this.index.forget(before, (value) => this.#left(value));
  }

  #left(value: Indexed): void {
    this.bytes -= bytesOf(value);
    this.#live.drop(value.segment, bytesOf(value));
  }

  /** What is copied forward has raised the promise when it was appended, or is of a former life. */
  #noteSlot(slot: Slot, ballot: Ballot | undefined, copied: boolean): void {
    if (ballot === undefined) this.#decidedMax = Math.max(this.#decidedMax, slot);
    else {
      this.#voteMax = Math.max(this.#voteMax, slot);
      if (!copied) this.kept.raisePromise(ballot);
    }
  }

  /** Of what was stored so far only what is decided counts (S2). */
  #endLife(): void {
    this.formerThrough = this.kept.decidedThrough;
    this.#voteMax = Math.min(this.#voteMax, this.formerThrough);
    this.kept.forgetPromise();
    this.lost.forgetAbove(this.formerThrough);
    this.index.dropVotesAbove(this.formerThrough, (value) => this.#left(value));
  }
}

const isValue = (record: LogRecord): record is Extract<LogRecord, { kind: 'vote' | 'decided' }> =>
  record.kind === 'vote' || record.kind === 'decided';

/** A decided value stands for any vote, also for one that was cast in between. */
const isSuperseded = (before: Ballot | undefined, by: Ballot | undefined): boolean =>
  by === undefined || (before !== undefined && sameBallot(before, by));
