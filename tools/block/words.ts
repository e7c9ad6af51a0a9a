/** What the tool and its processes say to each other. */
import type { PeerAddress } from '@rsl/core';

/** Of a process: it has a replica of each group. */
export interface Setup {
  readonly id: number;
  readonly isolation: 'inline' | 'thread';
}

/** What happened at a replica's client since it was told `begin`. */
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
  /** Writes of the log: each makes the votes of a turn durable, and their answers leave. */
  readonly appends: number;
  readonly framesSent: number;
  readonly executedThrough: number;
}

/** What one replica's callers get done when they give it all they can. */
export interface Loaded {
  readonly commandsPerSecond: number;
}

export type Wanted =
  | { readonly kind: 'open'; readonly members: readonly PeerAddress[]; readonly folder: string }
  | { readonly kind: 'bootstrap' | 'moment' | 'begin' | 'end' | 'close' }
  | { readonly kind: 'block' | 'load'; readonly ms: number };

export interface Question {
  readonly number: number;
  readonly group: string;
  readonly wanted: Wanted;
}

export interface Answer {
  readonly number: number;
  readonly answer: Loaded | Moment | Observed | undefined;
}
