/**
 * Where the value of each slot of one segment is: the newest vote, or the decided value if there
 * is one (P11). Slots mostly come in rising order, and live in typed arrays, sorted by
 * themselves; one that does not rise goes to a map, which wins because it came later.
 */
import type { Ballot, Slot } from '@rsl/core/protocol';
import { sameBallot } from '@rsl/core/protocol';

export interface StoredAt {
  readonly slot: Slot;
  /** Undefined for a decided value. */
  readonly ballot: Ballot | undefined;
  /** Offset of the value in the segment's file. */
  readonly offset: number;
  readonly length: number;
  readonly checksum: number;
}

const decided = 0xffff_ffff;

export class SlotTable {
  #count = 0;
  #slots = new Float64Array(64);
  #offsets = new Uint32Array(64);
  #lengths = new Uint32Array(64);
  #checksums = new Uint32Array(64);
  #ballotNumbers = new Uint32Array(64);
  readonly #ballots: Ballot[] = [];
  readonly #later = new Map<Slot, StoredAt>();

  add(entry: StoredAt): void {
    const last = this.#count === 0 ? -1 : (this.#slots[this.#count - 1] as number);
    if (entry.slot > last) {
      this.#push(entry);
      return;
    }
    const before = this.find(entry.slot);
    if (before !== undefined && before.ballot === undefined && entry.ballot !== undefined) return;
    this.#later.set(entry.slot, entry);
  }

  find(slot: Slot): StoredAt | undefined {
    return this.#later.get(slot) ?? this.#sorted(slot);
  }

  #sorted(slot: Slot): StoredAt | undefined {
    let low = 0;
    let high = this.#count;
    // Most segments hold consecutive slots: then the first guess is right.
    let i = Math.min(Math.max(0, slot - (this.#slots[0] as number)), Math.max(0, high - 1));
    while (low < high) {
      const at = this.#slots[i] as number;
      if (at === slot) return this.#entry(i);
      if (at < slot) low = i + 1;
      else high = i;
      i = (low + high) >>> 1;
    }
    return undefined;
  }

  #entry(i: number): StoredAt {
    const number = this.#ballotNumbers[i] as number;
    return {
      slot: this.#slots[i] as number,
      ballot: number === decided ? undefined : this.#ballots[number],
      offset: this.#offsets[i] as number,
      length: this.#lengths[i] as number,
      checksum: this.#checksums[i] as number,
    };
  }

  #push(entry: StoredAt): void {
    if (this.#count === this.#slots.length) this.#grow();
    const i = this.#count++;
    this.#slots[i] = entry.slot;
    this.#offsets[i] = entry.offset;
    this.#lengths[i] = entry.length;
    this.#checksums[i] = entry.checksum;
    this.#ballotNumbers[i] = this.#numberOf(entry.ballot);
  }

  #numberOf(ballot: Ballot | undefined): number {
    if (ballot === undefined) return decided;
    const last = this.#ballots.at(-1);
    if (last === undefined || !sameBallot(last, ballot)) this.#ballots.push(ballot);
    return this.#ballots.length - 1;
  }

  #grow(): void {
    const room = this.#slots.length * 2;
    const slots = new Float64Array(room);
    slots.set(this.#slots);
    this.#slots = slots;
    this.#offsets = grown(this.#offsets, room);
    this.#lengths = grown(this.#lengths, room);
    this.#checksums = grown(this.#checksums, room);
    this.#ballotNumbers = grown(this.#ballotNumbers, room);
  }
}

function grown(array: Uint32Array<ArrayBuffer>, room: number): Uint32Array<ArrayBuffer> {
  const larger = new Uint32Array(room);
  larger.set(array);
  return larger;
}
