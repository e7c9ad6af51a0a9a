import { FrameError, silentLogger } from '@rsl/core';
import type { SnapshotMeta } from '@rsl/core/protocol';
import { FileSnapshotStore } from './file-snapshot-store.ts';
import { systemFiles } from './files.ts';
import { completeOptions } from './options.ts';

/** What is copied, from where and to where. */
export interface CopySnapshot {
  /** Where it goes: a directory of snapshots, made if it is not there; no running replica's. */
  readonly directory: string;
  /** The group's name, as the replica has it. */
  readonly group: string;
  readonly meta: SnapshotMeta;
  /** At least one byte of its content from `offset` on: from `Snapshots.open`, for example. */
  readonly read: (offset: number) => Promise<Uint8Array>;
  /** So many bytes are there by now, of `meta.bytes`. */
  readonly onBytes?: (bytes: number) => void;
}

/**
 * Copies a snapshot out of a running replica, from wherever its bytes can be read, and resolves
 * with the path of the file once it is durable and its digest is the one of `meta`. What an earlier
 * try has left is gone on with. Memory holds one piece at a time.
 *
 * RSL_SNAPSHOT_CORRUPT: what was read is not that snapshot. RSL_STORAGE_LOCKED: a replica uses the
 * directory. RSL_WRONG_STORE: another group's snapshots are in it. RSL_STORAGE_FULL,
 * RSL_STORAGE_FAILED: the medium.
 */
export async function copySnapshot(copy: CopySnapshot): Promise<string> {
  const { directory, group, meta } = copy;
  const options = completeOptions(directory, {});
  const context = { group, logger: silentLogger };
  const store = await FileSnapshotStore.open(directory, options, context, systemFiles);
  try {
    const there = await store.list();
    if (!there.some(({ digest }) => digest === meta.digest)) await fill(store, copy);
    return store.where(meta);
  } finally {
    await store.close();
  }
}

async function fill(store: FileSnapshotStore, copy: CopySnapshot): Promise<void> {
  const { meta, onBytes, read } = copy;
  const writer = await store.copy(meta);
  try {
    while (writer.bytes < meta.bytes) {
      const piece = await read(writer.bytes);
      if (piece.length === 0 || writer.bytes + piece.length > meta.bytes) {
        throw new FrameError(`${piece.length} bytes at ${writer.bytes} of ${meta.bytes} are wrong`);
      }
      await writer.write(piece);
      onBytes?.(writer.bytes);
    }
    await writer.commit();
  } catch (error) {
    await writer.leave();
    throw error;
  }
}
