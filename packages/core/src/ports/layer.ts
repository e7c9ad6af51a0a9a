import type { Frame, FrameWriter } from '../codec/frame.ts';
import type { MakeProtocol } from '../paxos/protocol.ts';
import type { Founding, GroupId, ReplicaId } from '../paxos/membership.ts';
import type { Slot } from '../paxos/slot.ts';
import type { Value } from '../paxos/value.ts';
import type { Port } from './port.ts';
import type { Lane } from './transport.ts';

/**
 * Something that decides around a protocol, and has the shape of one: it takes inputs before the
 * protocol does, and effects after it. Pure, as every protocol; what it wants done beside the state
 * machine it orders from its other half, which answers by inputs.
 *
 *   engine         layer ▸ protocol          `layer-order` ↓   ↑ `layer-answer`
 *   application    its other half beside the state machine
 */
export interface Layer {
  /** For logs and errors: a lower-case word. */
  readonly name: string;
  /** Of its frames: 16 … 255, one layer each. */
  readonly channel: number;
  /** Beside the protocol, on the engine's thread. */
  readonly engine: Port<EngineLayer>;
  /** Beside the state machine, on its thread. */
  readonly beside: Port<BesideLayer>;
}

/** The half that decides. */
export interface EngineLayer {
  readonly codec: LayerCodec;
  /** Around what `inner` makes. */
  wrap(inner: MakeProtocol, about: LayerAbout): MakeProtocol;
}

/** Of the replica that a layer decides for. */
export interface LayerAbout {
  readonly self: ReplicaId;
  /** Drawn anew: for choices that need not be the same everywhere. */
  readonly below: (limit: number) => number;
}

/** A layer's words to its own kind. Objects of its own; nobody else looks into them. */
export type LayerMessage = object;

/** Between a layer's halves; survives structured cloning. */
export type LayerOrder = object;
/** What became of an order, or what the other half found by itself; survives structured cloning. */
export type LayerAnswer = object;

/** A layer's messages as frames; see `codec/frame.ts`. */
export interface LayerCodec {
  /** 1 … 255. */
  kindOf(message: LayerMessage): number;
  /** Large ones go with the bulk, so that no vote waits behind them. */
  laneOf(message: LayerMessage): Lane;
  /** Its fields and values; the frame has begun, and is ended by the caller. */
  write(message: LayerMessage, out: FrameWriter): void;
  /** Undefined for a kind that it does not know. FrameError for what is no frame of that kind. */
  read(frame: Frame): LayerMessage | undefined;
}

/** What the half beside the state machine may use. Everything on one thread. */
export interface BesideHost {
  /** What was executed, and the image of it. */
  readonly state: ReplicatedState;
  /** That the log belongs to at this start; undefined: it is in no group yet. */
  readonly group: GroupId | undefined;
  /** The state that this group began with; undefined: an empty one, or it is in no group yet. */
  readonly founding: Founding | undefined;
  /** The state is one that its group began with, or is to be formed on: before `begin` resolves. */
  founded(on: Founding): void;
  /** To its other half. */
  answer(answer: LayerAnswer): void;
  /** The replica cannot go on. */
  fail(error: Error): void;
}

/** The half that acts. Calls come in the order of the slots that were executed between them. */
export interface BesideLayer {
  /**
   * At a start, before anything is executed: brings the state machine to where the log goes on, or
   * further. `firstSlot` is the first that the log keeps. `stateless` if it has nothing that
   * reaches it: then the half that decides gets a state from others, and makes the protocol that
   * it is around only when that is loaded (S6).
   */
  begin(host: BesideHost, firstSlot: Slot): Promise<'stateless' | void>;
  /** From its other half, in the order in which they were given. */
  order(order: LayerOrder): void;
  /** After each slot, at once: nothing else has been executed since. */
  executed(slot: Slot, value: Value): void;
  /** Nothing of it runs any more when it resolves. */
  close(): Promise<void>;
}

/** The state of a replica, as a whole. */
export interface ReplicatedState {
  readonly executedThrough: Slot;
  /** Group time after it, in milliseconds (P10). */
  readonly timeMs: number;
  /**
   * False while the state is not that of `executedThrough`: it is being loaded, or a state machine
   * with a state of its own on disk reflects later slots.
   */
  readonly canSave: boolean;
  /**
   * The whole state as of this call: later executions change nothing of it. The same bytes on every
   * replica after the same slot, if the state machine saves the same. In bounded pieces, given
   * away; whoever does not walk it to its end calls `return`. Only while `canSave`.
   */
  save(): AsyncIterableIterator<Uint8Array, undefined, undefined>;
  /**
   * Replaces the whole state by one that `save` gave after `slot`, which is forward only: a slot
   * above `executedThrough`. Nothing is executed meanwhile. The chunks are read as they are needed.
   * FrameError for anything else, and what reading its beginning throws: the state is as it was.
   * RSL_LOAD_FAILED once the state machine has begun to load: its state is not known, nothing more
   * may be executed.
   */
  load(slot: Slot, chunks: AsyncIterable<Uint8Array>): Promise<void>;
}
