import type { Endpoint } from '../lib/resp-connection.ts';

/** What is tortured: replicas that clients reach at these places. */
export interface Group {
  readonly endpoints: readonly Endpoint[];
  /** Where the same replicas take clients with sessions; none if they do not. */
  readonly sessionAddresses: readonly string[];
  /** Processes that ended and should not have. */
  readonly unexpectedEnds: readonly string[];
  start(): void;
  /** Everything runs and everything is connected again. */
  heal(): Promise<void>;
}
