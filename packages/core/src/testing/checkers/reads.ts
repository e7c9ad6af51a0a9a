import type { Slot } from '../../paxos/slot.ts';
import { check } from './check-failed.ts';

/** A read sees everything that was acknowledged, or read by anyone, before it was asked (Q1). */
export class ReadChecker {
  #floor: Slot = 0;
  /** The highest slot of an acknowledged command: one with a batch, unlike what a read may say. */
  acknowledged: Slot = 0;
  reads = 0;

  get floor(): Slot {
    return this.#floor;
  }

  onAcknowledged(slot: Slot): void {
    this.acknowledged = Math.max(this.acknowledged, slot);
    this.#floor = Math.max(this.#floor, slot);
  }

  /** `executedThrough`: what the replica had executed when the read was served. */
  onRead(replica: number, floor: Slot, slot: Slot, executedThrough: Slot): void {
    check(slot >= floor, () => `stale read at ${replica}: slot ${slot}, ${floor} was known before`);
    check(executedThrough >= slot, () => {
      return `a read at ${replica} says slot ${slot}, and only ${executedThrough} is executed`;
    });
    this.#floor = Math.max(this.#floor, slot);
    this.reads += 1;
  }
}
