/** What looking into a directory of snapshots finds. Plain objects that survive JSON. */
import type { SnapshotMeta } from '@rsl/core/protocol';

/** Something that is not as it was written. */
export interface Damage {
  readonly file: string;
  /** In bytes. */
  readonly offset: number;
  readonly problem: string;
}

/** A committed snapshot, or one that was set aside. */
export interface InspectedSnapshot {
  readonly file: string;
  readonly fileBytes: number;
  /** Undefined if its header cannot be read. */
  readonly group: string | undefined;
  readonly chunkBytes: number | undefined;
  /** Slot, membership, layout, bytes and digest; undefined if header or end are damaged. */
  readonly meta: SnapshotMeta | undefined;
  /** All of its content is what was committed; undefined unless that was asked for. */
  readonly verified: boolean | undefined;
}

/** What was left of a copy: the next copy of the same goes on behind it. */
export interface InspectedCopy {
  readonly file: string;
  readonly fileBytes: number;
  /** Of what it is to become. */
  readonly slot: number;
  readonly digest: string;
  /** Content that a copy can go on from; undefined unless verifying was asked for. */
  readonly bytes: number | undefined;
}

/** Everything about a directory of snapshots but their content. */
export interface SnapshotsReport {
  readonly directory: string;
  /** Who has it open, in words: then this is a view of a moment, taken while it changed. */
  readonly usedBy: string | undefined;
  /** The newest first. */
  readonly snapshots: readonly InspectedSnapshot[];
  readonly copies: readonly InspectedCopy[];
  /** Being written, or left by a crash: removed at the next start. */
  readonly drafts: readonly { readonly file: string; readonly fileBytes: number }[];
  /** The last one that could not be verified, kept to be looked at. It counts as no damage. */
  readonly condemned: InspectedSnapshot | undefined;
  /** The first thousand, in the order they were found. */
  readonly damage: readonly Damage[];
  /** How many there are altogether. */
  readonly damageCount: number;
}

/** Nothing of it is needed. */
export interface InspectSnapshotsOptions {
  /** Reads all content and checks it; otherwise only headers and ends are. */
  readonly verify?: boolean;
}
