import { CheckFailed, type FaultKind, Simulation, type SimulationReport } from '@rsl/core/testing';
import { snapshotsOf } from './drawn-snapshots.ts';
import { KeyValueClients, keyValueMachine } from './key-value-clients.ts';

/** A seed, and what is not left to it. Survives JSON: it is what a replay line says. */
export interface Case {
  readonly seed: number;
  readonly machine?: 'digest' | 'key-value';
  readonly replicas?: number;
  readonly clients?: number;
  readonly durationMs?: number;
  readonly stormMs?: number;
  readonly beyond?: boolean;
  readonly isApart?: boolean;
  readonly faults?: Partial<Record<FaultKind, 0 | 1 | 2 | 3>>;
}

export interface Failure {
  readonly kind: 'safety' | 'liveness' | 'contract';
  readonly message: string;
  readonly step: number;
  readonly atMs: number;
}

export interface Outcome {
  readonly case: Case;
  /** As they were drawn or given. */
  readonly drawn: Required<Pick<Case, 'replicas' | 'faults' | 'machine' | 'beyond'>>;
  readonly report?: SimulationReport;
  readonly operations: number;
  readonly unjudged: number;
  readonly failure?: Failure;
}

/** Every third seed runs the server's state machine, with histories that are checked. */
const machineOf = ({ seed, machine }: Case): 'digest' | 'key-value' =>
  machine ?? (seed % 3 === 0 ? 'key-value' : 'digest');

export async function outcomeOf(given: Case, onTrace?: (line: string) => void): Promise<Outcome> {
  const machine = machineOf(given);
  const { machine: _, ...options } = given;
  const clients = new KeyValueClients();
  const simulation = new Simulation({
    layers: snapshotsOf(given.seed),
    ...options,
    ...(machine === 'key-value' ? { stateMachine: keyValueMachine, client: clients.client } : {}),
    ...(onTrace === undefined ? {} : { onTrace }),
  });
  const { mix: faults, beyond, processes, world } = simulation;
  const drawn = { replicas: processes.length, faults, machine, beyond };
  const told = (): Omit<Outcome, 'report'> => {
    const { operations, unjudged } = clients;
    return { case: given, drawn, operations, unjudged };
  };
  try {
    const report = await simulation.run();
    clients.check();
    return { ...told(), report };
  } catch (error) {
    const kind = error instanceof CheckFailed ? error.kind : 'contract';
    const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return { ...told(), failure: { kind, message, step: world.steps, atMs: world.nowMs } };
  }
}

/** Two failures are the same if they say the same, numbers aside. */
export const whatFailed = ({ kind, message }: Failure): string =>
  `${kind}: ${(message.split('\n')[0] ?? '').replace(/\d+(\.\d+)*/g, '#').replace(/".*"/g, '…')}`;

/** The line that replays it. */
export function replayLine({ seed, ...rest }: Case): string {
  const given = Object.keys(rest).length === 0 ? '' : ` --with '${JSON.stringify(rest)}'`;
  return `npm run simulate -- --seed ${seed}${given}`;
}
