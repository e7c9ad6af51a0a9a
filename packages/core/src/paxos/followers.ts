import type { Ballot } from './ballot.ts';
import type { Learner } from './learner.ts';
import type { ReplicaId } from './membership.ts';
import type { Outbox } from './outbox.ts';
import { Progress } from './progress.ts';
import type { Settings } from './settings.ts';
import type { Slot } from './slot.ts';
import type { Value } from './value.ts';

/** What a leader proposes, as far as its followers are sent it. */
export interface Lead {
  readonly ballot: Ballot;
  readonly base: Slot;
  readonly proposedThrough: Slot;
  readonly cookie: Uint8Array;
  /** What was proposed or decided there, if it is at hand. */
  valueAt(slot: Slot): Value | undefined;
}

/** The others, as the leader of one ballot sees them: what each has, and is sent next (P6). */
export class Followers {
  readonly #lead: Lead;
  readonly #settings: Settings;
  readonly #learner: Learner;
  readonly #others: readonly ReplicaId[];
  readonly #progress = new Map<ReplicaId, Progress>();

  constructor(lead: Lead, settings: Settings, learner: Learner, others: readonly ReplicaId[]) {
    this.#lead = lead;
    this.#settings = settings;
    this.#learner = learner;
    this.#others = others;
  }

  get count(): number {
    return this.#progress.size;
  }

  get all(): readonly Progress[] {
    return [...this.#progress.values()];
  }

  of(id: ReplicaId): Progress | undefined {
    return this.#progress.get(id);
  }

  /** A ballot begins at `base`. */
  begin(base: Slot, nowMs: number): void {
    const resendMs = 4 * this.#settings.timings.heartbeatMs;
    for (const id of this.#others) this.#progress.set(id, new Progress(id, base, resendMs, nowMs));
  }

  clear(): void {
    this.#progress.clear();
  }

  /** Sends each what it was not sent. */
  pumpAll(nowMs: number, out: Outbox): void {
    for (const progress of this.#progress.values()) this.pump(progress, nowMs, out);
  }

  /** Sends again what got lost. */
  onTick(nowMs: number, out: Outbox): void {
    for (const progress of this.#progress.values()) {
      if (progress.shouldResend(nowMs)) this.pump(progress, nowMs, out);
    }
  }

  /** Sends a follower what it was not sent, within bounds; what is not at hand it must learn. */
  pump(progress: Progress, nowMs: number, out: Outbox): void {
    const { ballot, base, cookie, proposedThrough } = this.#lead;
    const { slotsInFlightMax } = this.#settings.limits;
    const last = Math.min(proposedThrough, progress.through + 2 * slotsInFlightMax);
    while (progress.next <= last) {
      const slot = progress.next;
      const value = this.#lead.valueAt(slot);
      if (value === undefined) return;
      progress.sent(slot, nowMs);
      const decidedThrough = this.#learner.releasedThrough;
      const message = { kind: '2a', ballot, base, slot, value, decidedThrough, cookie } as const;
      out.send(progress.id, message);
    }
  }
}
