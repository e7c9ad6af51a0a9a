import { type Ballot, compareBallots, sameBallot, zeroBallot } from './ballot.ts';
import type { LogRecord } from './log-record.ts';
import type { ReplicaId } from './membership.ts';
import type { Heartbeat } from './messages.ts';
import type { Outbox } from './outbox.ts';

export interface GrantorOptions {
  readonly self: ReplicaId;
  /** A lease that is not shorter is not granted: nobody may keep others from standing for long. */
  readonly electionTimeoutMsMin: number;
  /** The longest lease that its log remembers, in milliseconds; 0: none. */
  readonly leaseMs: number;
  readonly nowMs: number;
}

/**
 * What this member has granted to leaders (Q2): while it lasts it gives no 1b against them, and
 * does not stand against them. It votes in a higher ballot all the same: that somebody leads there
 * shows that a quorum was free.
 */
export class Grantor {
  readonly #options: GrantorOptions;
  /** What an earlier start may have granted, to whomever: it has forgotten that. */
  readonly #startUntilMs: number;
  /** The ballot of the newest leader that it granted anything to. */
  #ballot: Ballot = zeroBallot;
  #untilMs = -Infinity;
  #rememberedMs: number;

  constructor(options: GrantorOptions) {
    this.#options = options;
    this.#rememberedMs = options.leaseMs;
    this.#startUntilMs = options.leaseMs > 0 ? options.nowMs + options.leaseMs : -Infinity;
  }

  get ballot(): Ballot {
    return this.#ballot;
  }

  /** In this replica's own time. */
  get untilMs(): number {
    return this.#untilMs;
  }

  /** The longest lease that its log remembers, once what was given to it is durable. */
  get rememberedMs(): number {
    return this.#rememberedMs;
  }

  /**
   * Grants what a heartbeat at or above the promise asks for, from now on. The grant leaves once
   * the log remembers that so long a lease was granted, for the next start to wait (P2, S2).
   */
  onHeartbeat({ ballot, leaseMs, round }: Heartbeat, nowMs: number, out: Outbox): void {
    if (leaseMs === 0 || leaseMs >= this.#options.electionTimeoutMsMin) return;
    // The leader of a higher ballot has its grant: it must not be lost to one that is deposed.
    if (compareBallots(ballot, this.#ballot) < 0) return;
    this.#ballot = ballot;
    this.#untilMs = Math.max(this.#untilMs, nowMs + leaseMs);
    const records: LogRecord[] = [];
    if (leaseMs > this.#rememberedMs) records.push({ kind: 'lease', leaseMs });
    this.#rememberedMs = Math.max(this.#rememberedMs, leaseMs);
    out.persist(records, [{ to: ballot.proposer, message: { kind: 'grant', ballot, round } }]);
  }

  /** The leader of that ballot has given its lease up, for good, and of no other ballot (L4). */
  release(ballot: Ballot): void {
    if (sameBallot(ballot, this.#ballot)) this.#untilMs = -Infinity;
  }

  /** May it help this replica, perhaps itself, to lead? Its leader's next ballot is no harm. */
  isFree(proposer: ReplicaId, nowMs: number): boolean {
    if (nowMs < this.#startUntilMs) return false;
    return nowMs >= this.#untilMs || this.#ballot.proposer === proposer;
  }
}
