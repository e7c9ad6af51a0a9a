/** What the two threads of a replica say to each other: through rings, and beside them. */
import type { MessagePort } from 'node:worker_threads';
import type { LeaseOptions, ReplicaEvents } from '../api.ts';
import type { Limits, Slow, Timings } from '../limits.ts';
import type { Ballot } from '../paxos/ballot.ts';
import type { Founding, GroupId, ReplicaId, StoreId } from '../paxos/membership.ts';
import type { Slot } from '../paxos/slot.ts';
import type { LayerAnswer, LayerOrder } from '../ports/layer.ts';
import type { Port } from '../ports/port.ts';
import type { PeerAddress } from '../ports/transport.ts';
import type { PortableError } from './portable-error.ts';

/** Kinds of records, engine to application. */
export const slotRecord = 1;
/** Kinds of records, application to engine. */
export const segmentRecord = 1;
export const progressRecord = 2;
export const readRecord = 3;
export const forgetRecord = 4;

export type Remote = NonNullable<Port<unknown>['remote']>;

/** The memory that both threads have. */
export interface Shared {
  readonly slots: SharedArrayBuffer;
  readonly commands: SharedArrayBuffer;
  readonly board: SharedArrayBuffer;
  /** One word: bytes of segments that the engine has done with, modulo 2^32. */
  readonly staged: SharedArrayBuffer;
}

/** What an engine's thread is started with; survives structured cloning. */
export interface EngineThreadData {
  readonly port: MessagePort;
  readonly shared: Shared;
  readonly log: Remote;
  readonly transport: Remote;
  readonly layers: readonly { readonly channel: number; readonly engine: Remote }[];
  readonly group: string;
  readonly self: ReplicaId;
  readonly limits: Limits;
  readonly timings: Timings;
  readonly slow: Slow;
  readonly peers: readonly PeerAddress[];
  readonly lease: LeaseOptions | undefined;
  readonly epoch: number;
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** What happened, in its order. */
export type Happening =
  | { readonly kind: 'leading' | 'recovered'; readonly ballot: Ballot }
  | { readonly kind: 'ended' }
  | { readonly kind: 'following'; readonly what: ReplicaEvents['following'] }
  | { readonly kind: 'configuration'; readonly what: ReplicaEvents['configuration'] }
  | { readonly kind: 'peer'; readonly what: ReplicaEvents['peer'] }
  | {
      readonly kind: 'log';
      readonly level: LogLevel;
      readonly fields: Readonly<Record<string, unknown>>;
      readonly message: string;
    };

/** Engine to application, beside the slots. */
export type Report =
  /** There are slots for an application that slept. */
  | { readonly kind: 'bell' }
  /** Its ports are open; it waits for `begin`. */
  | {
      readonly kind: 'opened';
      readonly store: StoreId;
      /** That the log belongs to, if it is in one. */
      readonly group: GroupId | undefined;
      /** What that group began with, if not with nothing. */
      readonly founding: Founding | undefined;
      readonly firstSlot: Slot;
      readonly decidedThrough: Slot;
    }
  /** What the log knew was executed, and it takes part. */
  | { readonly kind: 'runs' }
  | { readonly kind: 'ready'; readonly reads: readonly number[] }
  | { readonly kind: 'layer-order'; readonly channel: number; readonly order: LayerOrder }
  /** The engine goes on behind the state that a layer has loaded. */
  | { readonly kind: 'installed'; readonly slot: Slot }
  | { readonly kind: 'happened'; readonly happenings: readonly Happening[] }
  | {
      readonly kind: 'bootstrapped';
      readonly call: number;
      readonly result: 'formed' | 'already' | PortableError;
    }
  /** It does nothing any more; without an error it was told so. */
  | { readonly kind: 'stopped'; readonly error: PortableError | undefined }
  /** Log and transport are closed, and the thread ends. */
  | { readonly kind: 'closed' };

/** Application to engine, beside the commands. */
export type Order =
  | { readonly kind: 'bell' }
  /** The state machine has everything through this slot: send what comes after. */
  | { readonly kind: 'begin'; readonly executedThrough: Slot }
  /** Before `begin`: the state machine has the state of a backup. */
  | { readonly kind: 'founded'; readonly on: Founding }
  | { readonly kind: 'layer-answer'; readonly channel: number; readonly answer: LayerAnswer }
  /** It has taken what happened, and may be told more. */
  | { readonly kind: 'heard' }
  | {
      readonly kind: 'bootstrap';
      readonly call: number;
      readonly members: readonly PeerAddress[];
      /** From now on: the threads' clocks have different origins. */
      readonly timeoutMs: number;
    }
  | { readonly kind: 'reset-measures' }
  /** The replica ends: lead no more, then close log and transport. */
  | { readonly kind: 'close' };

export const bell = { kind: 'bell' } as const;
