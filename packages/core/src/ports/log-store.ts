import type { RslError } from '../errors.ts';
import type { LogRecord } from '../paxos/log-record.ts';
import type { StoreId } from '../paxos/membership.ts';
import type { Slot } from '../paxos/slot.ts';
import type { Ballot } from '../paxos/ballot.ts';
import type { Value } from '../paxos/value.ts';

/** What a store says about itself. */
export interface LogInfo {
  /** Drawn at random when the store was created; never changes while it is the same store (S2). */
  readonly store: StoreId;
  /** True if this opening found nothing and created the store. */
  readonly created: boolean;
  /** Slots below are forgotten. 1 in a new store. */
  readonly firstSlot: Slot;
  /** The highest slot that a vote or a decided value is stored for; 0 if there is none. */
  readonly lastSlot: Slot;
  readonly bytesUsed: number;
  /**
   * Counts what was ever stored, and never goes back: what was durable at a position is there at
   * every later one. Whoever was at a position once and is below it now is an older copy (S2a).
   * `recover` gives the position that the opening found.
   */
  readonly position: number;
  /**
   * Are these the very files that the store made? `files`: they were restored or copied;
   * `device`: only the number of the disk differs (S2a).
   */
  readonly copied: 'no' | 'device' | 'files';
  /** How much more can be written before the medium is full, as far as is known. */
  readonly bytesFree: number;
  /** Slots whose record is there but whose value cannot be read, with the vote's ballot (S3). */
  readonly damaged: ReadonlyMap<Slot, Ballot>;
  /** For people: how the store writes, for example `file, O_DSYNC, writer thread`. */
  readonly mode: string;
}

/** The value of one slot: the newest vote, or the decided value if one was learned (P11). */
export interface StoredValue {
  readonly slot: Slot;
  /** Undefined for a learned value, which no ballot belongs to. */
  readonly ballot: Ballot | undefined;
  readonly value: Value;
}

/**
 * An acceptor's memory: what it promised and what it voted for. One replica's own; one file or
 * device may hold many. Opened through a `Port<LogStore>`, whose `open` takes the exclusive lock
 * (S7), checks the identity (S8) and recovers the medium (S1); calls come from one thread.
 *
 * Each sentence below has a case in `@rsl/core/conformance` with the same words.
 */
export interface LogStore {
  /**
   * Visits every stored record of slots from firstSlot on, and every other kind, in the order of
   * their appends. Called once, before any other method. Never loads the log as a whole: a value's
   * bytes are valid only during `visit` unless they are copied. The newest record of a slot wins.
   */
  recover(visit: (record: LogRecord) => void): Promise<LogInfo>;
  /**
   * All records or none. `done` runs when they are durable, in call order, never before `append`
   * has returned; with no records it waits for every earlier append. After a failure every later
   * append fails with the same error, RSL_STORAGE_FAILED (S4). RSL_STORAGE_FULL is no such failure:
   * there is no room to grow into, and nothing of that append is stored. It fails with all that
   * were called after it and before its `done`; one that is called later is tried again (S5). The
   * bytes of values are taken over: the caller never writes them again.
   */
  append(records: readonly LogRecord[], done: (error?: RslError) => void): void;
  /**
   * The newest values of the consecutive slots from `from` up to `to`, at most `bytesMax` bytes of
   * values but at least one value if slot `from` is stored; ends before the first slot that is not
   * stored. Sees every append whose `done` has run. RSL_LOG_TRUNCATED below firstSlot,
   * RSL_LOG_CORRUPT where a stored value fails its checksum.
   */
  read(from: Slot, to: Slot, bytesMax: number): Promise<readonly StoredValue[]>;
  /**
   * Takes a new store id, durably before it resolves; appends called earlier complete first. Of
   * what the old one stored only what is decided stays (S2): its promises and its other votes are
   * neither visited nor read any more. Called between `recover` and the first append, or last.
   */
  renew(): Promise<StoreId>;
  /**
   * Forgets slots below `before` and nothing else: promises (the ballots of forgotten votes among
   * them), the newest configuration, bootstrap, start and standings records, and the longest lease
   * stay. Constant time; firstSlot never goes back.
   */
  truncate(before: Slot): void;
  /** As it is now: of what was appended, what is durable. */
  info(): LogInfo;
  /** Waits for every append, then gives up the lock. A second call does nothing. */
  close(): Promise<void>;
}
