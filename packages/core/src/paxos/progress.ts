import { ensures, old, requires } from '@rsl/contracts';
import type { ReplicaId } from './membership.ts';
import type { Slot } from './slot.ts';

const resendMsMax = 2_000;

/** What a leader knows of one follower in its ballot, and what to send it next (go-back-N). */
export class Progress {
  readonly id: ReplicaId;
  /** Every slot from the base to here is durable there (P6). */
  through: Slot;
  /** The next slot to send. */
  next: Slot;
  executedThrough: Slot = 0;
  /** Its log has no room for values (S5). */
  full = false;
  /** It has answered in this ballot: to whoever never did, nothing is sent twice. */
  hasAnswered = false;
  payload = 0n;
  readonly #resendMsMin: number;
  #resendMs: number;
  #progressAtMs: number;
  /** Since when its log owes something, sent again or not. */
  #owedSinceMs: number | undefined;

  constructor(id: ReplicaId, base: Slot, resendMsMin: number, nowMs: number) {
    this.id = id;
    this.through = base - 1;
    this.next = base;
    this.#resendMsMin = resendMsMin;
    this.#resendMs = resendMsMin;
    this.#progressAtMs = nowMs;
  }

  on2b(through: Slot, nowMs: number): void {
    this.hasAnswered = true;
    if (through <= this.through) return;
    const before = old(() => this.through);
    this.through = through;
    ensures(() => this.through > before, 'progress-5 what is durable there only grows (P6)');
    this.next = Math.max(this.next, through + 1);
    this.#resendMs = this.#resendMsMin;
    this.#progressAtMs = nowMs;
    this.#owedSinceMs = this.next === through + 1 ? undefined : nowMs;
    ensures(() => this.next > this.through, 'progress-1 nothing is sent that is known to be there');
  }

  sent(slot: Slot, nowMs: number): void {
    requires(() => slot === this.next, 'progress-2 slots are sent in order (P6)');
    if (this.next === this.through + 1) this.#progressAtMs = nowMs;
    this.#owedSinceMs ??= nowMs;
    this.next = slot + 1;
  }

  /** For how long something that was sent has been waiting for its log. */
  outstandingMs(nowMs: number): number {
    return this.#owedSinceMs === undefined ? 0 : nowMs - this.#owedSinceMs;
  }

  /**
   * True if what was sent has brought nothing for a while: it is sent again from the first slot
   * that is missing there, less and less often while nothing comes of it (L6).
   */
  shouldResend(nowMs: number): boolean {
    if (this.next === this.through + 1 || !this.hasAnswered) return false;
    if (nowMs - this.#progressAtMs < this.#resendMs) return false;
    ensures(() => this.hasAnswered, 'progress-3 nothing is sent twice to who never answered (L6)');
    this.next = this.through + 1;
    this.#progressAtMs = nowMs;
    this.#resendMs = Math.min(resendMsMax, 2 * this.#resendMs);
    ensures(() => this.#resendMs <= resendMsMax, 'progress-4 the back-off is bounded (L6)');
    return true;
  }
}
