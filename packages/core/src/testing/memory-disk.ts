import type { RslError } from '../errors.ts';
import {
  type Ballot,
  compareBallots,
  higherBallot,
  sameBallot,
  zeroBallot,
} from '../paxos/ballot.ts';
import type { LogRecord } from '../paxos/log-record.ts';
import type { Slot } from '../paxos/slot.ts';
import type { LogInfo, StoredValue } from '../ports/log-store.ts';

/** The records of one append, and who waits for them. */
export interface Group {
  readonly records: readonly LogRecord[];
  /** Runs once they are durable, or with why they are not. */
  readonly done: (error?: RslError) => void;
}

/**
 * A medium in memory, which outlives the stores opened on it: what a file is to a process. A test
 * gives the same one again to restart a replica, and `crash()` to lose what was not synced.
 *
 * It is a log of groups that are written one after the other: what a crash leaves is a prefix of
 * them. Damage is told apart from a torn tail here; that a medium can do so is for its own tests.
 */
export class MemoryDisk {
  store: string | undefined;
  firstSlot: Slot = 1;
  lastSlot: Slot = 0;
  /** Durable, in the order of their appends. */
  records: LogRecord[] = [];
  readonly values = new Map<Slot, StoredValue>();
  /** Slots whose vote is there but whose value cannot be read (S3). */
  readonly damaged = new Map<Slot, Ballot>();
  readonly #lostDecided = new Set<Slot>();
  bytes = 0;
  /** Groups that were ever written (S2a). */
  position = 0;
  /** The longest lease that was granted (Q2). */
  leaseMs = 0;
  /** Set by a test: how much room is left. */
  bytesFree: number = Number.MAX_SAFE_INTEGER;
  /** Set by a test: nothing more fits, and what does not is refused (S5). */
  isFull = false;
  /** Set by a test: these are not the files that the store made (S2a). */
  copied: LogInfo['copied'] = 'no';
  isOpen = false;
  /** Appended, and not durable yet. */
  pending: Group[] = [];
  /** Which opening it is: a store of an earlier one writes nothing any more. */
  opening = 0;
  /** Set by a test: the next write fails with this. */
  failure: RslError | undefined;
  /** A write has failed: what was appended after it is never written. */
  hasFailed = false;
  /** Of the writes that fail, so many are on the medium all the same. */
  survivorsOfFailure = 0;
  /** Set by a test: what is stored for this slot cannot be read. */
  isUnreadable: (slot: Slot) => boolean = () => false;
  /** Set by a test: hears every record as it becomes durable. */
  onKept: (record: LogRecord) => void = () => {};
  /** Set by a test: hears before slots below `before` are forgotten. */
  onCut: (before: Slot) => void = () => {};

  /** The process is gone: of what was not durable, the first `survivors` groups are there. */
  crash(survivors = 0): void {
    const lost = this.pending;
    this.pending = [];
    const kept = this.hasFailed ? 0 : survivors;
    for (const { records } of lost.slice(0, kept)) this.keep(records);
    this.hasFailed = false;
    this.isOpen = false;
    this.opening += 1;
  }

  /** Of values that were appended and are not durable yet. */
  get pendingBytes(): number {
    let bytes = 0;
    for (const { records } of this.pending) {
      for (const record of records) {
        if (record.kind === 'vote') bytes += record.vote.value.bytes.length;
        else if (record.kind === 'decided') bytes += record.value.bytes.length;
      }
    }
    return bytes;
  }

  /** These are durable from now on. */
  keep(records: readonly LogRecord[]): void {
    if (records.length > 0) this.position += 1;
    for (const record of records) {
      this.records.push(record);
      if (record.kind === 'lease') this.leaseMs = Math.max(this.leaseMs, record.leaseMs);
      if (record.kind === 'vote') this.#put(record.slot, record.vote.ballot, record.vote.value);
      else if (record.kind === 'decided') this.#put(record.slot, undefined, record.value);
      this.onKept(record);
    }
  }

  /** See `LogStore.truncate`. */
  truncate(before: Slot): void {
    this.onCut(before);
    this.#keepPromise(before);
    for (let slot = this.firstSlot; slot < before; slot += 1) {
      this.bytes -= this.values.get(slot)?.value.bytes.length ?? 0;
      this.values.delete(slot);
      this.damaged.delete(slot);
      this.#lostDecided.delete(slot);
    }
    this.firstSlot = Math.max(this.firstSlot, before);
    if (this.lastSlot < this.firstSlot) this.lastSlot = 0;
    this.records = this.records.filter(
      (r) => (r.kind !== 'vote' && r.kind !== 'decided') || r.slot >= this.firstSlot,
    );
  }

  /** A vote raises the promise (P1), so a forgotten one leaves its ballot behind. */
  #keepPromise(before: Slot): void {
    let ballot = zeroBallot;
    let promised = zeroBallot;
    for (const r of this.records) {
      if (r.kind === 'promise') promised = higherBallot(promised, r.ballot);
      else if (r.kind === 'vote') {
        if (r.slot < before) ballot = higherBallot(ballot, r.vote.ballot);
        else promised = higherBallot(promised, r.vote.ballot);
      }
    }
    for (const [slot, lost] of this.damaged) {
      if (slot < before) ballot = higherBallot(ballot, lost);
    }
    if (compareBallots(ballot, promised) > 0) this.records.push({ kind: 'promise', ballot });
  }

  /** Another store from now on: of the old one only what is decided stays (S2). */
  renew(store: string): void {
    const through = this.records.reduce(
      (max, r) => (r.kind === 'decided-through' ? Math.max(max, r.slot) : max),
      0,
    );
    const stays = (r: LogRecord): boolean =>
      r.kind !== 'promise' && (r.kind !== 'vote' || r.slot <= through);
    this.records = this.records.filter(stays);
    for (const [slot, { ballot }] of this.values) {
      if (ballot !== undefined && slot > through) this.values.delete(slot);
    }
    for (const slot of this.damaged.keys()) if (slot > through) this.damaged.delete(slot);
    this.store = store;
    this.position += 1;
    this.copied = 'no';
  }

  /** What is stored for the slot loses its value, while nobody has it open. */
  damage(slot: Slot): boolean {
    const stored = this.values.get(slot);
    if (stored === undefined) return false;
    const { ballot } = stored;
    if (ballot === undefined) this.#loseDecided(slot);
    else this.#loseVote(slot, ballot);
    this.values.delete(slot);
    return true;
  }

  /** The same medium as it is now; whoever opens the copy takes it for the original. */
  copy(): MemoryDisk {
    const copy = new MemoryDisk();
    copy.store = this.store;
    copy.firstSlot = this.firstSlot;
    copy.lastSlot = this.lastSlot;
    copy.records = [...this.records];
    for (const [slot, value] of this.values) copy.values.set(slot, value);
    for (const [slot, ballot] of this.damaged) copy.damaged.set(slot, ballot);
    for (const slot of this.#lostDecided) copy.#lostDecided.add(slot);
    copy.bytes = this.bytes;
    copy.position = this.position;
    copy.leaseMs = this.leaseMs;
    copy.isUnreadable = this.isUnreadable;
    copy.onKept = this.onKept;
    copy.onCut = this.onCut;
    return copy;
  }

  #put(slot: Slot, ballot: StoredValue['ballot'], value: StoredValue['value']): void {
    if (slot < this.firstSlot) return;
    const known = this.values.get(slot);
    // A decided value wins over any vote (P11).
    if (ballot !== undefined && known !== undefined && known.ballot === undefined) return;
    if (!this.#standsFor(slot, ballot)) return;
    this.damaged.delete(slot);
    this.#lostDecided.delete(slot);
    this.values.set(slot, { slot, ballot, value });
    this.lastSlot = Math.max(this.lastSlot, slot);
    this.bytes += value.bytes.length;
  }

  /** An older vote never stands in for a lost one, nor any vote for a decided value (S3, P11). */
  #standsFor(slot: Slot, ballot: Ballot | undefined): boolean {
    const lost = this.damaged.get(slot);
    if (lost === undefined || ballot === undefined) return true;
    return !this.#lostDecided.has(slot) && higherBallot(ballot, lost) === ballot;
  }

  #loseVote(slot: Slot, ballot: Ballot): void {
    this.records = this.records.filter(
      (r) => r.kind !== 'vote' || r.slot !== slot || !sameBallot(r.vote.ballot, ballot),
    );
    this.damaged.set(slot, ballot);
  }

  /** Who lost a learned value has still cast the votes that are there. */
  #loseDecided(slot: Slot): void {
    this.records = this.records.filter((r) => r.kind !== 'decided' || r.slot !== slot);
    let voted = this.damaged.get(slot) ?? zeroBallot;
    for (const record of this.records) {
      if (record.kind === 'vote' && record.slot === slot) {
        voted = higherBallot(voted, record.vote.ballot);
      }
    }
    this.damaged.set(slot, voted);
    this.#lostDecided.add(slot);
  }
}
