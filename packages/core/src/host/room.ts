import { ensures } from '@rsl/contracts';

/**
 * How much room the log has (S5). What is reserved is for promises, no-ops and adopted values: a
 * leader stops taking commands before a follower stops taking values, so that what was begun can
 * be finished. Both go on by themselves once there is room again.
 */
export class Room {
  readonly #reserveBytes: number;
  /** A leader takes in no commands. */
  isLow = false;
  /** A follower takes in no values. */
  isSpent = false;

  constructor(reserveBytes: number) {
    this.#reserveBytes = reserveBytes;
  }

  /** Looks again; true if `isLow` has changed. It ends with a quarter more than it began with. */
  look(bytesFree: number): boolean {
    const wasLow = this.isLow;
    const mark = this.#reserveBytes;
    this.isLow = bytesFree < (wasLow ? 1.25 * mark : mark);
    this.isSpent = bytesFree < (this.isSpent ? 0.625 * mark : 0.5 * mark);
    ensures(() => this.isLow || !this.isSpent, 'room-1 commands end before values do (S5)');
    return this.isLow !== wasLow;
  }
}
