import type { Limits } from '../limits.ts';
import type { ReplicaId } from '../paxos/membership.ts';
import type { Clock } from './clock.ts';
import type { Logger } from './logger.ts';
import type { Random } from './random.ts';

/** What every port is told when it is opened. */
export interface PortContext {
  /** The group's name, as the user typed it: 1 … 128 bytes of UTF-8. */
  readonly group: string;
  readonly self: ReplicaId;
  readonly limits: Limits;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/**
 * How to open something, here or on an engine's thread. Users give factories, never open
 * instances. `remote` is absent for what lives in one thread only.
 */
export interface Port<T> {
  /** Opens it; rejects with an RslError, and leaves nothing open then. */
  open(context: PortContext): Promise<T>;
  /** The same again on another thread: an exported function of a module, and its argument. */
  readonly remote?: {
    readonly module: string;
    readonly name: string;
    /** Survives structured cloning. */
    readonly options: unknown;
  };
}
