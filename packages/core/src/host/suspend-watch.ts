import { leaseMsMax, suspendMarginMs } from '../paxos/lease.ts';
import type { Clock } from '../ports/clock.ts';

/** The wall clock counts whole milliseconds. */
const grainMs = 1;
/** By this fraction the wall clock may run faster, or slower: NTP need not set both clocks. */
const creep = 0.0005;
/**
 * What is left of the margin. Within one lease the least may have crept up by as much as a slow
 * wall clock has hidden.
 */
const aheadMsMax = suspendMarginMs - grainMs - 2 * creep * leaseMsMax;
const readingsMax = 3;

/**
 * Tells that the whole machine stood still, and its monotonic clock with it: then the wall clock
 * has run ahead (Q2). It compares with the least that this was ahead since it last told, so that
 * many short suspends do not add up to a long one. Of a wall clock that is set back within the very
 * suspend, by as much or more, it knows nothing.
 */
export class SuspendWatch {
  readonly #clock: Clock;
  /** How far the wall clock has been ahead of the monotonic one, at least. */
  #aheadMsMin = Infinity;
  #lookedAtMs = 0;
  #wasSuspended = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * The monotonic time. The wall clock is read after it: if that has not run ahead, the machine
   * did not stand still before the moment that is given.
   */
  nowMs(): number {
    for (let reading = 1; ; reading += 1) {
      const nowMs = this.#clock.nowMs();
      const aheadMs = this.#clock.wallMs() - nowMs;
      const aheadMsMin = this.#aheadMsMin + creep * (nowMs - this.#lookedAtMs);
      const isAhead = aheadMs - aheadMsMin > aheadMsMax;
      // Or this thread was held up between the two clocks: that does not last.
      if (isAhead && reading < readingsMax) continue;
      if (isAhead) this.#wasSuspended = true;
      this.#aheadMsMin = isAhead ? aheadMs : Math.min(aheadMsMin, aheadMs);
      this.#lookedAtMs = nowMs;
      return nowMs;
    }
  }

  /** True once after it stood still. */
  take(): boolean {
    const was = this.#wasSuspended;
    this.#wasSuspended = false;
    return was;
  }
}
