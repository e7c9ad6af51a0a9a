import type { ReplicaMetrics, ReplicaStatus } from '../api.ts';
import type { RslError } from '../errors.ts';
import type { Emit } from '../events.ts';
import type { Ballot } from '../paxos/ballot.ts';
import type { ReadId } from '../paxos/input.ts';
import type { Slot } from '../paxos/slot.ts';
import type { Value } from '../paxos/value.ts';
import type { LayerAnswer, LayerOrder } from '../ports/layer.ts';
import type { PeerAddress } from '../ports/transport.ts';
import type { Leading } from './leading.ts';

/**
 * A replica has two halves. The engine is protocol, log and transport: whatever others wait for.
 * The application is the state machine and the callers. On one thread they call each other; when
 * the engine has a thread of its own, each has a stand-in of the other (`../engine`).
 */

/** How far the state machine has come, as far as the engine has heard. */
export interface Progress {
  readonly executedThrough: Slot;
  /** Group time: the highest stamp that was executed (P10). */
  readonly timeMs: number;
  /** The highest ballot that an executed batch was sealed in. */
  readonly sealedIn: Ballot;
  /** Group time at which the state machine wants to be woken. */
  readonly wakeAtMs: number | undefined;
  readonly sessions: { readonly endsInMs: number | undefined };
}

/** Where the engine takes its own callers' commands from. */
export interface CommandSource {
  /** Random: this start. */
  readonly epoch: number;
  /** The next commands for the leader of `ballot`, within both bounds, at least one of them. */
  takeSegments(ballot: Ballot, commandsMax: number, bytesMax: number): Uint8Array[];
  /** A batch sealed in `ballot` was executed: what was sent in lower ballots never will be. */
  requeueBelow(ballot: Ballot): void;
}

/** What an engine asks of the half beside its state machine. */
export interface Application {
  readonly progress: Progress;
  readonly commands: CommandSource;
  readonly leading: Pick<Leading, 'begin' | 'recover' | 'end'>;
  readonly emit: Emit;
  /** No caller waits for anything. */
  readonly isIdle: boolean;
  /** Takes a decided slot; in order, each once (P7). */
  execute(slot: Slot, value: Value): void;
  /** For the half of a layer beside the state machine. */
  order(channel: number, order: LayerOrder): void;
  /** A layer has replaced the state by the one after `slot`: the next to execute comes after it. */
  installed(slot: Slot): void;
  /** The read to ask for now, if callers came since the last call. */
  takeRead(): ReadId | undefined;
  readReady(read: ReadId): void;
  /** Ends what has waited too long; gives the reads that nobody waits for any more. */
  expire(nowMs: number): readonly ReadId[];
  /** A turn of the engine is over: what happened in it may be told. */
  turnEnds(): void;
  /** The engine has ended. */
  close(failure: RslError | undefined): void;
}

/** What callers need of their engine. */
export interface Engine {
  /** Something waits for it. */
  wake(): void;
  /** It leads, and has no room for more commands (S5). */
  readonly refusesCommands: boolean;
  bootstrap(members: readonly PeerAddress[], deadlineMs: number): Promise<'formed' | 'already'>;
  /** From the half of a layer beside the state machine. */
  answer(channel: number, answer: LayerAnswer): void;
  status(): EngineStatus;
  /** Since the start: counts of what happened, by name. */
  counters(): Record<string, number>;
  /** What it measured by itself; undefined if that is in its application's metrics. */
  measures(reset: boolean): EngineMeasures | undefined;
  /** Ends what waits; nothing is said or written any more. */
  stop(): void;
}

/** What a replica's status says of its engine. */
export type EngineStatus = Omit<
  ReplicaStatus,
  'executedThrough' | 'group' | 'pendingBytes' | 'pendingCommands' | 'self' | 'store' | 'timeMs'
>;

export type EngineMeasures = Pick<
  ReplicaMetrics,
  'appendUs' | 'decideUs' | 'turnDelayUs' | 'turnUs'
>;
