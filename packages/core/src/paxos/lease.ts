import { ensures, old } from '@rsl/contracts';
import type { Timings } from '../limits.ts';
import type { ReplicaId } from './membership.ts';
import type { Quorum } from './quorum.ts';

/** What a leader asks of the others, and what it may rely on. */
export interface LeaseTerms {
  /** How long whoever grants it helps nobody else, in milliseconds of its own clock. */
  readonly forMs: number;
  /** No clock of the group runs faster or slower than time by more than this fraction. */
  readonly drift: number;
}

/**
 * What a suspend may have taken without being noticed, in milliseconds: a monotonic clock that
 * stood still for less is not told from the grain of the wall clock.
 */
export const suspendMarginMs = 10;

/** The longest lease that may be asked for, in milliseconds. */
export const leaseMsMax = 4_000;

/**
 * The shortest lease that is of use, in whole milliseconds: it outlives the heartbeat after the
 * one that asked for it.
 */
export function leaseMsMin(
  drift: number,
  timings: Pick<Timings, 'heartbeatMs' | 'tickMs'>,
): number {
  const usableMs = timings.heartbeatMs + timings.tickMs;
  return Math.ceil(((usableMs + suspendMarginMs) * (1 + drift)) / (1 - drift));
}

/** How long a leader may rely on a lease, in milliseconds from when it asked for it. */
export const leaseUsableMs = ({ forMs, drift }: LeaseTerms): number =>
  (forMs * (1 - drift)) / (1 + drift) - suspendMarginMs;

/**
 * The lease of the leader of one ballot (Q2). Until it ends no quorum can have promised another
 * leader anything, so nothing can be decided that this leader does not know.
 *
 * Every duration is counted from when the heartbeat left, not from when it or its answer came:
 * the grantor's own time begins later. A clock that is fast by `drift` there, and one that is slow
 * by as much here, are both allowed for.
 */
export class Lease {
  readonly #self: ReplicaId;
  readonly #quorum: Quorum;
  readonly #terms: LeaseTerms | undefined;
  /** When the newest heartbeat that each member has granted was sent. */
  readonly #grantedAtMs = new Map<ReplicaId, number>();
  #isGivenUp = false;

  /** Without terms there is none: every read needs a round (Q1). */
  constructor(self: ReplicaId, quorum: Quorum, terms: LeaseTerms | undefined) {
    this.#self = self;
    this.#quorum = quorum;
    this.#terms = terms;
  }

  /** What the next heartbeat asks for; 0: nothing. */
  get askedMs(): number {
    return this.#isGivenUp ? 0 : (this.#terms?.forMs ?? 0);
  }

  /** A member has granted what the heartbeat asked for that was sent then. */
  onGrant(from: ReplicaId, sentAtMs: number): void {
    const before = old(() => this.#grantedAtMs.get(from) ?? -Infinity);
    this.#grantedAtMs.set(from, Math.max(this.#grantedAtMs.get(from) ?? -Infinity, sentAtMs));
    ensures(
      () => (this.#grantedAtMs.get(from) ?? -Infinity) >= before,
      'lease-2 a late grant takes no newer one back (Q2)',
    );
  }

  /** For good, in this ballot: it stops, gives its place away, or its clock has stood still. */
  giveUp(): void {
    this.#isGivenUp = true;
  }

  /** True if nobody else can lead at this moment of the leader's own clock. */
  isHeld(nowMs: number): boolean {
    return nowMs < this.#untilMs;
  }

  /** The oldest of the newest heartbeats that a quorum has granted, itself included, decides. */
  get #untilMs(): number {
    if (this.#terms === undefined || this.#isGivenUp) return -Infinity;
    const grantedAt = (m: ReplicaId): number =>
      m === this.#self ? Infinity : (this.#grantedAtMs.get(m) ?? -Infinity);
    return this.#quorum.reached(grantedAt) + leaseUsableMs(this.#terms);
  }
}
