import type { Slot } from '../paxos/slot.ts';
import type { SessionId } from '../sessions/session-name.ts';

/** Where and when something happens; the same on every replica. */
export interface SlotMoment {
  readonly slot: Slot;
  /** Group time, milliseconds since 1970-01-01 UTC; never goes back (P10). */
  readonly timeMs: number;
  /** False while the log is replayed at a start. */
  readonly live: boolean;
}

/** All commands of one slot. */
export interface Batch {
  readonly slot: Slot;
  /** Group time, milliseconds since 1970-01-01 UTC: the same everywhere, never goes back (P10). */
  readonly timeMs: number;
  /** False while the log is replayed at a start: side effects on the world have happened before. */
  readonly live: boolean;
  /** How many commands; 0 if only time passes. */
  readonly count: number;
  /** Command i is `bytes.subarray(start(i), end(i))`, valid for ever, never to be written. */
  readonly bytes: Uint8Array;
  /** Where command i begins in `bytes`. */
  start(i: number): number;
  /** Where command i ends in `bytes`: before this byte. */
  end(i: number): number;
  /** The session under which command i was sent, if there is one. */
  session(i: number): SessionId | undefined;
}

/** Takes one result for each command, in order. */
export interface Results {
  /** True if somebody on this replica waits for result i; if not, an empty result will do. */
  wanted(i: number): boolean;
  /** The result of the next command; the bytes are taken over. */
  push(result: Uint8Array): void;
}

/**
 * The user's program. Deterministic: the same batches in the same order give the same results and
 * the same snapshot everywhere. It must not read clocks, chance or anything outside its state.
 * Whatever it throws stops this replica with RSL_STATE_MACHINE_FAILED.
 */
export interface StateMachine {
  /** Executes all commands of one slot, in order; pushes exactly `batch.count` results. */
  execute(batch: Batch, results: Results): void;
  /**
   * A frozen view as of this call: later executions must not change what it yields. The chunks are
   * given away. An iterator that is not walked to its end gets `return`.
   */
  save(): Iterable<Uint8Array> | AsyncIterable<Uint8Array>;
  /** Replaces the whole state by a saved one. */
  load(chunks: AsyncIterable<Uint8Array>): Promise<void>;
  /**
   * For state that lives on disk by itself: the slot it reflects, 0 if none. Slots up to it are not
   * executed again.
   */
  open?(): Promise<Slot>;
  /**
   * Group time at which something is to happen although nobody writes (expiry, leases): a leader
   * then proposes a batch without commands. Undefined: nothing is due.
   */
  wakeAtMs?(): number | undefined;
  /**
   * Answers a question of a client's from the state as it is, and changes nothing. Whatever it
   * throws goes back to who asked, as RSL_QUERY_FAILED.
   */
  query?(question: Uint8Array): Uint8Array;
  /**
   * A session was closed, or has not been used for its time-out: what was done under it and should
   * not outlive it ends now. Called after the commands of the slot, in the same order everywhere.
   */
  sessionEnded?(session: SessionId, at: SlotMoment): void;
}

/** Bytes of a user's commands and results. */
export interface CommandCodec<C, R> {
  /** A command as the bytes that are replicated; the caller takes them over. */
  encodeCommand(command: C): Uint8Array;
  /** A result from its bytes. What it throws, `propose` rejects with. */
  decodeResult(bytes: Uint8Array): R;
  /** For `Replica.executed`, which needs it. */
  decodeCommand?(bytes: Uint8Array): C;
  /** Of queries; bytes as they are unless given. */
  encodeQuestion?(question: unknown): Uint8Array;
  /** The answer to a query, from what `StateMachine.query` gave. */
  decodeAnswer?(bytes: Uint8Array): unknown;
}
