import type { Limits, Timings } from '../limits.ts';
import type { StateMachine } from '../ports/state-machine.ts';
import type { Client } from './client.ts';
import type { Mix } from './mix.ts';
import type { Clocks } from './sim-draws.ts';
import type { SimLayers } from './sim-process.ts';

/** What is simulated. Only the seed is needed; it draws whatever is not given. */
export interface SimulationOptions {
  readonly seed: number;
  /** The program under test, one for each start of each replica; a `DigestMachine` unless given. */
  readonly stateMachine?: () => StateMachine;
  /** What a client does in one turn; proposes and reads unless given. */
  readonly client?: Client;
  /** The engines are apart from their applications, as on threads of their own. */
  readonly isApart?: boolean;
  /** What decides around the protocol of each replica, such as snapshots; nothing unless given. */
  readonly layers?: SimLayers;
  /** How many clients; every second one waits for its calls before it begins its next turn. */
  readonly clients?: number;
  /** Members; 3 or 5 by the seed unless given. */
  readonly replicas?: number;
  /** How hard single kinds of faults are, whatever the seed says; or good weather only. */
  readonly faults?: Partial<Mix> | 'none';
  /** More members than a group bears may lose what was durable: then only safety is demanded. */
  readonly beyond?: boolean;
  /** Ends after the round in which this time has come; else after 60 s, 500 commands, 5 faults. */
  readonly durationMs?: number;
  /** How long faults last before everything must work again; drawn for each round unless given. */
  readonly stormMs?: number;
  readonly limits?: Partial<Limits>;
  readonly timings?: Partial<Timings>;
  /** Leases and the clocks that they are built on; drawn for each seed unless given. */
  readonly clocks?: Clocks;
  /** Hears every line of the trace. */
  readonly onTrace?: (line: string) => void;
  /** See `SimWorld`. */
  readonly settle?: 'always' | 'as-needed';
}
