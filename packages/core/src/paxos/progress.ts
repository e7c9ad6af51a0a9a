import { ensures, requires } from '@rsl/contracts';
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
  /** It has answered in this ballot: to whoever never did, nothing is sent twice. */
  hasAnswered = false;
  payload = 0n;
  readonly #resendMsMin: number;
  #resendMs: number;
  #progressAtMs: number;

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
    this.through = through;
    this.next = Math.max(this.next, through + 1);
    this.#resendMs = this.#resendMsMin;
    this.#progressAtMs = nowMs;
    ensures(() => this.next > this.through);
  }

  sent(slot: Slot, nowMs: number): void {
    requires(() => slot === this.next, 'slots are sent in order');
    if (this.next === this.through + 1) this.#progressAtMs = nowMs;
    this.next = slot + 1;
  }

  /**
   * True if what was sent has brought nothing for a while: it is sent again from the first slot
   * that is missing there, less and less often while nothing comes of it (L6).
   */
  shouldResend(nowMs: number): boolean {
    if (this.next === this.through + 1 || !this.hasAnswered) return false;
    if (nowMs - this.#progressAtMs < this.#resendMs) return false;
    this.next = this.through + 1;
    this.#progressAtMs = nowMs;
    this.#resendMs = Math.min(resendMsMax, 2 * this.#resendMs);
    return true;
  }
}
