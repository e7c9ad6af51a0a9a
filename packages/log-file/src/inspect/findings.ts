/** What one replica has stored, as far as it can be read: a LogState that needs no index. */
import type { Ballot, LogRecord, ReplicaId, Slot, StoreId } from '@rsl/core/protocol';
import { Kept } from '../kept.ts';
import { LostValues } from '../lost-values.ts';
import type { OwnerEntry } from '../shared/shared-record.ts';
import type { InspectedStore } from './report.ts';

/** Slots of which a value is lost. What holds one of them may come before the loss. */
export type WantedSlots = ReadonlySet<Slot>;

export class Findings {
  readonly group: string;
  readonly replica: ReplicaId;
  store: StoreId;
  firstSlot: Slot;
  position: number;
  #copied: boolean;
  readonly #kept = new Kept();
  readonly #lost = new LostValues();
  readonly #wanted: WantedSlots;
  /** Of wanted slots what is there: the ballots of votes, undefined for decided values. */
  readonly #held = new Map<Slot, (Ballot | undefined)[]>();
  #votes = 0;
  #decided = 0;
  #voteMax: Slot = 0;
  #decidedMax: Slot = 0;

  constructor(entry: OwnerEntry, wanted: WantedSlots) {
    this.group = entry.group;
    this.replica = entry.replica;
    this.store = entry.store;
    this.firstSlot = entry.firstSlot;
    this.position = entry.position;
    this.#copied = entry.copied;
    this.#wanted = wanted;
  }

  /** What is copied forward has raised the promise when it was appended, or is of a former life. */
  takeValue(slot: Slot, ballot: Ballot | undefined, isCopy: boolean, isLost: boolean): void {
    if (ballot === undefined) {
      this.#decided += 1;
      this.#decidedMax = Math.max(this.#decidedMax, slot);
    } else {
      this.#votes += 1;
      this.#voteMax = Math.max(this.#voteMax, slot);
      if (!isCopy) this.#kept.raisePromise(ballot);
    }
    if (isLost) this.#lost.lose(slot, ballot);
    else this.#hold(slot, ballot);
  }

  #hold(slot: Slot, ballot: Ballot | undefined): void {
    this.#lost.hold(slot, ballot);
    if (!this.#wanted.has(slot)) return;
    this.#held.set(slot, [...(this.#held.get(slot) ?? []), ballot]);
  }

  /** A segment that has left had a value that could not be read. */
  takeLost(slot: Slot, ballot: Ballot | undefined): void {
    if (ballot === undefined) this.#decidedMax = Math.max(this.#decidedMax, slot);
    else this.#voteMax = Math.max(this.#voteMax, slot);
    this.#lost.lose(slot, ballot);
  }

  takeControl(record: LogRecord): void {
    this.#kept.take(record);
  }

  /** Says anew who this is. */
  takeEntry({ store, copied, position, firstSlot }: OwnerEntry): void {
    this.renew(store);
    this.#copied = copied;
    this.position = Math.max(this.position, position);
    this.forget(firstSlot);
  }

  forget(before: Slot): void {
    this.firstSlot = Math.max(this.firstSlot, before);
  }

  /** Under another name: of what was stored so far only what is decided counts (S2). */
  renew(store: StoreId): void {
    if (store === this.store) return;
    this.store = store;
    const { decidedThrough } = this.#kept;
    this.#voteMax = Math.min(this.#voteMax, decidedThrough);
    this.#kept.forgetPromise();
    this.#lost.forgetAbove(decidedThrough);
    for (const [slot, held] of this.#held) {
      if (slot > decidedThrough) this.#held.set(slot, held.filter(isDecided));
    }
  }

  /** What was lost and was not stored again later; what was stored before is not known of. */
  get lostSlots(): Iterable<Slot> {
    return this.#lost.damaged(0).keys();
  }

  report(): InspectedStore {
    for (const [slot, held] of this.#held) {
      for (const ballot of held) this.#lost.hold(slot, ballot);
    }
    const { group, replica, store, firstSlot, position } = this;
    const max = Math.max(this.#voteMax, this.#decidedMax);
    const kept = this.#kept.records();
    const last = <K extends LogRecord['kind']>(kind: K) =>
      kept.find((record): record is Extract<LogRecord, { kind: K }> => record.kind === kind);
    const start = last('start');
    return {
      group,
      replica,
      store,
      firstSlot,
      lastSlot: max >= firstSlot ? max : 0,
      decidedThrough: this.#kept.decidedThrough,
      promise: this.#kept.promise,
      configuration: last('configuration')?.membership,
      bootstrap: last('bootstrap')?.membership,
      start: start && { count: start.count, nonce: start.nonce },
      standings: last('standings')?.standings ?? [],
      leaseMs: last('lease')?.leaseMs ?? 0,
      position,
      copied: this.#copied,
      votes: this.#votes,
      decided: this.#decided,
      lost: [...this.#lost.damaged(firstSlot)].map(([slot, ballot]) => ({ slot, ballot })),
    };
  }
}

const isDecided = (ballot: Ballot | undefined): boolean => ballot === undefined;
