import type { ReplicaStatus } from '../../api.ts';
import { compareBallots, zeroBallot } from '../../paxos/ballot.ts';
import { check } from './check-failed.ts';

type Pointers = Pick<
  ReplicaStatus,
  'firstSlot' | 'releasedThrough' | 'executedThrough' | 'timeMs' | 'ballot'
>;

const none: Pointers = {
  firstSlot: 0,
  releasedThrough: 0,
  executedThrough: 0,
  timeMs: 0,
  ballot: zeroBallot,
};

/** The pointers of one start of one replica are in order, and none of them goes back. */
export class PointerChecker {
  #before: Pointers = none;

  onStatus(now: ReplicaStatus): void {
    const { self } = now;
    const before = this.#before;
    // Whoever has lost its state has done nothing, whatever was cut before, and says nothing.
    const isSilent = ['newcomer', 'waiting', 'stopped'].includes(now.state);
    const isStateless = now.executedThrough === 0 && isSilent;
    check(
      isStateless || now.firstSlot <= now.executedThrough + 1,
      () => `replica ${self} cut what it has not done`,
    );
    check(now.executedThrough <= now.releasedThrough, () => `replica ${self} invents an execution`);
    for (const name of ['firstSlot', 'releasedThrough', 'executedThrough', 'timeMs'] as const) {
      check(now[name] >= before[name], () => {
        return `${name} of replica ${self} goes back from ${before[name]} to ${now[name]}`;
      });
    }
    check(compareBallots(now.ballot, before.ballot) >= 0, () => `${self} promises less (I11)`);
    this.#before = now;
  }
}
