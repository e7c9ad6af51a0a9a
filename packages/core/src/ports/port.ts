import type { Limits } from '../limits.ts';
import type { ReplicaId } from '../paxos/membership.ts';
import type { Clock } from './clock.ts';
import type { Logger } from './logger.ts';
import type { Random } from './random.ts';

/** What a port is told that is opened for a whole process. */
export interface ProcessContext {
  readonly limits: Limits;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/** What a port is told that is opened for one replica. */
export interface PortContext extends ProcessContext {
  /** The group's name, as the user typed it: 1 … 128 bytes of UTF-8. */
  readonly group: string;
  readonly self: ReplicaId;
}

/**
 * How to open something, here or on an engine's thread. Users give factories, never open
 * instances. `remote` is absent for what lives in one thread only. A port that is content with a
 * process's context serves one replica as well.
 */
export interface Port<T, Context extends ProcessContext = PortContext> {
  /** Opens it; rejects with an RslError, and leaves nothing open then. */
  open(context: Context): Promise<T>;
  /** The same again on another thread: an exported function of a module, and its argument. */
  readonly remote?: {
    readonly module: string;
    readonly name: string;
    /** Survives structured cloning. */
    readonly options: unknown;
  };
}
