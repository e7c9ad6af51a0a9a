import { defaultLimits } from '../limits.ts';
import type { Slot } from '../paxos/slot.ts';
import type { Value } from '../paxos/value.ts';
import type { ReplicatedState } from '../ports/layer.ts';
import type { StateMachine } from '../ports/state-machine.ts';
import { Execution } from './execution.ts';
import { Proposals } from './proposals.ts';
import { ExecutedState } from './replicated-state.ts';

/**
 * What decided slots make of a state machine, with no replica around it: sessions, group time and
 * ballots included. It takes part in nothing, and answers nobody.
 */
export class OfflineState {
  readonly state: ReplicatedState;
  readonly #execution: Execution;

  private constructor(machine: StateMachine, execution: Execution) {
    this.#execution = execution;
    this.state = new ExecutedState(execution, machine);
  }

  /** Before slot 1. `skip`: the slots that the group does not execute; see `startReplica`. */
  static async open(
    machine: StateMachine,
    skip: ReadonlySet<Slot> = new Set(),
  ): Promise<OfflineState> {
    const nobody = new Proposals({ self: 1, epoch: 1, limits: defaultLimits });
    const execution = new Execution(machine, 1, nobody, skip);
    execution.begin(0, (await machine.open?.()) ?? 0);
    return new OfflineState(machine, execution);
  }

  /** The slot behind `state.executedThrough`. RSL_STATE_MACHINE_FAILED. */
  execute(slot: Slot, value: Value): void {
    this.#execution.execute(slot, value, false);
  }
}
