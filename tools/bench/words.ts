/** What a measurement and its processes say to each other. */
import type { Limits, PeerAddress } from '@rsl/core';
import type { SnapshotsOptions } from '@rsl/snapshot';

/** Of a process, which has one replica. */
export interface Setup {
  readonly id: number;
  readonly folder: string;
  readonly members: readonly PeerAddress[];
  /** Where it listens; its address may be that of something in between. */
  readonly listen: string;
  /** Where it dials others, if not at their addresses. */
  readonly routes: Readonly<Record<number, string>>;
  readonly valueBytes: number;
  readonly limits?: Partial<Limits>;
  readonly snapshots: Omit<SnapshotsOptions, 'store' | 'onProgress'>;
}

export interface Moment {
  readonly leads: boolean;
  readonly leader: number | undefined;
  readonly executedThrough: number;
  readonly firstSlot: number;
  readonly values: number;
}

/** What became of the commands that were due while a phase of this name was on. */
export interface Phase {
  readonly ms: number;
  /** Of those that were due in it. */
  readonly due: number;
  readonly errors: number;
  /** Acknowledged while it was on, whenever they were due. */
  readonly acknowledgedPerSecond: number;
  /** From when it was due, not from when it was sent. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
  readonly maxMs: number;
  /** The longest that this thread did nothing else. */
  readonly longestTurnMs: number;
}

export interface Load {
  readonly perSecond: number;
  readonly commandBytes: number;
  /** Of so many values one is patched by each command. */
  readonly keys: number;
}

export type Wanted =
  | { readonly kind: 'open' | 'bootstrap' | 'moment' | 'unload' | 'close' }
  | { readonly kind: 'fill'; readonly from: number; readonly count: number }
  /** How many commands get through per second, when as many wait as may. */
  | { readonly kind: 'most'; readonly load: Load; readonly ms: number }
  | { readonly kind: 'load'; readonly load: Load }
  | { readonly kind: 'phase'; readonly name: string }
  | { readonly kind: 'save' }
  /** Before it is opened: bulk frames through the same transport, from one to the other. */
  | { readonly kind: 'link'; readonly from: number; readonly to: number; readonly ms: number }
  /** Bytes per second to a file here, made durable as a snapshot is. */
  | { readonly kind: 'disk'; readonly bytes: number };

/** What is given back to each. */
export interface Given {
  readonly open: undefined;
  readonly bootstrap: undefined;
  readonly moment: Moment;
  readonly unload: Readonly<Record<string, Phase>>;
  readonly close: undefined;
  readonly fill: undefined;
  readonly most: number;
  readonly load: undefined;
  readonly phase: undefined;
  readonly save: {
    readonly slot: number;
    readonly digest: string;
    readonly bytes: number;
    readonly ms: number;
  };
  /** Bytes per second that came here, or went out. */
  readonly link: number;
  readonly disk: number;
}

export interface Question {
  readonly number: number;
  readonly wanted: Wanted;
}

export interface Answer {
  readonly number: number;
  readonly given?: Given[keyof Given];
  /** It could not be done. */
  readonly error?: string;
}
