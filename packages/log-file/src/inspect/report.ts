/** What looking into a log's directory finds. Plain objects, but for the bytes of values. */
import type {
  Ballot,
  LogRecord,
  Membership,
  ReplicaId,
  Slot,
  Standing,
  StoreId,
} from '@rsl/core/protocol';
import type { Identity } from '../directory.ts';
import type { Copied } from '../origin.ts';
import type { SharedRecord } from '../shared/shared-record.ts';

/** Something that is not as it was written. */
export interface Damage {
  readonly file: string;
  /** In bytes; 0 for a file that is missing. */
  readonly offset: number;
  readonly problem: string;
}

/** One file of the log. */
export interface InspectedSegment {
  readonly sequence: number;
  readonly file: string;
  /** Undefined if its header cannot be read, or is that of another segment. */
  readonly store: StoreId | undefined;
  /** Of the file. */
  readonly bytes: number;
  /** Up to where there are groups of records; 0 if its header cannot be read. */
  readonly usedBytes: number;
  readonly groups: number;
  /** The file is not the one that the segment was made in. */
  readonly copied: Copied;
  /** The log needed it no more, and gave it up while it was read: perhaps not all of it was. */
  readonly left: boolean;
}

/** What one replica has stored; of a shared log there are many. */
export interface InspectedStore {
  readonly group: string;
  readonly replica: ReplicaId;
  readonly store: StoreId;
  /** Slots below are forgotten, though some may still be in the files. */
  readonly firstSlot: Slot;
  /** 0 if there is none. */
  readonly lastSlot: Slot;
  /** 0 if nothing is known to be decided. */
  readonly decidedThrough: Slot;
  /** The highest ballot promised or voted in. */
  readonly promise: Ballot | undefined;
  readonly configuration: Membership | undefined;
  readonly bootstrap: Membership | undefined;
  /** The last one. */
  readonly start: { readonly count: number; readonly nonce: number } | undefined;
  readonly standings: readonly Standing[];
  /** The longest lease it may have granted, in milliseconds. */
  readonly leaseMs: number;
  /** Number of the last group of records that is its own. */
  readonly position: number;
  /** The files were copied since it was made; only of a shared log. */
  readonly copied: boolean;
  /** Records in the files, those of forgotten slots too. */
  readonly votes: number;
  readonly decided: number;
  /** Slots whose value is lost and that nothing stands in for, with the ballot of the vote (S3). */
  readonly lost: readonly { readonly slot: Slot; readonly ballot: Ballot }[];
}

/** The end of the log: where the next write goes. */
export interface LogTail {
  readonly file: string;
  readonly offset: number;
  /**
   * Part of a write is there, which nobody was told is durable: a crash has cut it off, or it is
   * under way. The next start drops it. It is no damage.
   */
  readonly torn: boolean;
}

/** Everything about a log but its records. */
export interface LogReport {
  readonly directory: string;
  /** Who has it open, in words: then this is a view of a moment, taken while it changed. */
  readonly usedBy: string | undefined;
  /** Undefined if it is missing or damaged, or the store was not finished when it was made. */
  readonly identity: Identity | undefined;
  /** It is the log of many groups. */
  readonly isShared: boolean;
  readonly segments: readonly InspectedSegment[];
  /** Files that are ready to become a segment. */
  readonly spares: { readonly files: number; readonly bytes: number };
  /** Undefined if there is no segment that can be read. */
  readonly tail: LogTail | undefined;
  /** One, or of a shared log one for each group. */
  readonly stores: readonly InspectedStore[];
  /** The first thousand, in the order they were found. */
  readonly damage: readonly Damage[];
  /** How many there are altogether. */
  readonly damageCount: number;
}

/** The value of a slot, as it is stored. */
export interface FoundValue {
  readonly kind: 'vote' | 'decided';
  readonly slot: Slot;
  /** Of a vote. */
  readonly ballot: Ballot | undefined;
  readonly bytes: number;
  readonly checksum: number;
  /** Undefined if it fails its checksum. A view that is good until the visit is over. */
  readonly value: Uint8Array | undefined;
}

type OfNoSlot = Exclude<LogRecord, { kind: 'vote' | 'decided' }>;

/** A record, and where it is. */
export interface FoundRecord {
  readonly record: FoundValue | OfNoSlot | SharedRecord;
  /** Of the replica group whose it is. */
  readonly group: string;
  /** In the file, of the record's header. */
  readonly offset: number;
  /** It was stored before, and was copied forward (shared logs). */
  readonly copied: boolean;
}

/** Records that were stored together. */
export interface FoundGroup {
  readonly file: string;
  readonly offset: number;
  readonly number: number;
  readonly records: readonly FoundRecord[];
}

/** Nothing of it is needed. */
export interface InspectLogOptions {
  /**
   * Visits what verifies, in the order it was stored; what a segment repeats of those before it is
   * left out. Reading goes on when what it gives is resolved.
   */
  readonly visit?: (group: FoundGroup) => void | Promise<void>;
}
