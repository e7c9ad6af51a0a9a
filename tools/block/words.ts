/** What the tool and its replicas' processes say to each other. */
import type { PeerAddress } from '@rsl/core';

export interface Setup {
  readonly id: number;
  readonly isolation: 'inline' | 'thread';
  readonly members: readonly PeerAddress[];
  readonly folder: string;
}

/** What happened at a replica since it was told `begin`. */
export interface Observed {
  readonly acknowledged: number;
  readonly errors: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

export interface Moment {
  readonly leader: number | undefined;
  readonly round: number;
  /** Writes of the log: each makes the votes of a turn durable. */
  readonly appends: number;
  readonly framesSent: number;
  readonly executedThrough: number;
}

/** What one replica's callers get done when they give it all they can. */
export interface Loaded {
  readonly commandsPerSecond: number;
}

export type Wanted =
  | { readonly kind: 'bootstrap' | 'moment' | 'begin' | 'end' | 'close' }
  | { readonly kind: 'block' | 'load'; readonly ms: number };

export interface Question {
  readonly number: number;
  readonly wanted: Wanted;
}

export interface Answer {
  readonly number: number;
  readonly answer: Loaded | Moment | Observed | undefined;
}
