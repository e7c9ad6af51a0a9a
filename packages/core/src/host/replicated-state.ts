import type { Slot } from '../paxos/slot.ts';
import type { ReplicatedState } from '../ports/layer.ts';
import type { StateMachine } from '../ports/state-machine.ts';
import type { Execution } from './execution.ts';

/** Stands here until its builder brings the real one. */
export class ExecutedState implements ReplicatedState {
  readonly #execution: Execution;
  isLoading = false;

  constructor(execution: Execution, _machine: StateMachine) {
    this.#execution = execution;
  }

  get executedThrough(): Slot {
    return this.#execution.executedThrough;
  }

  save(): AsyncIterable<Uint8Array> {
    throw new Error('not here yet');
  }

  async load(): Promise<void> {
    throw new Error('not here yet');
  }
}
