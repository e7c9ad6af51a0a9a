import type { Membership } from '../paxos/membership.ts';
import type { Slot } from '../paxos/slot.ts';

/** Of what a snapshot is. */
export interface SnapshotAbout {
  /** It is the state after exactly this slot. */
  readonly slot: Slot;
  /** Governs the slot after it (R8). */
  readonly membership: Membership;
  /** How its content is laid out: 1 … 65,535, the writer's business. */
  readonly layout: number;
}

/** A whole snapshot; a plain object that survives JSON. Two with the same digest are the same. */
export interface SnapshotMeta extends SnapshotAbout {
  /** Of its content. */
  readonly bytes: number;
  /** SHA-256 of its content: 64 lower-case hexadecimal digits. */
  readonly digest: string;
}

/** Which one it is. */
export type SnapshotName = Pick<SnapshotMeta, 'digest' | 'slot'>;

/**
 * Where one replica's snapshots live. Opened through a `Port<SnapshotStore>`, whose `open` checks
 * the identity (S8) and removes what a crash left of `create`; calls come from one thread, one at a
 * time for each writer and reader. A crash at any point leaves the committed snapshots as they were
 * and no other visible.
 *
 * Each sentence below has a case in `@rsl/core/conformance` with the same words.
 */
export interface SnapshotStore {
  /**
   * The committed snapshots, the newest slot first. Their ends were verified, their content was
   * not: see `SnapshotReader.verify`.
   */
  list(): Promise<readonly SnapshotMeta[]>;
  /** Where a committed snapshot is, for people: the path of its file, for example. */
  where(meta: SnapshotMeta): string;
  /**
   * A new snapshot, visible once it is committed; it takes the place of one of the same slot. One
   * at a time: RSL_INVALID_OPTION while another is being written.
   */
  create(about: SnapshotAbout): Promise<SnapshotWriter>;
  /**
   * A copy of a snapshot that somebody else has. Goes on after the verified bytes that an earlier
   * copy of the very same left behind, also after a crash; what another one left is removed. One
   * at a time, beside one of `create`.
   */
  copy(meta: SnapshotMeta): Promise<SnapshotWriter>;
  /** Of which one a copy has left bytes for a later one to go on with, also after a crash. */
  left(): Promise<SnapshotName | undefined>;
  /** RSL_SNAPSHOT_GONE if it is not, or not any more, among the committed ones. */
  open(meta: SnapshotMeta): Promise<SnapshotReader>;
  /**
   * Removes the snapshots of slots below `before`. Those that are open are not listed any more, can
   * be read until they are closed, and go then.
   */
  discard(before: Slot): Promise<void>;
  /**
   * Its content could not be verified: it is not listed any more, not after a restart either. One
   * such is kept for people to look at, the last one.
   */
  condemn(meta: SnapshotMeta): Promise<void>;
  /** Aborts what is being written, closes what is read. A second call does nothing. */
  close(): Promise<void>;
}

/** A snapshot that is not visible yet. One call at a time. */
export interface SnapshotWriter {
  /** Bytes of content so far: where to go on. */
  readonly bytes: number;
  /**
   * The next bytes of content, any number of them, taken over by the call. RSL_STORAGE_FULL,
   * RSL_STORAGE_FAILED: nothing but `abort` or `leave` may follow.
   */
  write(bytes: Uint8Array): Promise<void>;
  /**
   * Durable and visible when it resolves. A copy whose bytes are not those of its meta rejects with
   * RSL_SNAPSHOT_CORRUPT, and is removed.
   */
  commit(): Promise<SnapshotMeta>;
  /** Nothing of it stays. After `commit`, and a second time, it does nothing. */
  abort(): Promise<void>;
  /** Of a copy: what is written stays, for a later `copy` of the same. Of a new one: as `abort`. */
  leave(): Promise<void>;
}

/** An open snapshot, which stays readable whatever is discarded, until it is closed. */
export interface SnapshotReader {
  readonly meta: SnapshotMeta;
  /**
   * Verified bytes of content from `offset` on: at least one and at most `bytesMax`, or none at the
   * end. RSL_SNAPSHOT_CORRUPT if a checksum does not fit.
   */
  read(offset: number, bytesMax: number): Promise<Uint8Array>;
  /** Reads all of it. RSL_SNAPSHOT_CORRUPT unless every byte is the one that was committed. */
  verify(): Promise<void>;
  /** It can be discarded for good then. A second call does nothing. */
  close(): Promise<void>;
}
