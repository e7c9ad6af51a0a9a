import type { RslError } from '../errors.ts';
import type { Slot } from '../paxos/slot.ts';
import type { SnapshotMeta } from '../ports/snapshot-store.ts';

/** A whole snapshot. Its bytes are never changed: a damaged one is another one. */
export interface Whole {
  readonly meta: SnapshotMeta;
  readonly bytes: Uint8Array;
  /** Which of its bytes are not those that were committed. */
  readonly rot?: readonly number[];
}

/** What ails a shelf, and what it met there. */
export type ShelfAilment = 'rot' | 'full' | 'failure' | 'readError' | 'crash';
export type ShelfWork = 'save' | 'copy' | 'read' | 'removal';

/** Hears what happens on a shelf. */
export interface ShelfEvents {
  /** Durable and visible from now on. */
  readonly committed: (how: 'save' | 'copy') => void;
  /** These are about to go. `why`: older ones make room, or one could not be verified. */
  readonly going: (slots: readonly Slot[], why: 'discarded' | 'condemned') => void;
  readonly met: (ailment: ShelfAilment, work: ShelfWork) => void;
}

const nobody: ShelfEvents = { committed: () => {}, going: () => {}, met: () => {} };

/**
 * A medium in memory, which outlives the stores opened on it: what a directory is to a process. A
 * test gives the same one again to restart a replica.
 */
export class MemoryShelf {
  readonly snapshots = new Map<Slot, Whole>();
  /** What a copy has left: of which snapshot, and its first bytes. */
  left: Whole | undefined;
  /** Set by a test: how many bytes more can be written. */
  bytesFree = Infinity;
  /** Set by a test: the next write, commit or removal fails with this. */
  failure: RslError | undefined;
  /** Set by a test: a commit that fails got its name all the same; the next opening finds it. */
  survivesFailure = false;
  /** Set by a test: nothing can be read, for this reason. */
  readFailure: RslError | undefined;
  /** Set by a test: how much longer a piece takes that is written or read now. */
  slowMs: () => number = () => 0;
  /** Set by a test: hears when a commit begins; its process may die before it ends. */
  onCommit: () => void = () => {};
  /** Set by a test: hears what happens. */
  on: ShelfEvents = nobody;
  /** Which opening it is: a store of an earlier one writes nothing any more. */
  opening = 0;
  /** Somebody keeps snapshots here. */
  isUsed = false;
  /** Set by a test: how many stay, by the options of whoever keeps them. */
  snapshotsMax = Infinity;
  /** How often older ones may have stayed, since some were removed last. */
  undiscarded = 0;
  /** Slots of open snapshots, once for each reader. */
  reading: readonly Slot[] = [];
  /** A commit is under way: at a crash its name may be durable, or not. */
  readonly committing = new Set<Whole>();
  /** Have their name, and their process does not know. */
  #unseen: Whole[] = [];
  /** As they were before they were damaged. */
  readonly #sound = new Map<Slot, Whole>();
  readonly #mended = new WeakSet<Whole>();
  /** Something here was damaged at some time. */
  hasRotted = false;
  /** Set by a test: nothing good may be left here. */
  isLost = false;

  /** Whoever opens it sees everything that has a name. */
  open(): number {
    this.isUsed = true;
    this.undiscarded += 1;
    for (const whole of this.#unseen.splice(0)) this.put(whole);
    return this.opening;
  }

  /**
   * The process is gone. What was being committed is there as a whole or not at all, and of a copy
   * a first part. `chance` draws below a limit; with always 0 no commit under way is there, and all
   * of the copy.
   */
  crash(chance: (below: number) => number = () => 0): void {
    this.opening += 1;
    for (const whole of this.committing) {
      this.on.met('crash', this.left?.meta.digest === whole.meta.digest ? 'copy' : 'save');
      if (chance(2) === 1) this.#unseen.push(whole);
    }
    this.committing.clear();
    this.reading = [];
    const { left } = this;
    if (left === undefined || chance(3) !== 1) return;
    this.left = { meta: left.meta, bytes: left.bytes.slice(0, chance(left.bytes.length + 1)) };
  }

  /** Committed: there after a crash, in the place of one of the same slot. */
  put(whole: Whole): void {
    this.#sound.delete(whole.meta.slot);
    this.snapshots.set(whole.meta.slot, whole);
  }

  /** A commit has failed, whose name may be there. */
  lose(whole: Whole): void {
    if (this.survivesFailure) this.#unseen.push(whole);
  }

  /** Discarded, or set aside: whoever has it open reads on. */
  remove(slots: readonly Slot[], why: 'discarded' | 'condemned'): void {
    // One that was found bad and mended since is as it was.
    const gone = why === 'discarded' ? slots : slots.filter((slot) => !this.#isMended(slot));
    this.on.going(gone, why);
    for (const slot of gone) {
      this.snapshots.delete(slot);
      this.#sound.delete(slot);
    }
    if (why === 'discarded') this.undiscarded = 0;
  }

  /** What is kept of the slot has one bit that is another; its meta still looks right. */
  damage(slot: Slot, bit: number): boolean {
    const whole = this.snapshots.get(slot);
    if (whole === undefined || whole.bytes.length === 0) return false;
    const bytes = whole.bytes.slice();
    const at = Math.floor(bit / 8) % bytes.length;
    bytes[at] = (bytes[at] as number) ^ (1 << (bit % 8));
    if (whole.rot === undefined) this.#sound.set(slot, whole);
    this.snapshots.set(slot, { meta: whole.meta, bytes, rot: [...(whole.rot ?? []), at] });
    this.hasRotted = true;
    return true;
  }

  /** It is as it was before it was damaged. */
  mend(slot: Slot): void {
    const sound = this.#sound.get(slot);
    if (sound === undefined) return;
    this.#mended.add(sound);
    this.put(sound);
  }

  /** Slots of snapshots whose bytes are those that were committed. */
  get soundSlots(): readonly Slot[] {
    const all = [...this.snapshots.values()];
    return all.filter(({ rot }) => rot === undefined).map(({ meta }) => meta.slot);
  }

  /** As it is now, to be put in its place some day. */
  copy(): MemoryShelf {
    const copy = new MemoryShelf();
    for (const [slot, whole] of this.snapshots) copy.snapshots.set(slot, whole);
    for (const [slot, whole] of this.#sound) copy.#sound.set(slot, whole);
    copy.#unseen = [...this.#unseen];
    copy.left = this.left;
    copy.isUsed = this.isUsed;
    copy.snapshotsMax = this.snapshotsMax;
    copy.undiscarded = this.undiscarded;
    copy.hasRotted = this.hasRotted;
    copy.isLost = this.isLost;
    return copy;
  }

  /** Bytes that are kept. */
  get bytes(): number {
    let bytes = this.left?.bytes.length ?? 0;
    for (const whole of this.snapshots.values()) bytes += whole.bytes.length;
    return bytes;
  }

  #isMended(slot: Slot): boolean {
    const whole = this.snapshots.get(slot);
    return whole !== undefined && this.#mended.has(whole);
  }
}
