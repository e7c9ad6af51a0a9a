/**
 * Where the value that counts is of each slot of one replica group: the newest vote, or the decided
 * value if there is one (P11). 28 bytes for each slot, in typed arrays that are sorted by slot.
 * Slots mostly come in rising order and leave in front.
 */
import type { Ballot, Slot } from '@rsl/core/protocol';
import { sameBallot } from '@rsl/core/protocol';
import type { StoredAt } from '../slot-table.ts';

export interface Indexed extends StoredAt {
  /** Sequence number. */
  readonly segment: number;
  /** It is a copy of what was appended in a segment that has left, or is about to. */
  readonly copied: boolean;
}

const decided = 0x7fff_ffff;
const copiedBit = 0x8000_0000;
const roomMin = 16;

export class SlotIndex {
  /** What is in front was forgotten. */
  #from = 0;
  #to = 0;
  #slots = new Float64Array(roomMin);
  /** Five for each slot: segment, offset, length, checksum, number of the ballot. */
  #places = new Uint32Array(5 * roomMin);
  #ballots: Ballot[] = [];

  get size(): number {
    return this.#to - this.#from;
  }

  find(slot: Slot): Indexed | undefined {
    const i = this.#search(slot);
    return i < this.#to && this.#slots[i] === slot ? this.#entry(i) : undefined;
  }

  /** The one that it takes the place of, if there was one. */
  put(value: Indexed): Indexed | undefined {
    const i = this.#search(value.slot);
    if (i < this.#to && this.#slots[i] === value.slot) {
      const before = this.#entry(i);
      this.#set(i, value);
      return before;
    }
    this.#set(this.#insert(i), value);
    return undefined;
  }

  /** Slots below leave. */
  forget(before: Slot, left: (value: Indexed) => void): void {
    const to = this.#search(before);
    for (let i = this.#from; i < to; i++) left(this.#entry(i));
    this.#from = to;
    if (this.#from > roomMin && this.#from > this.#to / 2) this.#makeRoom();
  }

  /** What a former life voted for above leaves. */
  dropVotesAbove(through: Slot, left: (value: Indexed) => void): void {
    let to = this.#search(through + 1);
    for (let i = to; i < this.#to; i++) {
      const entry = this.#entry(i);
      if (entry.ballot === undefined) this.#move(i, to++);
      else left(entry);
    }
    this.#to = to;
  }

  /** In the order of slots; it must not change meanwhile. */
  *values(): Generator<Indexed> {
    for (let i = this.#from; i < this.#to; i++) yield this.#entry(i);
  }

  /** The first that is not below. */
  #search(slot: Slot): number {
    let low = this.#from;
    let high = this.#to;
    if (low < high && (this.#slots[high - 1] as number) < slot) return high;
    // Most slots are consecutive: then the first guess is right.
    let i = Math.min(low + Math.max(0, slot - (this.#slots[low] as number)), high - 1);
    while (low < high) {
      const at = this.#slots[i] as number;
      if (at === slot) return i;
      if (at < slot) low = i + 1;
      else high = i;
      i = (low + high) >>> 1;
    }
    return low;
  }

  #entry(i: number): Indexed {
    const at = 5 * i;
    const number = this.#places[at + 4] as number;
    const ballotNumber = number % copiedBit;
    return {
      slot: this.#slots[i] as number,
      ballot: ballotNumber === decided ? undefined : this.#ballots[ballotNumber],
      segment: this.#places[at] as number,
      offset: this.#places[at + 1] as number,
      length: this.#places[at + 2] as number,
      checksum: this.#places[at + 3] as number,
      copied: number >= copiedBit,
    };
  }

  #set(i: number, { slot, ballot, segment, offset, length, checksum, copied }: Indexed): void {
    const number = this.#numberOf(ballot) + (copied ? copiedBit : 0);
    this.#slots[i] = slot;
    this.#places[5 * i] = segment;
    this.#places[5 * i + 1] = offset;
    this.#places[5 * i + 2] = length;
    this.#places[5 * i + 3] = checksum;
    this.#places[5 * i + 4] = number;
  }

  #move(from: number, to: number): void {
    this.#slots[to] = this.#slots[from] as number;
    this.#places.copyWithin(5 * to, 5 * from, 5 * from + 5);
  }

  /** Makes place at `i`, or where that is by then. */
  #insert(i: number): number {
    const ahead = i - this.#from;
    if (this.#to === this.#slots.length) this.#makeRoom();
    const at = this.#from + ahead;
    this.#slots.copyWithin(at + 1, at, this.#to);
    this.#places.copyWithin(5 * (at + 1), 5 * at, 5 * this.#to);
    this.#to += 1;
    return at;
  }

  #makeRoom(): void {
    const { size } = this;
    const room = Math.max(roomMin, size * 2);
    const slots = new Float64Array(room);
    slots.set(this.#slots.subarray(this.#from, this.#to));
    const places = new Uint32Array(5 * room);
    places.set(this.#places.subarray(5 * this.#from, 5 * this.#to));
    this.#slots = slots;
    this.#places = places;
    this.#from = 0;
    this.#to = size;
  }

  /** Most slots are of the ballot of the one before. */
  #numberOf(ballot: Ballot | undefined): number {
    if (ballot === undefined) return decided;
    const last = this.#ballots.at(-1);
    if (last !== undefined && sameBallot(last, ballot)) return this.#ballots.length - 1;
    if (this.#ballots.length > 2 * this.size + roomMin) this.#forgetBallots();
    this.#ballots.push(ballot);
    return this.#ballots.length - 1;
  }

  /** Keeps those that are still in use. */
  #forgetBallots(): void {
    const before = this.#ballots;
    const numbers = new Map<number, number>();
    this.#ballots = [];
    for (let at = 5 * this.#from + 4; at < 5 * this.#to; at += 5) {
      const number = (this.#places[at] as number) % copiedBit;
      if (number === decided) continue;
      const renumbered = numbers.get(number) ?? this.#ballots.length;
      if (renumbered === this.#ballots.length) this.#ballots.push(before[number] as Ballot);
      numbers.set(number, renumbered);
      this.#places[at] = (this.#places[at] as number) - number + renumbered;
    }
  }
}
