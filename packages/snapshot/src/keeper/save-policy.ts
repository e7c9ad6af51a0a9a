import { ensures, requires } from '@rsl/contracts';
import type { Slot } from '@rsl/core/protocol';
import type { KeeperOptions } from './keeper-options.ts';

export type PolicyOptions = Pick<
  KeeperOptions,
  'compareEverySlots' | 'everyBytes' | 'everyMs' | 'everySlots' | 'followersOnly'
>;

/** Something that grows in the same way everywhere: slots, or group time. */
class Beat {
  readonly #every: number;
  #offset = 0;
  #last: number | undefined;
  #now = 0;

  constructor(every: number) {
    this.#every = every;
  }

  /** Member `place` of so many beats so much later than the first: never two at once. */
  stagger(place: number, members: number): void {
    this.#offset = Math.floor((this.#every * place) / members);
  }

  at(now: number): void {
    this.#now = now;
    // What came before is not known: it begins here.
    this.#last ??= now;
  }

  saved(now: number): void {
    this.#last = now;
    this.#now = Math.max(this.#now, now);
  }

  /** A beat has passed since the last save: at most `every` after it. */
  get isDue(): boolean {
    if (this.#every === 0 || this.#last === undefined) return false;
    return this.#beats(this.#now) > this.#beats(this.#last);
  }

  #beats(at: number): number {
    return Math.floor((at - this.#offset) / this.#every);
  }
}

/**
 * Says when a snapshot is to be saved: pure. All members execute the same slots at the same group
 * time; so that they do not save at the same time, each has its own place in every interval.
 */
export class SavePolicy {
  readonly #options: PolicyOptions;
  readonly #slots: Beat;
  readonly #time: Beat;
  #bytes = 0;
  #bytesMax: number;
  #hasSaved = false;
  #members = 1;
  #leads = false;
  #isStopped = false;
  #isAtCommon = false;
  /** The last one failed, or turned out bad. */
  #isMissing = false;

  constructor(options: PolicyOptions) {
    this.#options = options;
    this.#slots = new Beat(options.everySlots);
    this.#time = new Beat(options.everyMs);
    this.#slots.saved(0);
    this.#bytesMax = options.everyBytes;
  }

  /** Its place among so many members. */
  stagger(place: number, members: number): void {
    requires(() => place >= 0 && place < members, 'policy-1 a member has a place among members');
    this.#members = members;
    this.#slots.stagger(place, members);
    this.#time.stagger(place, members);
    if (this.#hasSaved) return;
    // From there on all grow alike.
    this.#bytesMax = Math.ceil((this.#options.everyBytes * (place + 1)) / members);
  }

  leads(leads: boolean): void {
    this.#leads = leads;
  }

  /** By the operator. */
  stop(isStopped: boolean): void {
    this.#isStopped = isStopped;
  }

  executed(slot: Slot, bytes: number, timeMs: number): void {
    this.#slots.at(slot);
    this.#time.at(timeMs);
    this.#bytes += bytes;
    this.#isAtCommon = this.isCommon(slot);
  }

  /** All members save after this one, if they save nothing else just then: to be compared (P7). */
  isCommon(slot: Slot): boolean {
    const { compareEverySlots: every } = this.#options;
    return every > 0 && slot % every === 0;
  }

  /** There is a snapshot of this slot, or soon will be. */
  saved(slot: Slot, timeMs: number): void {
    this.#slots.saved(slot);
    this.#time.saved(timeMs);
    if (this.#bytes > 0) {
      this.#hasSaved = true;
      this.#bytesMax = this.#options.everyBytes;
    }
    this.#bytes = 0;
    this.#isMissing = false;
    this.#isAtCommon = false;
    ensures(() => !this.isDue, 'policy-2 nothing is due right after a save');
  }

  /** What was thought to be there is not. */
  missing(): void {
    this.#isMissing = true;
  }

  get isDue(): boolean {
    if (this.#isStopped) return false;
    const { everyBytes, followersOnly } = this.#options;
    if (followersOnly && this.#leads && this.#members > 1) return false;
    if (this.#isMissing || this.#isAtCommon || this.#slots.isDue || this.#time.isDue) return true;
    return everyBytes > 0 && this.#bytes >= this.#bytesMax;
  }
}
