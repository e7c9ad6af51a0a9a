import { ensures, old, requires } from '@rsl/contracts';
import { type Ballot, compareBallots, sameBallot, zeroBallot } from './ballot.ts';
import type { Executor } from './executor.ts';
import type { Outbox } from './outbox.ts';
import type { Slot } from './slot.ts';
import { sameValue, type Value } from './value.ts';
import { ValueCache } from './value-cache.ts';
import type { Vote } from './vote.ts';

/** A leader's word on what is decided: a vote of the same ballot is then the decided value (P8). */
interface Heard {
  readonly ballot: Ballot;
  readonly base: Slot;
  readonly through: Slot;
}

/** Knows which slots are decided, and releases them to the executor in order. */
export class Learner {
  readonly #executor: Executor;
  /** Decided and not yet released, because an earlier slot is missing. */
  readonly #decided: Map<Slot, Value>;
  readonly #cache: ValueCache;
  /** Decided in this ballot, by its leader's word. */
  #heard: Heard = { ballot: zeroBallot, base: 0, through: 0 };
  /** The highest slot that anybody said to be decided. */
  #knownThrough: Slot;

  constructor(executor: Executor, decided: ReadonlyMap<Slot, Value>, cacheBytesMax: number) {
    this.#executor = executor;
    this.#decided = new Map([...decided].filter(([slot]) => slot > executor.releasedThrough));
    this.#cache = new ValueCache(executor.releasedThrough + 1, cacheBytesMax);
    this.#knownThrough = Math.max(executor.releasedThrough, ...this.#decided.keys());
  }

  get releasedThrough(): Slot {
    return this.#executor.releasedThrough;
  }

  /** At least one slot up to here is not released yet, if it is above `releasedThrough`. */
  get knownThrough(): Slot {
    return this.#knownThrough;
  }

  get cacheFirstSlot(): Slot {
    return this.#cache.firstSlot;
  }

  /** Decided values above `releasedThrough`; reported in a 1b (P4). */
  get unreleased(): ReadonlyMap<Slot, Value> {
    return this.#decided;
  }

  isDecided(slot: Slot): boolean {
    return slot <= this.releasedThrough || this.#decided.has(slot);
  }

  /** The decided value if it is at hand; undefined if unknown, or only in the log. */
  valueOf(slot: Slot): Value | undefined {
    return this.#decided.get(slot) ?? this.#cache.at(slot);
  }

  /** The value is decided: the caller has counted a quorum, or was told the value (R1). */
  decide(slot: Slot, value: Value): void {
    const known = this.valueOf(slot);
    requires(
      () => known === undefined || sameValue(known, value),
      'decide-1 one decided value in a slot (P5)',
    );
    this.#knownThrough = Math.max(this.#knownThrough, slot);
    if (slot > this.releasedThrough && known === undefined) this.#decided.set(slot, value);
    ensures(() => this.isDecided(slot), 'decide-2 a decided slot stays decided');
    ensures(
      () => this.#knownThrough >= slot,
      'decide-3 what is missing below a decided slot is looked for (L6)',
    );
  }

  /** The leader of `ballot` says that everything up to `through` is decided. */
  hear(ballot: Ballot, base: Slot, through: Slot): void {
    const before = old(() => this.#heard);
    this.#knownThrough = Math.max(this.#knownThrough, through);
    const order = compareBallots(ballot, this.#heard.ballot);
    if (order < 0 || (order === 0 && through <= this.#heard.through)) return;
    this.#heard = { ballot, base, through };
    ensures(
      () => compareBallots(this.#heard.ballot, before.ballot) >= 0,
      'hear-1 the word of an older ballot never replaces that of a newer one (P8)',
    );
    ensures(
      () => this.#heard.through >= before.through,
      'hear-2 within a ballot the word of its leader never goes back (P8)',
      () => sameBallot(this.#heard.ballot, before.ballot),
    );
  }

  /** Somebody has decided values up to here. */
  hearThrough(through: Slot): void {
    const before = old(() => this.#knownThrough);
    this.#knownThrough = Math.max(this.#knownThrough, through);
    ensures(() => this.#knownThrough >= before, 'hear-3 what was said to be decided stays so (L6)');
  }

  /**
   * Releases whatever is decided without a gap. A vote is evidence only in the ballot of the
   * leader that says what is decided, and only from that ballot's base on (P8).
   */
  release(votes: ReadonlyMap<Slot, Vote>, out: Outbox): void {
    while (this.#executor.stoppedAt === undefined) {
      const slot = this.releasedThrough + 1;
      const value = this.#decided.get(slot) ?? this.#provedBy(votes.get(slot), slot);
      if (value === undefined) return;
      requires(
        () => this.#isProved(slot, votes.get(slot)),
        'release-1 a vote proves a slot only in the ballot of the word, from its base on (P8)',
        () => !this.#decided.has(slot),
      );
      this.#decided.delete(slot);
      this.#cache.add(slot, value);
      this.#executor.release(slot, value, out);
    }
    // Whatever was voted or decided past a stop is void (R9).
    this.#decided.clear();
  }

  onInstalled(slot: Slot): void {
    requires(
      () => this.releasedThrough === slot,
      'install-4 the executor is at the snapshot when the learner hears of it (R8)',
    );
    const later = old(() => [...this.#decided.keys()].filter((s) => s > slot));
    for (const s of this.#decided.keys()) if (s <= slot) this.#decided.delete(s);
    this.#cache.skipTo(slot);
    this.#knownThrough = Math.max(this.#knownThrough, slot);
    ensures(
      () => later.every((s) => this.#decided.has(s)),
      'install-5 what is decided beyond the snapshot is not forgotten (P11)',
    );
  }

  #isProved(slot: Slot, vote: Vote | undefined): boolean {
    const { ballot, base, through } = this.#heard;
    return vote !== undefined && sameBallot(vote.ballot, ballot) && slot >= base && slot <= through;
  }

  #provedBy(vote: Vote | undefined, slot: Slot): Value | undefined {
    const { ballot, base, through } = this.#heard;
    if (vote === undefined || slot < base || slot > through) return undefined;
    return sameBallot(vote.ballot, ballot) ? vote.value : undefined;
  }
}
